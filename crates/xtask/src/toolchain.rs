//! Finds a rustc that compiles for wasm32-wasip2, or makes one.
//!
//! It tries these toolchains, in this order. A toolchain is taken if it shows that it knows the
//! target.
//!
//! 1. The active toolchain.
//! 2. The toolchain that an earlier run made from Debian's packages.
//! 3. The active toolchain, after rustup has added the target.
//! 4. A new toolchain from Debian's packages.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command;
use crate::debian;
use crate::workspace::Workspace;

pub const TARGET: &str = "wasm32-wasip2";

/// How long rustup may take to add the target, which is 30 MB. After that, rustup is stopped, and
/// Debian's packages are tried. A build waits for this at most once.
const RUSTUP_SECONDS_MAX: u64 = 180;

pub enum Toolchain {
    /// The toolchain that cargo uses anyway.
    Active,
    /// Debian's rustc, with the active toolchain's linkers for Wasm. Debian has no package of them.
    Debian { rustc: PathBuf, path: OsString },
}

impl Toolchain {
    pub fn find_or_make(workspace: &Workspace) -> Result<Self> {
        if knows_target(&active_rustc()) {
            return Ok(Self::Active);
        }
        let folder = workspace.target().join("wasm-toolchain");
        if knows_target(&debian::rustc(&folder)) {
            return Self::debian(&folder);
        }
        match add_with_rustup(workspace) {
            Ok(()) if knows_target(&active_rustc()) => return Ok(Self::Active),
            Ok(()) => eprintln!("rustup added {TARGET}, but the active rustc does not know it."),
            Err(error) => eprintln!("rustup cannot add {TARGET}: {error:#}"),
        }
        debian::make(&folder, |rustc| {
            ensure!(knows_target(rustc), "the rustc unpacked from Debian's packages does not know {TARGET}");
            Ok(())
        })
        .with_context(|| {
            format!("This machine has no {TARGET} target, and none could be made. If rustup can download here, run `rustup target add {TARGET}`")
        })?;
        Self::debian(&folder)
    }

    /// Sets the variables that make cargo use this toolchain.
    pub fn apply(&self, cargo: &mut Command) {
        if let Self::Debian { rustc, path } = self {
            cargo.env("RUSTC", rustc).env("PATH", path);
        }
    }

    fn debian(folder: &Path) -> Result<Self> {
        let linkers = linker_folder()?;
        let machine = env::var_os("PATH").unwrap_or_default();
        let folders = [linkers.join("gcc-ld"), linkers]
            .into_iter()
            .chain(env::split_paths(&machine));
        let path = env::join_paths(folders).context("the linkers cannot be added to PATH")?;
        Ok(Self::Debian {
            rustc: debian::rustc(folder),
            path,
        })
    }
}

fn active_rustc() -> PathBuf {
    env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

/// Whether this rustc runs and has the target's standard library. False also for a missing or
/// broken rustc.
fn knows_target(rustc: &Path) -> bool {
    command::read(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn linker_folder() -> Result<PathBuf> {
    let sysroot = command::read(Command::new(active_rustc()).args(["--print", "sysroot"]))?;
    let host = command::read(Command::new(active_rustc()).args(["--print", "host-tuple"]))?;
    let folder = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    for linker in ["wasm-component-ld", "rust-lld", "gcc-ld/wasm-ld"] {
        ensure!(
            folder.join(linker).is_file(),
            "The active Rust toolchain has no {linker} in {}. {TARGET} cannot be linked without it. A Rust that rustup installed has it",
            folder.display()
        );
    }
    Ok(folder)
}

fn add_with_rustup(workspace: &Workspace) -> Result<()> {
    eprintln!("The active Rust toolchain has no {TARGET}: trying `rustup target add {TARGET}`.");
    let mut rustup = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .spawn()
        .context("rustup cannot be started")?;
    let deadline = Instant::now() + Duration::from_secs(RUSTUP_SECONDS_MAX);
    loop {
        match rustup.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("it failed ({status})"),
            None if Instant::now() < deadline => sleep(Duration::from_millis(100)),
            None => {
                rustup.kill()?;
                rustup.wait()?;
                bail!("it took longer than {RUSTUP_SECONDS_MAX} s");
            }
        }
    }
}
