//! Fetches packages with npm. The machine's own configuration of npm says from where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::command;
use crate::workspace::Workspace;

/// A package that was fetched.
pub struct Package {
    name: String,
    pub folder: PathBuf,
    pub version: String,
    /// As the package names it, in the words of SPDX.
    license: String,
}

impl Package {
    /// An error, unless the package has this license.
    pub fn is_under(&self, license: &str) -> Result<()> {
        ensure!(
            self.license == license,
            "the license of {} {} is {}, not {license}",
            self.name,
            self.version,
            self.license
        );
        Ok(())
    }
}

/// Fetches the newest version of a package. If its license has changed, somebody must read the new
/// one first: this is an error.
pub fn newest(workspace: &Workspace, name: &str, license: &str) -> Result<Package> {
    let folder = workspace.target().join("npm").join(name);
    let package = fetch(&folder, name, "latest")?;
    package.is_under(license)?;
    Ok(package)
}

/// Fetches a package into `folder`, which is for this package alone. `version` is a number or
/// `latest`. No script of the package is run.
pub fn fetch(folder: &Path, name: &str, version: &str) -> Result<Package> {
    let mut npm = Command::new("npm");
    npm.args(["install", &format!("{name}@{version}"), "--no-save"]);
    run(&mut npm, folder).with_context(|| format!("{name} cannot be fetched"))?;
    find(folder, name)
}

/// Fetches the packages that the `package.json` in `folder` names. No script of a package is run.
pub fn install(folder: &Path) -> Result<()> {
    run(Command::new("npm").arg("install"), folder)
}

fn run(npm: &mut Command, folder: &Path) -> Result<()> {
    npm.arg("--prefix")
        .arg(folder)
        .args(["--no-package-lock", "--ignore-scripts"])
        .args(["--no-audit", "--no-fund"]);
    if command::read_if_installed(npm)?.is_none() {
        bail!("npm is not installed");
    }
    Ok(())
}

/// The package that an earlier [`fetch`] put into `folder`.
pub fn find(folder: &Path, name: &str) -> Result<Package> {
    let folder = folder.join("node_modules").join(name);
    let about = folder.join("package.json");
    let text = fs::read_to_string(&about).with_context(|| about.display().to_string())?;
    let about: Value = serde_json::from_str(&text).with_context(|| about.display().to_string())?;
    let field = |field: &str| about.get(field)?.as_str().map(str::to_owned);
    Ok(Package {
        name: name.to_owned(),
        version: field("version").with_context(|| format!("{name} names no version"))?,
        license: field("license").with_context(|| format!("{name} names no license"))?,
        folder,
    })
}
