//! `rollcall status`, `top`, `query` and `export`: ask the admin API of a running Rollcall.

mod ask;
mod table;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::Value;

use self::ask::{AskError, Parameter, Server, parse_parameter};

/// Show what Rollcall recorded, folded and dropped
#[derive(clap::Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    server: Server,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Show the paths, IPs or countries with the most hits
///
/// For example: rollcall top paths timeRange=7d status=5xx limit=20
#[derive(clap::Args, Debug)]
pub struct TopArgs {
    #[arg(value_enum)]
    of: Top,
    /// Parameters and filters of the API, as timeRange=7d, sortBy=errorRate or ip=192.0.2.0/24
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<Parameter>,
    #[command(flatten)]
    server: Server,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Top {
    Paths,
    Ips,
    Countries,
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

/// Write a row for each IP and path to the standard output
///
/// For example: rollcall export format=csv dateRange=30d > hits.csv
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    /// Parameters and filters of the API, as format=csv, dateRange=30d or pathPrefix=/v1
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

pub fn top(args: TopArgs) -> ExitCode {
    end("top", || {
        let (path, list) = match args.of {
            Top::Paths => ("top-paths", "paths"),
            Top::Ips => ("top-ips", "ips"),
            Top::Countries => ("countries", "countries"),
        };
        let answer = args.server.ask(path, &args.parameters)?;
        match args.json {
            true => print_json(&answer),
            false => {
                warn(&answer);
                print(&table::rows(answer.get(list).unwrap_or(&Value::Null)))
            }
        }
    })
}

pub fn query(args: QueryArgs) -> ExitCode {
    end("query", || {
        print_json(&args.server.ask(&args.path, &args.parameters)?)
    })
}

pub fn export(args: ExportArgs) -> ExitCode {
    end("export", || {
        let mut answer = args.server.export(&args.parameters)?;
        let lacks = answer.headers().get("export-lacks");
        let lacks = lacks.and_then(|lacks| lacks.to_str().ok());
        if let Some(lacks) = lacks.filter(|lacks| !lacks.starts_with("ips=0,")) {
            eprintln!("rollcall export: no rows of IPs that are not tracked any more: {lacks}");
        }
        let mut out = io::stdout().lock();
        io::copy(&mut answer.body_mut().as_reader(), &mut out)?;
        Ok(out.flush()?)
    })
}

fn end(name: &str, work: impl FnOnce() -> Result<(), AskError>) -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(AskError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall {name}: {error}");
            error.exit_code()
        }
    }
}

/// Prints what the answer lacks on the standard error.
fn warn(answer: &Value) {
    let warnings = answer.get("warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("{}", table::printable(warning));
    }
    if let Some(batches) = answer.pointer("/behind/batches") {
        eprintln!("{batches} recorded batches are not in the answer yet");
    }
}

fn print(text: &str) -> Result<(), AskError> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints JSON: for people on a terminal, else in one line.
fn print_json(answer: &Value) -> Result<(), AskError> {
    let text = match io::stdout().is_terminal() {
        true => serde_json::to_string_pretty(answer),
        false => serde_json::to_string(answer),
    };
    print(&text.map_err(io::Error::from)?)
}

#[cfg(test)]
mod tests;
