//! The pool of a component's instances: how many requests an instance takes, and when it ends.
//!
//! As in Spin, Wasmtime's `ProxyHandler` runs the pool. This file answers its questions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use futures::future::{Fuse, FusedFuture as _};
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::engine::wasm_error;
use crate::instance::{HostState, Ready};
use crate::lifecycle::{Lifecycle, Phase, Presence};

/// How instances are reused. The defaults are Spin's.
#[derive(Debug, Clone, Copy)]
pub struct InstanceReuse {
    /// The requests that one instance takes in its life. Then it finishes and ends.
    pub requests_max: usize,
    /// The requests that one instance works on at a time.
    pub concurrent_max: usize,
    /// How long an instance without requests stays.
    pub idle_timeout: Duration,
}

impl Default for InstanceReuse {
    fn default() -> Self {
        Self {
            requests_max: 128,
            concurrent_max: 16,
            idle_timeout: Duration::from_secs(1),
        }
    }
}

/// Makes the instances of one component.
pub struct Pool {
    component: Arc<Ready>,
    pre: ServicePre<HostState>,
    reuse: InstanceReuse,
    lifecycle: Lifecycle,
}

impl Pool {
    /// The pool of a component, which must export `wasi:http/handler@0.3`.
    pub fn new(component: Arc<Ready>, reuse: InstanceReuse, lifecycle: Lifecycle) -> Result<Self> {
        let pre = ServicePre::new(component.pre.clone())
            .map_err(wasm_error)
            .with_context(|| {
                format!("{:?} does not export wasi:http/handler@0.3", component.id())
            })?;
        Ok(Self {
            component,
            pre,
            reuse,
            lifecycle,
        })
    }
}

impl HandlerState for Pool {
    type StoreData = HostState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<HostState, Expiration, Worker>> {
        let mut store = self.component.store()?;
        let service = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: HostState::http,
            expiration: Expiration::new(self.reuse.idle_timeout, &self.lifecycle),
            state: Worker {
                component: self.component.clone(),
                reuse: self.reuse,
                _presence: self.lifecycle.enter(),
            },
        })
    }
}

/// One instance at work.
pub struct Worker {
    component: Arc<Ready>,
    reuse: InstanceReuse,
    _presence: Presence,
}

impl WorkerState for Worker {
    type StoreData = HostState;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.requests_max {
            ShouldAccept::Never
        } else if concurrent >= self.reuse.concurrent_max {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, HostState>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        // A request has no time limit. In Spin, it has none by default.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<HostState>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            tracing::error!(
                component = self.component.id(),
                "instance failed: {error:#}"
            );
        }
        drop(store);
    }
}

/// A phase that the host will reach.
type Event = Fuse<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>;

/// When an instance ends: if it is idle for too long, if it is idle while the host drains, or at
/// once if the host stops.
pub struct Expiration {
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
    draining: Event,
    stopped: Event,
}

impl Expiration {
    fn new(idle_timeout: Duration, lifecycle: &Lifecycle) -> Self {
        Self {
            idle_timeout,
            idle: Box::pin(tokio::time::sleep(idle_timeout)),
            draining: event(lifecycle, Phase::Draining),
            stopped: event(lifecycle, Phase::Stopped),
        }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let stopped = is_done(&mut self.stopped, cx);
        let draining = is_done(&mut self.draining, cx);
        let idle = status == WorkerStatus::Idle;
        if stopped || (draining && idle) {
            return Poll::Ready(());
        }
        if !idle {
            return Poll::Pending;
        }
        let deadline = tokio::time::Instant::from_std(start + self.idle_timeout);
        if self.idle.deadline() != deadline {
            self.idle.as_mut().reset(deadline);
        }
        self.idle.as_mut().poll(cx)
    }
}

fn event(lifecycle: &Lifecycle, phase: Phase) -> Event {
    let reached: Pin<Box<dyn Future<Output = ()> + Send + Sync>> =
        Box::pin(lifecycle.reached(phase));
    reached.fuse()
}

fn is_done(event: &mut Event, cx: &mut Context<'_>) -> bool {
    event.poll_unpin(cx).is_ready() || event.is_terminated()
}
