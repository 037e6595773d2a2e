//! Serves a `spin.toml` on Wasmtime as Spin 4.1 would, on machines without Spin.
//!
//! It runs components that spin-sdk 7 makes: they export `wasi:http/handler@0.3`, and import WASI
//! 0.2 and 0.3, `spin:key-value@3`, `spin:variables@3` and `wasi:keyvalue@0.2.0-draft2`. Instances
//! are pooled and reused as in Spin. A trap ends one instance and the requests in it. Components
//! reach each other by service chaining.
//!
//! If an application needs something that this host does not have (SQL, AI, TLS, triggers other
//! than HTTP), the host refuses to start. For tests, it can do more than Spin: replace any component
//! ([`HostConfig::sources`]) and any folder ([`HostConfig::folders`]), wrap any store
//! ([`HostConfig::store_layer`]), stop any call between components ([`HostConfig::chain_layer`]), read
//! what components log ([`HostConfig::log_layer`]), and call any WIT export without HTTP
//! ([`Host::instantiate`]).
//!
//! | file | job |
//! |---|---|
//! | `manifest`, `runtime_config`, `variables` | read the operator's settings |
//! | `config` | the settings of the host |
//! | `loader` | makes an application from the settings, or says which setting is wrong |
//! | `compose` | puts middleware in front of a component |
//! | `app` | the way of a request to a component |
//! | `routes` | the component for a path, and Spin's headers |
//! | `instance`, `pool`, `engine`, `memory` | one instance, many instances, Wasmtime, memory used |
//! | `allowed_hosts`, `outbound` | the hosts that a component may call, and chaining |
//! | `kv` | key-value stores, and how components see them |
//! | `server`, `lifecycle`, `log` | HTTP, shutting down, the output of components |

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod allowed_hosts;
mod app;
mod app_link;
mod bindings;
mod compose;
mod config;
mod engine;
mod instance;
mod kv;
mod lifecycle;
mod loader;
mod log;
mod manifest;
mod memory;
mod outbound;
mod pool;
mod routes;
mod runtime_config;
mod server;
mod variables;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use async_trait::async_trait;
pub use config::{ChainLayer, Chained, HostConfig, StoreLayer};
pub use instance::HostState;
pub use kv::{KeyValue, StoreError, StoreResult};
pub use log::LogLayer;
pub use pool::InstanceReuse;

use app::App;
use lifecycle::{Lifecycle, Phase};

/// How long [`Host::shutdown`] lets requests finish.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// How long [`Host::shutdown`] then lets the work after responses finish. It is short, because that
/// work may be a sleep of minutes. Spin gives it no time.
const WORK_GRACE: Duration = Duration::from_secs(1);

/// A running application. If it is dropped, everything ends at once. [`Host::shutdown`] lets
/// requests finish.
pub struct Host {
    app: Arc<App>,
    addr: SocketAddr,
    lifecycle: Lifecycle,
    server: JoinHandle<()>,
}

impl Host {
    /// Loads the application and serves it. These are errors: a bad manifest, a missing variable,
    /// an unknown store, a component that does not load, an address in use.
    pub async fn start(config: HostConfig) -> Result<Self> {
        ensure!(
            Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread,
            "the host needs tokio's multi-thread runtime: stores block their thread while they work"
        );
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let addr = listener.local_addr()?;
        let lifecycle = Lifecycle::new();
        let app = tokio::task::block_in_place(|| loader::load(&config, &lifecycle))?;
        let server = tokio::spawn(server::serve(listener, app.clone(), lifecycle.clone()));
        Ok(Self {
            app,
            addr,
            lifecycle,
            server,
        })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A new instance of a component, with all its permissions, to call its WIT exports without
    /// HTTP. It is not in the pool.
    pub async fn instantiate(
        &self,
        component: &str,
    ) -> Result<(wasmtime::Store<HostState>, wasmtime::component::Instance)> {
        self.app.instantiate(component).await
    }

    /// The largest linear memory that an instance of a component had so far, in bytes. 0 if there
    /// is no such component.
    pub fn memory_peak(&self, component: &str) -> usize {
        self.app.memory_peak(component).unwrap_or_default()
    }

    /// Takes no more connections. Lets requests finish (10 s at most), and then the work after them
    /// (1 s). Then it ends.
    pub async fn shutdown(mut self) {
        self.lifecycle.advance(Phase::Draining);
        if timeout(SHUTDOWN_GRACE, &mut self.server).await.is_err() {
            tracing::warn!("requests were still under way after {SHUTDOWN_GRACE:?}: ended");
        }
        if timeout(WORK_GRACE, self.lifecycle.empty()).await.is_err() {
            tracing::debug!("work after responses was still under way after {WORK_GRACE:?}: ended");
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.lifecycle.advance(Phase::Stopped);
        self.server.abort();
    }
}
