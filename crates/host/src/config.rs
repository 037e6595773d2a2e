//! The settings of the host.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::kv::KeyValue;
use crate::log::LogLayer;
use crate::pool::InstanceReuse;

/// Wraps every key-value store when the host starts; see [`HostConfig::store_layer`].
pub type StoreLayer = Arc<dyn Fn(Arc<dyn KeyValue>) -> Arc<dyn KeyValue> + Send + Sync>;

/// Called before every chained request, with the callee and the path. See
/// [`HostConfig::chain_layer`].
pub type ChainLayer = Arc<dyn Fn(&str, &str) -> BoxFuture<'static, Chained> + Send + Sync>;

/// The decision on a chained request.
pub enum Chained {
    /// Make it. The value lives until the callee has answered.
    Call(Box<dyn Send + Sync>),
    /// Let it fail as if the callee trapped: 500 without a body.
    CalleeTraps,
    /// End the caller's instance, as if there were no such callee.
    CallerTraps,
}

/// The application to serve, and the settings of the host.
#[derive(Clone)]
pub struct HostConfig {
    /// The path of `spin.toml`. Sources and `.env` are found relative to it.
    pub manifest: PathBuf,
    /// The address to listen on. Port 0 takes a free port. See [`crate::Host::addr`].
    pub listen: SocketAddr,
    /// The folder of the default key-value store.
    pub state_dir: PathBuf,
    /// The folder in which compiled components are kept between runs. If it is `None`, every start
    /// compiles them, which takes seconds.
    pub cache_dir: Option<PathBuf>,
    /// Spin's runtime-config file. It names the store behind each label.
    pub runtime_config: Option<PathBuf>,
    /// Values of application variables. They are used before the environment and `.env`.
    pub variables: BTreeMap<String, String>,
    /// How instances are reused.
    pub reuse: InstanceReuse,
    /// Wasm files that replace those of the manifest, by component id.
    pub sources: BTreeMap<String, PathBuf>,
    /// Folders that replace those of the manifest's `files`, by destination.
    pub folders: BTreeMap<String, PathBuf>,
    /// Wraps every store, so that a test can make it fail, stall or count.
    pub store_layer: Option<StoreLayer>,
    /// Called before every chained request, so that a test can make it fail, stall or count.
    pub chain_layer: Option<ChainLayer>,
    /// Called with each line of the components' output, so that a test can read it.
    pub log_layer: Option<LogLayer>,
}

impl HostConfig {
    /// Spin's defaults for this manifest: 127.0.0.1:3000, and everything kept in `.spin` beside it.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        let manifest = manifest.into();
        let state_dir = manifest.parent().unwrap_or(Path::new("")).join(".spin");
        Self {
            manifest,
            listen: (Ipv4Addr::LOCALHOST, 3000).into(),
            cache_dir: Some(state_dir.join("cache")),
            state_dir,
            runtime_config: None,
            variables: BTreeMap::new(),
            reuse: InstanceReuse::default(),
            sources: BTreeMap::new(),
            folders: BTreeMap::new(),
            store_layer: None,
            chain_layer: None,
            log_layer: None,
        }
    }
}
