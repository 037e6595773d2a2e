//! Fetches DuckDB. Tests ask it with the queries of `docs/duckdb.md`, and `bench` compares the app
//! with it.

use std::path::PathBuf;

use anyhow::Result;

use crate::python;
use crate::workspace::Workspace;

/// Returns a Python that has DuckDB. The first time, it fetches DuckDB from PyPI.
pub fn prepare(workspace: &Workspace) -> Result<PathBuf> {
    python::with(&workspace.target().join("duckdb"), "duckdb", "duckdb")
}
