//! Prepares the tests of `deploy/`: kubectl builds the manifests, and kubernetes-validate has the
//! schemas of Kubernetes.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::apt::Apt;
use crate::command;
use crate::python;
use crate::sources;
use crate::workspace::Workspace;

/// The first kustomize whose components can be used, of those that were tried.
const OLDEST_KUSTOMIZE: u32 = 5;

/// The suite of Debian to take kubectl from. Its kubectl runs with the libc of Debian 12, too.
const SUITE: &str = "stable";

/// It brings the schemas, so a newer one may refuse what this one takes.
const VALIDATE: &str = "kubernetes-validate==1.37.0";

/// Makes `target/deploy`, with `kubectl` and a Python for the schemas.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target().join("deploy");
    fs::create_dir_all(&folder)?;
    prepare_kubectl(&folder.join("kubectl")).context("kubectl is missing")?;
    python::with(&folder.join("python"), VALIDATE, "kubernetes_validate")?;
    Ok(())
}

/// Links to the machine's own kubectl. If it is missing or too old, one of Debian takes its place.
fn prepare_kubectl(kubectl: &Path) -> Result<()> {
    if is_new_enough(kubectl) {
        return Ok(());
    }
    // An earlier run may have left a link to a kubectl that is gone.
    if fs::symlink_metadata(kubectl).is_ok() {
        fs::remove_file(kubectl)?;
    }
    match installed().filter(|installed| is_new_enough(installed)) {
        Some(installed) => Ok(symlink(installed, kubectl)?),
        None => fetch(kubectl),
    }
}

/// The kubectl on the `PATH`.
fn installed() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("kubectl"))
        .find(|file| file.is_file())
}

fn is_new_enough(kubectl: &Path) -> bool {
    let mut version = Command::new(kubectl);
    version.args(["version", "--client", "--output=json"]);
    command::read(&mut version)
        .is_ok_and(|said| kustomize(&said).is_some_and(|major| major >= OLDEST_KUSTOMIZE))
}

/// The major version of the kustomize in kubectl. An old kubectl does not tell it.
fn kustomize(said: &str) -> Option<u32> {
    let said: Value = serde_json::from_str(said).ok()?;
    let version = said.get("kustomizeVersion")?.as_str()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Unpacks Debian's kubectl. It is installed nowhere.
fn fetch(kubectl: &Path) -> Result<()> {
    let unfinished = kubectl.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    eprintln!("Fetching kubectl from Debian {SUITE} (about 20 MB).");
    let mirror = sources::machine_mirror()?;
    let apt = Apt::open(&unfinished.join("apt"), &mirror, SUITE)?;
    let root = unfinished.join("root");
    for package in apt.download(&["kubectl".to_owned()])? {
        command::run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root))?;
    }
    fs::rename(root.join("usr/bin/kubectl"), kubectl)?;
    Ok(fs::remove_dir_all(&unfinished)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expect: Option<u32>) {
        assert_eq!(kustomize(said), expect, "{said}");
    }

    #[test]
    fn the_version_of_kustomize_is_read_from_what_kubectl_says() {
        check(
            r#"{"clientVersion": {"major": "1"}, "kustomizeVersion": "v5.5.0"}"#,
            Some(5),
        );
        check(r#"{"clientVersion": {"major": "1", "minor": "20"}}"#, None);
        check("Client Version: v1.32.3", None);
    }
}
