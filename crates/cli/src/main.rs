//! `rollcall`, the operator's tool. Each command is a module. This file only chooses between them.
//!
//! Exit codes: 0 if the command did its work, 1 if it could not, 2 if its arguments were wrong.

mod admin;
mod demo;
mod dotenv;
mod http;
mod import;
#[cfg(test)]
#[path = "../tests/server/mod.rs"]
mod server;
mod shell;
mod signals;
mod token;
#[cfg(feature = "up")]
mod up;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Counts who calls your API.
#[derive(Parser)]
#[command(name = "rollcall", version)]
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
    Status(admin::StatusArgs),
    Top(admin::TopArgs),
    Query(admin::QueryArgs),
    Export(admin::ExportArgs),
    Backup(admin::BackupArgs),
    Restore(admin::RestoreArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    match cli.command {
        #[cfg(feature = "up")]
        Command::Up(args) => up::run(args),
        Command::Import(args) => import::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Status(args) => admin::status(args),
        Command::Top(args) => admin::top(args),
        Command::Query(args) => admin::query(args),
        Command::Export(args) => admin::export(args),
        Command::Backup(args) => admin::backup(args),
        Command::Restore(args) => admin::restore(args),
        Command::Completions(args) => shell::completions(&args, Cli::command()),
        Command::Man(args) => shell::man(&args, Cli::command()),
    }
}

/// Writes the log to the standard error: warnings, and more of Rollcall itself. `RUST_LOG` may choose
/// otherwise, as in `RUST_LOG=debug` or `RUST_LOG=warn,ureq=trace`.
fn start_log() {
    let chosen = std::env::var("RUST_LOG")
        .ok()
        .and_then(|text| text.parse().ok());
    let filter: Targets = chosen.unwrap_or_else(|| {
        Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target("rollcall", LevelFilter::INFO)
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
}
