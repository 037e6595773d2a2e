//! The developer's tool: builds the components, serves the app, runs the tests and all other
//! checks, and measures.
//!
//! It makes only the Wasm target and the secrets, which these tasks need. It never changes the
//! machine's package lists. Outside this checkout, it installs only the Wasm target, if rustup can
//! add it.

mod apt;
mod bench;
mod bots;
mod browser;
mod ci;
mod command;
mod components;
mod debian;
mod deny;
mod deploy;
mod duckdb;
mod fuzz;
mod geo;
mod host;
mod npm;
mod python;
mod secrets;
mod sources;
mod spin;
mod test;
mod toolchain;
mod typescript;
mod up;
mod workspace;
mod world;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use command::Compiler;
use workspace::Workspace;

/// Builds, serves, tests and measures Rollcall.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the three components into target/wasm. If the Wasm toolchain is missing, make it first
    Build {
        /// Build the components of examples/, too
        #[arg(long)]
        examples: bool,
    },
    /// Build the components, make the secrets if there are none, and serve the app
    Up(up::Options),
    /// Build the components and run every test that this machine can run
    Test,
    /// Run every check that a change must pass: format, lints, dependencies and every test that
    /// this machine can run
    Ci,
    /// Measure the app on this machine, and print a table
    Bench(bench::Options),
    /// Bring the list of bots up to date, from npm: crates/tally/src/hit/bots.txt
    Bots,
    /// Fetch files/country.mmdb from npm, and say where a file of networks is
    Geo,
    /// Make the countries of the dashboard anew: their names, and their outlines on the map
    World,
    /// Look for inputs with which a parser does not do what it must, with libFuzzer
    Fuzz(fuzz::Options),
    /// Run the ledger under faults: many histories, or one step by step. `simulate --help` lists
    /// the options
    #[command(disable_help_flag = true)]
    Simulate {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    let task = Args::parse().task;
    match run(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The error is printed here, not returned. Otherwise, if the environment asks for a
            // backtrace, the backtrace would bury the sentence.
            eprintln!("Error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build { examples: false } => components::build(&workspace),
        Task::Build { examples: true } => components::build_with_examples(&workspace),
        Task::Up(options) => up::run(&workspace, options),
        Task::Test => test::run(&workspace, Compiler::Rustc),
        Task::Ci => ci::run(&workspace),
        Task::Bench(options) => bench::run(&workspace, &options),
        Task::Bots => bots::run(&workspace),
        Task::Geo => geo::run(&workspace),
        Task::World => world::run(&workspace),
        Task::Fuzz(options) => fuzz::run(&workspace, &options),
        Task::Simulate { options } => simulate(&workspace, &options),
    }
}

fn simulate(workspace: &Workspace, options: &[String]) -> Result<()> {
    let mut cargo = command::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["run", "--quiet", "--bin", "simulate", "--"])
        .args(options);
    command::run(&mut cargo)
}
