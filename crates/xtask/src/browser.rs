//! Prepares the tests in a browser. They need Chromium and its driver, which must be installed, and
//! axe-core, which npm fetches.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::npm;
use crate::workspace::Workspace;

/// The version of axe-core, the rules for pages that everybody can use. Only the tests use it, and
/// none of its files is in the repository.
const AXE_CORE: &str = "4.14.1";

/// Fetches axe-core from npm, unless an earlier run did. An error says which program is missing.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    for program in ["chromium", "chromedriver"] {
        if command::read_if_installed(Command::new(program).arg("--version"))?.is_none() {
            bail!("{program} is not installed");
        }
    }
    let folder = workspace.target().join("browser-tests");
    if !npm::find(&folder, "axe-core").is_ok_and(|package| package.version == AXE_CORE) {
        npm::fetch(&folder, "axe-core", AXE_CORE)?;
    }
    Ok(())
}
