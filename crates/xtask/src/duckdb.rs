//! Fetches DuckDB. Tests ask it with the queries of `docs/duckdb.md`, and `bench` compares the app
//! with it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::workspace::Workspace;

/// Returns a Python that has DuckDB. The first time, it fetches DuckDB from PyPI.
pub fn prepare(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.target().join("duckdb");
    let python = venv.join("bin/python");
    let has_it = || command::read(Command::new(&python).args(["-c", "import duckdb"]));
    if has_it().is_err() {
        eprintln!("Fetching DuckDB from PyPI.");
        let mut make = Command::new("python3");
        command::read(make.args(["-m", "venv", "--clear"]).arg(&venv))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]);
        command::read(pip.args(["--disable-pip-version-check", "duckdb"]))
            .context("DuckDB cannot be fetched")?;
        has_it()?;
    }
    Ok(python)
}
