//! What every change must pass: the form, the lints, the dependencies, then every test that this machine can run.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::deny;
use crate::test;
use crate::workspace::Workspace;

/// The cheapest first, so that what fails fails soon.
pub fn run(workspace: &Workspace) -> Result<()> {
    let cargo = |args: &[&str]| {
        let mut cargo = command::cargo();
        command::run(cargo.current_dir(workspace.root()).args(args))
    };
    cargo(&["fmt", "--all", "--check"])
        .context("The code is not formatted; `cargo fmt --all` does it")?;
    deny::check(workspace)?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])
    .context("The lints found something")?;
    cargo(&["test", "--workspace", "--locked", "--no-run"])
        .context("The tests could not be built")?;
    // What was built is written to the disk before the tests begin, whose stores wait for it with deadlines of their own.
    command::run(&mut Command::new("sync"))?;
    test::run(workspace)
}
