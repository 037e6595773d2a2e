//! Prepares the test of the client in TypeScript: npm fetches the packages that it names.

use std::fs;

use anyhow::{Context, Result};

use crate::npm;
use crate::workspace::Workspace;

/// Fetches the packages, unless an earlier run did.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    let named = workspace
        .root()
        .join("examples/clients/typescript/package.json");
    let named = fs::read(&named).with_context(|| named.display().to_string())?;
    let folder = workspace.target().join("typescript");
    let fetched = folder.join("fetched");
    if fs::read(&fetched).is_ok_and(|fetched| fetched == named) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), &named)?;
    npm::install(&folder)?;
    Ok(fs::write(fetched, named)?)
}
