//! `rollcall`, the operator's tool. Each command is a module. This file only chooses between them.
//!
//! Exit codes: 0 if the command did its work, 1 if it could not, 2 if its arguments were wrong.

mod demo;
mod dotenv;
mod import;
#[cfg(feature = "up")]
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
    #[cfg(feature = "up")]
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
        #[cfg(feature = "up")]
        Command::Up(args) => up::run(args),
        Command::Import(args) => import::run(args),
        Command::Demo(args) => demo::run(&args),
    }
}
