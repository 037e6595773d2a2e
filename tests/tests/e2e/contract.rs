//! The built components keep to `wit/rollcall.wit`: each imports only the interfaces of its world.

use std::collections::BTreeSet;

use rollcall_tests::{component, workspace};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};
use wit_parser::{Resolve, WorldItem};

/// The names of the imports and exports of a built component.
fn built(name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, component(name)).unwrap();
    let kind = component.component_type();
    let imports = kind
        .imports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let exports = kind
        .exports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    (imports, exports)
}

/// The names of the imports and exports of a world in the WIT.
fn written(world: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(workspace().join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let world = &resolve.worlds[world];
    let names = |items: Vec<(&wit_parser::WorldKey, &WorldItem)>| {
        let names = items
            .into_iter()
            .map(|(key, _)| resolve.name_world_key(key));
        names.collect()
    };
    (
        names(world.imports.iter().collect()),
        names(world.exports.iter().collect()),
    )
}

/// Whether Rust's standard library brings this import for wasm32-wasip2. It does so in every
/// program.
fn is_of_the_standard_library(import: &str) -> bool {
    let brought = [
        "wasi:cli/",
        "wasi:io/",
        "wasi:clocks/",
        "wasi:random/",
        "wasi:filesystem/",
    ];
    import.contains("@0.2.") && brought.iter().any(|start| import.starts_with(start))
}

fn check(name: &str) {
    let (imports, exports) = built(name);
    let (may_import, must_export) = written(&format!("{name}-component"));
    let extra: Vec<&String> = imports
        .difference(&may_import)
        .filter(|import| !is_of_the_standard_library(import))
        .collect();
    assert!(
        extra.is_empty(),
        "{name} imports {extra:?}, which its world does not list"
    );
    assert_eq!(exports, must_export, "{name}");
}

#[test]
fn each_component_imports_only_what_its_world_lists_and_exports_all_of_it() {
    for name in ["collector", "aggregator", "router"] {
        check(name);
    }
}

#[test]
fn the_router_and_the_aggregator_have_no_key_value_store() {
    for name in ["router", "aggregator"] {
        let (imports, _) = built(name);
        assert!(
            !imports
                .iter()
                .any(|import| import.contains("key-value") || import.contains("keyvalue")),
            "{name}"
        );
    }
}

#[test]
fn the_collector_makes_no_outgoing_request() {
    let (imports, _) = built("collector");
    assert!(
        imports
            .iter()
            .any(|import| import.starts_with("spin:key-value/"))
    );
    let outgoing = [
        "wasi:http/client",
        "wasi:http/outgoing-handler",
        "wasi:http/handler",
        "wasi:sockets",
    ];
    assert!(
        !imports
            .iter()
            .any(|import| outgoing.iter().any(|start| import.starts_with(start))),
        "{imports:?}"
    );
}
