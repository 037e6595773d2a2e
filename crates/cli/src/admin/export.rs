//! `rollcall export`: a row for each IP and path, to the standard output or into a Parquet file.

use std::io::{self, Write as _};
#[cfg(feature = "parquet")]
use std::path::PathBuf;
use std::process::ExitCode;

use ureq::Body;
use ureq::http::Response;

use super::ask::{AskError, Parameter, Server, parse_parameter};
use super::output::end;
#[cfg(feature = "parquet")]
use super::parquet;

/// Write a row for each IP and path
///
/// For example: rollcall export format=csv dateRange=30d > hits.csv
#[derive(clap::Args, Debug)]
#[cfg_attr(
    not(feature = "parquet"),
    command(after_help = "`cargo install` builds --parquet only with `--features parquet`")
)]
pub struct ExportArgs {
    /// Parameters and filters of the API, as format=csv, dateRange=30d or pathPrefix=/v1
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<Parameter>,
    #[command(flatten)]
    server: Server,
    /// Write a Parquet file instead. If the export cannot be finished, no file is written, and an
    /// old file stays as it is
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
}

pub fn export(args: ExportArgs) -> ExitCode {
    end("export", || {
        #[cfg(feature = "parquet")]
        if let Some(path) = &args.parquet {
            let rows = ask(&args.server, &parquet::in_form(&args.parameters)?)?;
            return Ok(parquet::write(rows, path)?);
        }
        let mut rows = ask(&args.server, &args.parameters)?;
        let mut out = io::stdout().lock();
        io::copy(&mut rows.body_mut().as_reader(), &mut out)?;
        Ok(out.flush()?)
    })
}

fn ask(server: &Server, parameters: &[Parameter]) -> Result<Response<Body>, AskError> {
    let answer = server.export(parameters)?;
    let lacks = answer.headers().get("export-lacks");
    let lacks = lacks.and_then(|lacks| lacks.to_str().ok());
    if let Some(lacks) = lacks.filter(|lacks| !lacks.starts_with("ips=0,")) {
        eprintln!("rollcall export: no rows of IPs that are not tracked any more: {lacks}");
    }
    Ok(answer)
}
