//! Builds the components: one cargo call for all three. It has its own target folder, because it
//! may use another rustc.

use anyhow::{Context, Result};

use crate::command;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

const PACKAGES: [&str; 3] = [
    "rollcall-collector",
    "rollcall-aggregator",
    "rollcall-router",
];
/// The components of `examples/`. They are not part of the app.
const EXAMPLES: [&str; 2] = ["rollcall-gateway", "rollcall-middleware"];
/// The component that `cargo xtask bench` compares with. It is not part of the app.
const REFERENCE: &str = "rollcall-reference";

/// Every package that is built for Wasm.
pub fn every() -> impl Iterator<Item = &'static str> {
    [&PACKAGES[..], &EXAMPLES, &[REFERENCE]]
        .concat()
        .into_iter()
}

/// Every start of the app reads the components, so small matters.
const OPTIMISED: [&str; 2] = [
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
];

/// Makes `target/wasm/wasm32-wasip2/release/rollcall_{collector,aggregator,router}.wasm`. spin.toml
/// names these files.
pub fn build(workspace: &Workspace) -> Result<()> {
    build_packages(workspace, &PACKAGES)
}

/// The same, and the components of the examples. These have a cargo call of their own, because they
/// need a feature of the SDK that the app does not. In one call, the app would be built with it.
pub fn build_with_examples(workspace: &Workspace) -> Result<()> {
    build(workspace)?;
    build_packages(workspace, &EXAMPLES)
}

/// The app's components, and the component that the bench compares with.
pub fn build_with_reference(workspace: &Workspace) -> Result<()> {
    build_packages(workspace, &[&PACKAGES[..], &[REFERENCE]].concat())
}

fn build_packages(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let toolchain = Toolchain::find_or_make(workspace)?;
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["build", "--release", "--target", TARGET]);
    cargo
        .arg("--target-dir")
        .arg(workspace.target().join("wasm"));
    for setting in OPTIMISED {
        cargo.args(["--config", setting]);
    }
    for package in packages {
        cargo.args(["--package", package]);
    }
    toolchain.apply(&mut cargo);
    command::run(&mut cargo).context("The components could not be built")
}
