//! Makes an application from the operator's settings. If a setting is wrong, this is found here,
//! before the host serves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::handler::ProxyHandler;

use crate::allowed_hosts::AllowedHosts;
use crate::app::App;
use crate::app_link::AppLink;
use crate::config::HostConfig;
use crate::engine::{self, wasm_error};
use crate::instance::{Grant, HostState, Ready, linker};
use crate::kv::Stores;
use crate::lifecycle::Lifecycle;
use crate::manifest::{Component, Folder, Manifest};
use crate::pool::Pool;
use crate::routes::Routes;
use crate::runtime_config::open_stores;
use crate::variables::{Sources, Variables, read_dotenv};

/// Reads the manifest and every file that it names, and compiles the components.
pub fn load(config: &HostConfig, lifecycle: &Lifecycle) -> Result<Arc<App>> {
    let manifest = Manifest::load(&config.manifest)?;
    let routes = Routes::new(&manifest.triggers)?;
    for id in config.sources.keys() {
        ensure!(
            manifest.components.contains_key(id),
            "a source is given for {id:?}, which is no component"
        );
    }
    for destination in config.folders.keys() {
        let mut files = manifest.components.values().flat_map(|of| &of.files);
        ensure!(
            files.any(|folder| folder.destination == *destination),
            "a folder is given for {destination:?}, which no component reads"
        );
    }
    let loader = Loader::new(config, &manifest)?;
    let components = loader.components(&manifest)?;
    let services = services(config, lifecycle, &manifest, &components)?;
    let chain_layer = config.chain_layer.clone();
    Ok(App::new(
        routes,
        components,
        services,
        chain_layer,
        &loader.app,
    ))
}

/// The data that the components of one application share while they are loaded.
struct Loader<'a> {
    config: &'a HostConfig,
    engine: Engine,
    linker: Linker<HostState>,
    stores: Stores,
    variables: Variables,
    ids: Vec<String>,
    app: AppLink,
}

impl<'a> Loader<'a> {
    fn new(config: &'a HostConfig, manifest: &Manifest) -> Result<Self> {
        let folder = config.manifest.parent().unwrap_or(Path::new(""));
        let sources = Sources {
            given: &config.variables,
            env: &|name| std::env::var(name).ok(),
            dotenv: &read_dotenv(folder)?,
        };
        let variables = Variables::resolve(&manifest.variables, &sources)?;
        let mut stores = open_stores(config.runtime_config.as_deref(), &config.state_dir)?;
        if let Some(layer) = &config.store_layer {
            stores = stores
                .into_iter()
                .map(|(label, store)| (label, layer(store)))
                .collect();
        }
        let engine = engine::new(config.cache_dir.as_deref())?;
        Ok(Self {
            config,
            linker: linker(&engine).map_err(wasm_error)?,
            engine,
            stores: Stores::new(stores),
            variables,
            ids: manifest.components.keys().cloned().collect(),
            app: AppLink::default(),
        })
    }

    fn components(&self, manifest: &Manifest) -> Result<BTreeMap<String, Arc<Ready>>> {
        let load = |(id, component): (&String, &Component)| {
            let ready = self
                .component(id, component)
                .with_context(|| format!("in the component {id:?}"))?;
            Ok((id.clone(), Arc::new(ready)))
        };
        manifest.components.iter().map(load).collect()
    }

    fn component(&self, id: &str, component: &Component) -> Result<Ready> {
        for label in &component.key_value_stores {
            ensure!(
                self.stores.get(label).is_some(),
                "no key-value store has the label {label:?}: add it to the runtime config"
            );
        }
        let folders = component.files.iter().map(|folder| self.folder(folder));
        let hosts = &component.allowed_outbound_hosts;
        let grant = Grant {
            id: id.into(),
            stores: self.stores.clone(),
            labels: Arc::new(component.key_value_stores.iter().cloned().collect()),
            variables: Arc::new(self.variables.render_all(&component.variables)?),
            allowed: Arc::new(AllowedHosts::parse(hosts, &self.variables, &self.ids)?),
            folders: folders.collect::<Result<_>>()?,
            app: self.app.clone(),
            log_layer: self.config.log_layer.clone(),
        };
        let source = self.config.sources.get(id).unwrap_or(&component.source);
        let middleware = &component.middleware;
        Ready::load(&self.engine, &self.linker, source, middleware, grant)
    }

    /// The folder that a component gets in place of one of the manifest.
    fn folder(&self, of: &Folder) -> Result<Folder> {
        let source = self.config.folders.get(&of.destination);
        let source = source.unwrap_or(&of.source);
        ensure!(
            source.is_dir(),
            "`files` names {}, which is not a folder",
            source.display()
        );
        Ok(Folder {
            source: source.clone(),
            destination: of.destination.clone(),
        })
    }
}

fn services(
    config: &HostConfig,
    lifecycle: &Lifecycle,
    manifest: &Manifest,
    components: &BTreeMap<String, Arc<Ready>>,
) -> Result<BTreeMap<String, ProxyHandler<Pool>>> {
    let mut services = BTreeMap::new();
    for trigger in &manifest.triggers {
        let id = &trigger.component;
        let component = components
            .get(id)
            .with_context(|| format!("no component {id:?}"))?;
        let pool = Pool::new(component.clone(), config.reuse, lifecycle.clone())?;
        services.insert(id.clone(), ProxyHandler::new(pool));
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        application = { name = "app" }
        [[trigger.http]]
        route = "/"
        component = "a"
        [component.a]
        source = "a.wasm"
        files = [{ source = "files", destination = "/files" }]
    "#;

    /// The error of an application that has no Wasm file either.
    fn error(change: impl FnOnce(&Path, &mut HostConfig)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("spin.toml");
        fs::write(&manifest, MANIFEST).unwrap();
        let mut config = HostConfig::new(manifest);
        config.cache_dir = None;
        change(folder.path(), &mut config);
        let loaded = load(&config, &Lifecycle::new());
        format!("{:#}", loaded.err().unwrap())
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let missing = error(|_, _| {});
        assert!(missing.contains("in the component \"a\""), "{missing}");
        assert!(
            missing.contains("files, which is not a folder"),
            "{missing}"
        );
        let is_file = error(|folder, _| fs::write(folder.join("files"), "").unwrap());
        assert!(is_file.contains("is not a folder"), "{is_file}");
        let is_there = error(|folder, _| fs::create_dir(folder.join("files")).unwrap());
        assert!(is_there.contains("a.wasm"), "{is_there}");
    }

    #[test]
    fn a_folder_may_stand_for_one_of_the_manifest_and_for_no_other() {
        let give = |destination: &str| {
            error(|folder, config| {
                config.folders.insert(destination.into(), folder.into());
            })
        };
        assert!(give("/files").contains("a.wasm"));
        assert!(give("/other").contains("\"/other\", which no component reads"));
    }
}
