//! One instance of a component: its state in the host, and the interfaces that are linked to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use wasmtime::component::{
    Accessor, Component, HasData, HasSelf, InstancePre, Linker, Resource, ResourceTable,
};
use wasmtime::{AsContextMut as _, Engine, Store};
use wasmtime_wasi::{FsPerms, TrappableError, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::bindings::http::client;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::allowed_hosts::{AllowedHosts, chain_target};
use crate::app_link::{AppLink, TRAP};
use crate::bindings::spin::{key_value::key_value, variables::variables};
use crate::bindings::wasi::keyvalue;
use crate::compose;
use crate::engine::wasm_error;
use crate::kv::Stores;
use crate::kv::handles::{Grants, HasStores, View};
use crate::log::{Log, LogLayer};
use crate::manifest::Folder;
use crate::memory::MemoryPeak;
use crate::outbound::Outbound;
use crate::variables::check_name;

/// The permissions and settings of a component, the same for all of its instances.
pub struct Grant {
    /// The component's id.
    pub id: Arc<str>,
    /// The application's stores, and the labels of the stores that the component may open.
    pub stores: Stores,
    /// See [`Grant::stores`].
    pub labels: Arc<BTreeSet<String>>,
    /// The component's variables.
    pub variables: Arc<BTreeMap<String, String>>,
    /// The hosts that it may send requests to.
    pub allowed: Arc<AllowedHosts>,
    /// The folders that it may read.
    pub folders: Vec<Folder>,
    /// The application, for chaining.
    pub app: AppLink,
    /// See [`crate::HostConfig::log_layer`].
    pub log_layer: Option<LogLayer>,
}

/// A component, compiled and linked, with its permissions.
pub struct Ready {
    /// Makes instances.
    pub pre: InstancePre<HostState>,
    /// The linear memory of all its instances.
    pub memory_peak: MemoryPeak,
    grant: Grant,
}

/// The host's side of one instance. It is opaque. Tests use it as the data of a [`Store`], to call
/// exports.
pub struct HostState {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    grants: Grants,
    variables: Arc<BTreeMap<String, String>>,
    memory_peak: MemoryPeak,
}

impl Ready {
    /// Compiles the component in `source`, behind its middleware, or takes it from the cache, and
    /// links it.
    pub fn load(
        engine: &Engine,
        linker: &Linker<HostState>,
        source: &Path,
        middleware: &[PathBuf],
        grant: Grant,
    ) -> Result<Self> {
        let composed = compose::read(source, middleware)?;
        let component = Component::new(engine, composed)
            .map_err(wasm_error)
            .with_context(|| format!("cannot load {}", source.display()))?;
        let pre = linker
            .instantiate_pre(&component)
            .map_err(wasm_error)
            .with_context(|| {
                format!("{} imports what this host does not have", source.display())
            })?;
        Ok(Self {
            pre,
            memory_peak: MemoryPeak::default(),
            grant,
        })
    }

    /// The component's id.
    pub fn id(&self) -> &str {
        &self.grant.id
    }

    /// A store for a new instance. It is an error if one of its folders cannot be opened.
    pub fn store(&self) -> wasmtime::Result<Store<HostState>> {
        let state = HostState::new(&self.grant, self.memory_peak.clone())?;
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.memory_peak);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        Ok(store)
    }
}

impl HostState {
    fn new(grant: &Grant, memory_peak: MemoryPeak) -> wasmtime::Result<Self> {
        let log = Log::new(grant.id.clone(), grant.log_layer.clone());
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(log.clone()).stderr(log);
        for folder in &grant.folders {
            wasi.preopened_dir(&folder.source, &folder.destination, FsPerms::ReadOnly)?;
        }
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound {
                allowed: grant.allowed.clone(),
                app: grant.app.clone(),
            },
            grants: Grants::new(grant.stores.clone(), grant.labels.clone()),
            variables: grant.variables.clone(),
            memory_peak,
        })
    }

    fn stores(&mut self) -> View<'_> {
        View {
            grants: &mut self.grants,
            table: &mut self.table,
        }
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Every interface that components may import.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::bindings::http::types::add_to_linker::<_, WasiHttp>(
        &mut linker,
        HostState::http,
    )?;
    client::add_to_linker::<_, Chaining>(&mut linker, HostState::http)?;
    key_value::add_to_linker::<_, HasStores>(&mut linker, HostState::stores)?;
    keyvalue::store::add_to_linker::<_, HasStores>(&mut linker, HostState::stores)?;
    keyvalue::batch::add_to_linker::<_, HasStores>(&mut linker, HostState::stores)?;
    keyvalue::atomics::add_to_linker::<_, HasStores>(&mut linker, HostState::stores)?;
    variables::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    Ok(linker)
}

impl variables::Host for HostState {}

impl variables::HostWithStore<HostState> for HasSelf<HostState> {
    async fn get(
        accessor: &Accessor<HostState, Self>,
        name: String,
    ) -> Result<String, variables::Error> {
        check_name(&name).map_err(variables::Error::InvalidName)?;
        accessor
            .with(|mut access| access.get().variables.get(&name).cloned())
            .ok_or_else(|| {
                variables::Error::Undefined(format!("no variable {name:?} for this component"))
            })
    }
}

/// `wasi:http/client` as Wasmtime has it, with one difference: if a permitted request is for a
/// component that does not exist, its caller traps, as in Spin.
struct Chaining;

impl HasData for Chaining {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl client::HostWithStore<HostState> for Chaining {
    async fn send(
        accessor: &Accessor<HostState, Self>,
        request: Resource<Request>,
    ) -> Result<Resource<Response>, TrappableError<ErrorCode>> {
        if let Some(target) =
            accessor.with(|mut access| access.as_context_mut().data_mut().missing_target(&request))
        {
            return Err(TrappableError::trap(wasmtime::format_err!(
                "unknown component {target:?}"
            )));
        }
        let accessor = accessor.with_getter::<WasiHttp>(HostState::http);
        let sent = <WasiHttp as client::HostWithStore<HostState>>::send(&accessor, request).await;
        sent.map_err(|error| match error.downcast() {
            Ok(ErrorCode::InternalError(Some(why))) if why == TRAP => {
                TrappableError::trap(wasmtime::format_err!("{why}"))
            }
            Ok(code) => code.into(),
            Err(trap) => TrappableError::trap(trap),
        })
    }
}

impl HostState {
    /// The component that a permitted request is for, if the application has no such component.
    fn missing_target(&self, request: &Resource<Request>) -> Option<String> {
        let request = self.table.get(request).ok()?;
        let authority = request.authority.as_ref()?;
        let target = chain_target(authority.host())?;
        let scheme = request
            .scheme
            .as_ref()
            .map_or("https", |scheme| scheme.as_str());
        let uri = format!("{scheme}://{authority}/").parse().ok()?;
        let known = self.outbound.app.upgrade()?.serves(target);
        (!known && self.outbound.allowed.allow(&uri)).then(|| target.to_owned())
    }
}
