//! `rollcall status`, `top`, `query`, `export`, `backup` and `restore`: ask the admin API of a running
//! Rollcall.

mod ask;
mod backup;
mod backup_file;
mod export;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod table;
mod top;

use std::process::ExitCode;

pub use self::backup::{BackupArgs, RestoreArgs, backup, restore};
pub use self::export::{ExportArgs, export};
pub use self::top::{TopArgs, top};

use self::ask::{Parameter, Server, parse_parameter};
use self::output::{end, print, print_json};

/// Show what Rollcall recorded, folded and dropped
#[derive(clap::Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    server: Server,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Ask any question of the API. The answer is JSON
///
/// For example: rollcall query ips/192.0.2.1 timeRange=24h
#[derive(clap::Args, Debug)]
pub struct QueryArgs {
    /// The path behind /admin/, as global-stats or timeseries
    path: String,
    /// Parameters and filters of the API
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<Parameter>,
    #[command(flatten)]
    server: Server,
}

pub fn status(args: StatusArgs) -> ExitCode {
    end("status", || {
        let answer = args.server.ask("aggregator-status", &[])?;
        match args.json {
            true => print_json(&answer),
            false => print(&table::fields(&answer)),
        }
    })
}

pub fn query(args: QueryArgs) -> ExitCode {
    end("query", || {
        print_json(&args.server.ask(&args.path, &args.parameters)?)
    })
}

#[cfg(test)]
mod tests;
