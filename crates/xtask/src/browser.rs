//! Prepares the tests in a browser. They need Chromium and its driver, which must be installed, and
//! axe-core, which npm fetches.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
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
    let about = folder.join("node_modules/axe-core/package.json");
    let is_there = |about: String| about.contains(&format!("\"version\": \"{AXE_CORE}\""));
    if fs::read_to_string(about).is_ok_and(is_there) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["install", &format!("axe-core@{AXE_CORE}"), "--prefix"])
        .arg(&folder)
        .args(["--no-save", "--no-package-lock", "--ignore-scripts"])
        .args(["--no-audit", "--no-fund"]);
    match command::read_if_installed(&mut npm).context("axe-core cannot be fetched")? {
        Some(_) => Ok(()),
        None => bail!("npm is not installed. It fetches axe-core"),
    }
}
