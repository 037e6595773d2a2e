//! The checks that every change must pass: form, lints, dependencies, and then every test that this
//! machine can run.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, Compiler};
use crate::components;
use crate::deny;
use crate::test;
use crate::workspace::Workspace;

/// The cheapest check comes first, so that a failure comes soon.
pub fn run(workspace: &Workspace) -> Result<()> {
    let cargo = |args: &[&str]| {
        let mut cargo = command::cargo();
        command::run(cargo.current_dir(workspace.root()).args(args))
    };
    cargo(&["fmt", "--all", "--check"])
        .context("The code is not formatted. `cargo fmt --all` formats it")?;
    deny::check(workspace)?;
    // The components themselves can be linked for Wasm only. Their tests can be linked.
    let components = components::every().flat_map(|package| ["--package", package]);
    let mut clippy = vec!["clippy", "--locked"];
    clippy.extend(components);
    clippy.extend(["--", "-D", "warnings"]);
    cargo(&clippy).context("The lints found errors in the components")?;
    let mut tests = command::cargo();
    tests.current_dir(workspace.root());
    tests.args(["test", "--workspace", "--locked", "--no-run"]);
    tests.arg(command::WITH_UP);
    Compiler::Clippy.apply(&mut tests);
    command::run(&mut tests).context("The tests cannot be built, or the lints found errors")?;
    // The build is written to the disk before the tests begin. Otherwise the tests' stores would
    // wait for the disk, and they have deadlines.
    command::run(&mut Command::new("sync"))?;
    test::run(workspace, Compiler::Clippy)
}
