//! Fuzzes a parser with libFuzzer, on stable Rust. `fuzz/` says what must hold for every input.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::command;
use crate::workspace::Workspace;

/// They tell libFuzzer which code an input reaches, and what it is compared with. cargo-fuzz sets
/// the same. Numbers that overflow are findings, too.
const RUSTFLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                         -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                         -Cllvm-args=-sanitizer-coverage-pc-table \
                         -Cllvm-args=-sanitizer-coverage-trace-compares \
                         -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";
/// An input that takes longer is a finding, in seconds. A busy machine is slow.
const TIMEOUT_S: u32 = 10;
/// More memory is a finding. The targets have bounds of their own, which are far less.
const MEMORY_MIB: u32 = 1_024;
/// The longest input.
const INPUT_BYTES_MAX: u32 = 1_024;

#[derive(Args)]
pub struct Options {
    /// The parser: lines, auto, document, map, encodings or rules
    target: String,
    /// How long to look
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Looks for inputs, beginning with the seeds in the repository and with all that earlier runs found.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.target().join("fuzz");
    let name = &options.target;
    let seeds = workspace.root().join("fuzz/seeds").join(name);
    ensure!(
        seeds.is_dir(),
        "`{name}` is no target. fuzz/seeds has a folder for each"
    );
    let corpus = folder.join("corpus").join(name);
    fs::create_dir_all(&corpus)?;
    let rustc = command::read(Command::new("rustc").arg("-vV"))?;
    let triple = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .env("RUSTFLAGS", RUSTFLAGS)
        .env("ROLLCALL_FUZZ_TARGET", name)
        .args(["run", "--release", "--package", "rollcall-fuzz"])
        .args(["--features", "libfuzzer", "--bin", "fuzz"])
        // With a target, the flags are not for build scripts.
        .args(["--target", triple.context("rustc names no host")?])
        .arg("--target-dir")
        .arg(&folder)
        .arg("--")
        .arg(&corpus)
        .arg(seeds)
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/{name}-", folder.display()));
    command::run(&mut cargo).context("libFuzzer found an input, or could not be built")
}
