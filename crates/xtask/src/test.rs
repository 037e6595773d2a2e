//! Runs every test that this machine can run. If it cannot run some tests, it names them.

use std::process::Command;

use anyhow::{Context, Result};

use crate::browser;
use crate::command::{self, Compiler};
use crate::components;
use crate::deploy;
use crate::duckdb;
use crate::spin::Spin;
use crate::typescript;
use crate::workspace::Workspace;

/// Builds the components first, because the end-to-end tests run the built components.
pub fn run(workspace: &Workspace, compiler: Compiler) -> Result<()> {
    components::build_with_examples(workspace)?;
    let browser = browser::prepare(workspace);
    let deploy = deploy::prepare(workspace);
    let duckdb = duckdb::prepare(workspace);
    let typescript = typescript::prepare(workspace);
    let spin = Spin::look()?;
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["test", "--workspace", "--no-fail-fast"])
        .arg(command::WITH_UP);
    compiler.apply(&mut cargo);
    if spin.problem().is_none() {
        cargo.env("ROLLCALL_TEST_ON_SPIN", "");
    }
    let outcome = command::run(&mut cargo).context("The tests failed");
    let described = match outcome.is_ok() && schemathesis_is_installed(workspace) {
        true => command::run(&mut schemathesis(workspace)),
        false => Ok(()),
    };
    // This comes last, even if the tests failed, because people read the last lines.
    if !schemathesis_is_installed(workspace) {
        eprintln!(
            "SKIPPED schemathesis: it is not installed. `{SCHEMATHESIS} prepare` installs it"
        );
    }
    if command::read_if_installed(Command::new("redis-server").arg("--version"))?.is_none() {
        eprintln!("SKIPPED redis: redis-server is not installed");
    }
    if let Err(error) = browser {
        eprintln!("SKIPPED browser: {error:#}");
    }
    if let Err(error) = deploy {
        eprintln!("SKIPPED deploy: {error:#}");
    }
    if command::read_if_installed(Command::new("promtool").arg("--version"))?.is_none() {
        eprintln!("SKIPPED deploy, the alert rules: promtool is not installed");
    }
    if let Err(error) = duckdb {
        eprintln!("SKIPPED DuckDB: {error:#}");
    }
    if let Err(error) = typescript {
        eprintln!("SKIPPED the client in TypeScript: {error:#}");
    }
    if let Some(problem) = spin.problem() {
        eprintln!("SKIPPED spin: {problem}");
    }
    outcome.and(described.context("The app does not agree with its description of the API"))
}

/// A script that makes up requests from the app's description, and sends them to the app.
const SCHEMATHESIS: &str = ".ci/schemathesis/run";

fn schemathesis(workspace: &Workspace) -> Command {
    let mut run = Command::new(workspace.root().join(SCHEMATHESIS));
    run.current_dir(workspace.root());
    run
}

fn schemathesis_is_installed(workspace: &Workspace) -> bool {
    workspace.target().join("schemathesis/installed").is_file()
}
