//! `rollcall`, the operator's tool: one module a command, and nothing here but which of them is meant.
//!
//! Exit codes: 0 when the command did what it was asked, 1 when it could not, 2 when it was asked wrongly.

mod demo;
mod import;
mod up;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Counts who calls your API.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::UpArgs),
    Import(import::ImportArgs),
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,rollcall=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match cli.command {
        Command::Up(args) => up::run(args),
        Command::Import(args) => import::run(args),
        Command::Demo(args) => demo::run(&args),
    }
}
