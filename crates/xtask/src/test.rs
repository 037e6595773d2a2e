//! Everything that this machine can test. What it cannot is named, so that no one takes it for tested.

use std::process::Command;

use anyhow::{Context, Result};

use crate::browser;
use crate::command;
use crate::components;
use crate::spin::Spin;
use crate::workspace::Workspace;

/// Builds the components first, since the end-to-end tests run what is built.
pub fn run(workspace: &Workspace) -> Result<()> {
    components::build(workspace)?;
    let browser = browser::prepare(workspace);
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["test", "--workspace"]);
    let outcome = command::run(&mut cargo).context("The tests failed");
    // Last, where it is read, and whatever the outcome.
    if command::read_if_installed(Command::new("redis-server").arg("--version"))?.is_none() {
        eprintln!("SKIPPED redis: redis-server is not installed");
    }
    if let Err(error) = browser {
        eprintln!("SKIPPED browser: {error:#}");
    }
    if let Some(problem) = Spin::look()?.problem() {
        eprintln!("SKIPPED spin: {problem}");
    }
    outcome
}
