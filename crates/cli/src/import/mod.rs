//! `rollcall import`: sends an access log or an NDJSON file to a running Rollcall, batch by batch.
//!
//! A batch is sent until it is acknowledged, always under the same `Idempotency-Key`. So it counts
//! once, even if it is sent many times. If a batch is not acknowledged, the import stops. All
//! batches before it are counted. If the same command runs again, it sends them again. They do not
//! count twice, as long as the server remembers the keys (see [`batch::Batch::key`]).

mod batch;
mod client;
mod error;
mod lines;
mod progress;
mod rebase;
mod refused;
mod report;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use rollcall_formats::{Format, HITS_MAX};
use rollcall_tally::Receipt;

use self::batch::{Batch, Batches, Shipment};
use self::client::{Client, Retry};
use self::error::ImportError;
use self::lines::Input;
use self::progress::Progress;
use self::rebase::Rebase;
use self::report::Report;

/// Send an access log or an NDJSON file to a running Rollcall
///
/// The file is an access log in Common or Combined Log Format, or NDJSON: one JSON object a line.
/// Every batch has a key, made of its lines and its position in the file. The server remembers the
/// keys for at least 10 minutes. If the same import runs again in that time, no hit counts twice.
/// Another --batch-size makes other batches, with other keys.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// The file, or - for the standard input, as in `zcat access.log.gz | rollcall import -`
    file: PathBuf,
    /// Move all times by the same amount, so that the newest hit is now
    ///
    /// A batch keeps the key of its original lines. If an import with --rebase runs again while the
    /// server remembers the keys, nothing counts again, although the times differ.
    #[arg(long)]
    rebase: bool,
    /// The URL of Rollcall
    #[arg(long, default_value = "http://127.0.0.1:3000", value_parser = client::parse_url)]
    url: String,
    /// The ingest token. Default: SPIN_VARIABLE_INGEST_TOKEN, from the environment or from the
    /// app's .env
    #[arg(long, env = "ROLLCALL_INGEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The most hits in one request. A request has at most 1 MiB of lines
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=HITS_MAX as i64))]
    batch_size: u32,
    /// common, combined or ndjson. Default: NDJSON if the first line starts with {, else an access
    /// log
    #[arg(long, value_parser = parse_format)]
    format: Option<Format>,
    /// How often a batch is sent again. With the default, the import gives up after about two
    /// minutes
    #[arg(long, default_value_t = 12)]
    retries: u32,
}

/// Refuses JSON: a JSON array has no lines to make batches of.
fn parse_format(name: &str) -> Result<Format, &'static str> {
    match Format::from_name(name) {
        Some(Format::Json) | None => Err("expected common, combined or ndjson"),
        Some(format) => Ok(format),
    }
}

/// Imports the file, and prints the result.
pub fn run(args: ImportArgs) -> ExitCode {
    let mut report = Report::start();
    let outcome = token::find(args.token.clone())
        .ok_or(ImportError::NoToken)
        .and_then(|token| import(&args, &token, Retry::times(args.retries), &mut report));
    if outcome.is_ok() || report.accepted > 0 {
        report.print();
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall import: {error}");
            error.exit_code()
        }
    }
}

/// Sends the file. Even after a failure, the report counts every batch that was acknowledged.
fn import(
    args: &ImportArgs,
    token: &str,
    retry: Retry,
    report: &mut Report,
) -> Result<(), ImportError> {
    let open_error = |source| ImportError::Open {
        file: args.file.display().to_string(),
        source,
    };
    let client = Client::new(&args.url, token, retry);
    let mut input = Input::open(&args.file, args.rebase).map_err(open_error)?;
    let progress = Progress::new(input.bytes());
    let mut lines = input.lines()?.peekable();
    let Some(format) = lines::format(&mut lines, args.format)? else {
        return Ok(());
    };
    let rebase = if args.rebase {
        let rebase = Rebase::measure(lines, format)?;
        lines = input.lines()?.peekable();
        Some(rebase)
    } else {
        None
    };
    for batch in Batches::new(lines, args.batch_size as usize) {
        let batch = batch?;
        let shipment = match &rebase {
            Some(rebase) => rebase.apply(&batch)?,
            None => Shipment::verbatim(&batch, format),
        };
        send(&client, &batch, shipment, &progress, report)?;
    }
    progress.finish();
    Ok(())
}

fn send(
    client: &Client,
    batch: &Batch,
    shipment: Shipment,
    progress: &Progress,
    report: &mut Report,
) -> Result<(), ImportError> {
    // With --rebase, each line is read here. If a line cannot be read, it is refused here. So a
    // batch can have no line to send.
    let receipt = if shipment.line_numbers.is_empty() {
        Receipt::default()
    } else {
        client.send(&shipment, |note| progress.note(note))?
    };
    report.add(batch, shipment, receipt);
    progress.advance(batch.bytes, report.accepted);
    Ok(())
}

#[cfg(test)]
mod tests;
