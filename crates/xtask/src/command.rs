//! Runs other programs. An error names the program and repeats its output.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// The command `rollcall` with the embedded host. Every build of the workspace has it, so that none
/// builds anything a second time.
pub const WITH_UP: &str = "--features=rollcall-cli/up";

/// The cargo that runs this tool, so that both build with one version. Cargo sets variables about
/// the package of this tool. They are not passed on. Otherwise, build scripts that look at them,
/// such as ring's, would run again after each call of cargo from a shell. Everything that depends
/// on them would be built again.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os() {
        let is_of_the_package = ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()));
        if is_of_the_package {
            cargo.env_remove(name);
        }
    }
    // Tests that Clippy compiled call this tool, too.
    for name in [WRAPPER, LINTS] {
        cargo.env_remove(name);
    }
    cargo
}

/// Cargo's variable for what compiles the workspace in place of rustc.
const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";
/// Clippy's variable for its arguments.
const LINTS: &str = "CLIPPY_ARGS";

/// What compiles the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    Rustc,
    /// Rustc with more lints. A warning is an error. `cargo clippy` does the same, but its crates
    /// cannot be run: the tests would need all crates a second time, Wasmtime among them.
    Clippy,
}

impl Compiler {
    pub fn apply(self, cargo: &mut Command) {
        if self == Self::Clippy {
            cargo.env(WRAPPER, "clippy-driver");
            // As `cargo clippy -- -D warnings` writes it.
            cargo.env(LINTS, "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
        }
    }
}

/// Runs a program to its end. Its output is shown as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .status()
        .with_context(|| format!("{name} cannot be started"))?;
    if !status.success() {
        bail!("{name} failed ({status}). Its own messages are above");
    }
    Ok(())
}

/// Runs a program to its end, without showing its output. Returns its standard output.
pub fn read(command: &mut Command) -> Result<String> {
    let name = name(command);
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        bail!("{name} failed ({}){}", output.status, quoted(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Like [`read`]. `None`: the program is not installed.
pub fn read_if_installed(command: &mut Command) -> Result<Option<String>> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(Some(
            String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned(),
        )),
        Ok(output) => bail!(
            "{} failed ({}){}",
            name(command),
            output.status,
            quoted(&output)
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be started", name(command))),
    }
}

fn name(command: &Command) -> String {
    format!("`{}`", command.get_program().to_string_lossy())
}

fn quoted(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    if said.is_empty() {
        String::new()
    } else {
        format!(":\n{said}")
    }
}
