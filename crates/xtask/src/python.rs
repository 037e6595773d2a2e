//! Fetches packages of Python from PyPI, each into an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// Returns a Python that can import `module`. The first time, it makes `folder` and fetches
/// `package` into it.
pub fn with(folder: &Path, package: &str, module: &str) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let import = format!("import {module}");
    let has_it = || command::read(Command::new(&python).args(["-c", &import]));
    if has_it().is_err() {
        eprintln!("Fetching {package} from PyPI.");
        let mut make = Command::new("python3");
        command::read(make.args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]);
        command::read(pip.args(["--disable-pip-version-check", package]))
            .with_context(|| format!("{package} cannot be fetched"))?;
        has_it()?;
    }
    Ok(python)
}
