//! Checks the dependencies against `deny.toml`, with cargo-deny. If the machine has no cargo-deny,
//! it is built below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::workspace::Workspace;

/// The version that is built if the machine has none.
const VERSION: &str = "0.20.2";

pub fn check(workspace: &Workspace) -> Result<()> {
    let program = find_or_install(workspace)?;
    let mut deny = Command::new(program);
    deny.current_dir(workspace.root())
        .arg(command::WITH_UP)
        .args(["check", "licenses", "bans", "sources"]);
    command::run(&mut deny).context("deny.toml does not allow the dependencies")
}

fn find_or_install(workspace: &Workspace) -> Result<PathBuf> {
    let of_the_machine = PathBuf::from("cargo-deny");
    let folder = workspace.target().join("tools");
    let ours = folder.join("bin/cargo-deny");
    for program in [of_the_machine, ours.clone()] {
        if command::read_if_installed(Command::new(&program).arg("--version"))?.is_some() {
            return Ok(program);
        }
    }
    install(workspace, &folder)?;
    Ok(ours)
}

/// Builds cargo-deny without optimisation. The build takes two minutes, and a run takes seconds.
/// cargo-deny does only checks that need no network.
fn install(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["install", &format!("cargo-deny@{VERSION}")])
        .args(["--locked", "--debug", "--no-default-features", "--root"])
        .arg(folder);
    command::run(&mut cargo).context("cargo-deny could not be installed")
}
