//! Composes a component and its middleware into one component, as Spin does.
//!
//! Middleware imports and exports `wasi:http/handler`. Its import becomes the export of the component
//! behind it. Both run in the same instance, with the permissions of the component.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, plug};

/// The component in `source`, behind the middleware. The first middleware gets a request first.
pub fn read(source: &Path, middleware: &[PathBuf]) -> Result<Vec<u8>> {
    let component = read_file(source)?;
    middleware.iter().rev().try_fold(component, |inner, outer| {
        put_in_front(read_file(outer)?, inner).with_context(|| {
            format!(
                "cannot put the middleware {} in front of {}",
                outer.display(),
                source.display()
            )
        })
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot load {}", path.display()))
}

fn put_in_front(outer: Vec<u8>, inner: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let outer = register(&mut graph, "middleware", outer)?;
    let inner = register(&mut graph, "component", inner)?;
    plug(&mut graph, vec![inner], outer)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, bytes: Vec<u8>) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}
