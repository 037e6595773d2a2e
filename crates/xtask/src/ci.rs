//! The checks that every change must pass: form, lints, dependencies, and then every test that this
//! machine can run.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
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
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        command::WITH_UP,
        "--",
        "-D",
        "warnings",
    ])
    .context("The lints found errors")?;
    cargo(&[
        "test",
        "--workspace",
        "--locked",
        command::WITH_UP,
        "--no-run",
    ])
    .context("The tests could not be built")?;
    // The build is written to the disk before the tests begin. Otherwise the tests' stores would
    // wait for the disk, and they have deadlines.
    command::run(&mut Command::new("sync"))?;
    test::run(workspace)
}
