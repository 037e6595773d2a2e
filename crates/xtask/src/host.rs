//! Builds the embedded host: the `rollcall` binary.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command;
use crate::workspace::Workspace;

#[derive(Clone, Copy)]
pub enum Profile {
    /// The profile of the tests, so that the host is built once.
    Debug,
    /// As fast as is possible without a long build.
    Optimised,
}

impl Profile {
    /// The name of the profile in Cargo.toml, and of its folder.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Debug => ("dev", "debug"),
            Self::Optimised => ("release", "release"),
        }
    }
}

/// Builds the `rollcall` binary in the target folder of this one. Returns its path.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let this = env::current_exe().context("the path of this program is unknown")?;
    let target = this
        .ancestors()
        .nth(2)
        .context("this program is in no target folder")?;
    let (name, folder) = profile.name();
    let mut cargo = command::cargo();
    // The whole workspace is chosen, as for the tests. With another choice of packages, cargo would
    // build Wasmtime a second time.
    cargo
        .current_dir(workspace.root())
        .args(["build", "--workspace", "--bin", "rollcall"])
        .arg(command::WITH_UP)
        .args(["--profile", name]);
    command::run(cargo.arg("--target-dir").arg(target))
        .context("The embedded host could not be built")?;
    Ok(target.join(folder).join("rollcall"))
}
