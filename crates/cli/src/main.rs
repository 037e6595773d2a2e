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
mod token;
#[cfg(feature = "up")]
mod up;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
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
        Command::Status(args) => admin::status(args),
        Command::Top(args) => admin::top(args),
        Command::Query(args) => admin::query(args),
        Command::Export(args) => admin::export(args),
        Command::Completions(args) => shell::completions(&args, Cli::command()),
        Command::Man(args) => shell::man(&args, Cli::command()),
    }
}
