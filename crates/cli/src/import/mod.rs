//! `rollcall import`: sends logs to a running Rollcall, batch by batch.
//!
//! A file counts once, whenever and however often it is imported. A [`record`] says up to which
//! place each log is acknowledged, and the next import goes on there. A batch is sent until it is
//! acknowledged, always under the same `Idempotency-Key`, which is made of the log and of the place
//! of the batch in it. So it counts once, even if it is sent many times, and even if the import is
//! killed before it notes the answer.

mod batch;
mod client;
mod directives;
mod error;
mod follow;
mod lines;
mod open;
mod paths;
mod probe;
mod progress;
mod reader;
mod rebase;
mod record;
mod refused;
mod report;
mod session;
mod state;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rollcall_formats::{Format, HITS_MAX};

use crate::{http, signals, token};

pub use self::reader::decompress;

use self::client::Retry;
use self::error::ImportError;
use self::follow::{Follow, Pace};
use self::progress::Progress;
use self::rebase::Rebase;
use self::report::Report;
use self::session::{Plan, Session};
use self::state::State;

/// How often a batch is sent again, if `--retries` is not given.
const RETRIES: u32 = 12;

/// Send logs to a running Rollcall
///
/// A file counts once, however often it is imported. The import remembers how far it has sent each
/// file. The same command goes on there: it sends the lines that are new.
///
/// A file may be compressed with gzip or Zstandard. It is the same file after it was renamed or
/// compressed. If it is truncated and written anew, that is another file. So give all files of a
/// log, as 'access.log*': lines that were written shortly before a rotation are in the old file.
///
/// Two files with the same lines count twice, because two nodes may write the same. If one file is
/// a copy of the other, give both the same --source. A copy that lies beside its original and has
/// its name with an ending, as access.log.1, is left alone.
///
/// A last line without an end is left for the next import, because the gateway may be writing it.
/// This does not apply to a compressed file, to the standard input, and to a whole JSON object.
#[derive(clap::Args, Clone, Debug)]
pub struct ImportArgs {
    /// Files, patterns as '/var/log/nginx/access.log*', or - for the standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The name of the machine or program that wrote the logs
    ///
    /// Give it if the device and the inode of a file do not last: for the standard input, and for
    /// files that are copied from other machines. With it, a file is known by its content: a file
    /// that begins with all that was read of another file of this source is that file, and has
    /// grown. Without it, the place in the standard input is not remembered.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Send the lines as they are written, until Ctrl-C or SIGTERM
    ///
    /// The files may be renamed, truncated or deleted and written anew meanwhile.
    #[arg(long, conflicts_with = "rebase")]
    follow: bool,
    /// Begin at the start of each file again, for example because Rollcall's data was deleted
    ///
    /// The batches have the keys that they would have had in a first import.
    #[arg(long)]
    from_start: bool,
    /// Import the last line even if it has no end: the file is complete
    #[arg(long)]
    last_line: bool,
    /// Move all times by the same amount, so that the newest hit is now
    ///
    /// Only lines that were not imported yet are looked at. A batch keeps the key of its original
    /// lines.
    #[arg(long)]
    rebase: bool,
    /// The URL of Rollcall
    #[arg(long, default_value = "http://127.0.0.1:3000", value_parser = http::parse_url)]
    url: String,
    /// The ingest token. Default: SPIN_VARIABLE_INGEST_TOKEN, from the environment or from the
    /// app's .env
    #[arg(long, env = "ROLLCALL_INGEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The most hits in one request. A request has at most 1 MiB of lines
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=HITS_MAX as i64))]
    batch_size: u32,
    /// The format of all lines. Default: Rollcall finds the format of each line
    #[arg(long, value_name = "NAME", default_value = "auto", hide_default_value = true, value_parser = parse_format)]
    format: String,
    /// End with an error if more lines than this are refused
    #[arg(long, value_name = "N")]
    max_refused: Option<u64>,
    /// How often a batch is sent again. Default: 12, which takes about two minutes; with --follow,
    /// without end
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// The folder that remembers how far each file was sent. Default: rollcall in $XDG_STATE_HOME
    /// or in ~/.local/state
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl ImportArgs {
    fn retry(&self) -> Retry {
        let endless = if self.follow { u32::MAX } else { RETRIES };
        Retry::times(self.retries.unwrap_or(endless))
    }

    fn plan(&self) -> Plan {
        Plan {
            format: self.format.clone(),
            batch_size: self.batch_size as usize,
            max_refused: self.max_refused,
            last_line: self.last_line,
            from_start: self.from_start,
        }
    }
}

/// Refuses JSON: a JSON array has no lines to make batches of.
fn parse_format(name: &str) -> Result<String, &'static str> {
    match Format::from_name(name) {
        Some(Format::Json) | None => {
            Err("expected auto, ndjson, combined or another format of lines")
        }
        Some(_) => Ok(name.to_owned()),
    }
}

/// Imports the files, and prints the result.
pub fn run(args: ImportArgs) -> ExitCode {
    let mut report = Report::start();
    let outcome = token::find(args.token.clone(), token::INGEST)
        .ok_or(ImportError::NoToken)
        .and_then(|token| {
            let stop = Arc::default();
            if args.follow {
                signals::stop_at(&stop)?;
            }
            import(&args, (&token, args.retry()), &mut report, stop)
        });
    if outcome.is_ok() || report.lines > 0 {
        report.print();
    }
    match outcome {
        Ok(()) if report.is_success() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rollcall import: {error}");
            error.exit_code()
        }
    }
}

/// Sends the files. Even after a failure, the report counts every batch that was acknowledged.
fn import(
    args: &ImportArgs,
    server: (&str, Retry),
    report: &mut Report,
    stop: Arc<AtomicBool>,
) -> Result<(), ImportError> {
    let folder = args.state_dir.as_deref();
    let state = State::open(folder, &args.url, args.source.as_deref())?;
    let mut session = Session::new(args.plan(), server, state, report, stop);
    if args.follow {
        session.note("following; Ctrl-C or SIGTERM ends it");
        return Follow::new(&mut session, &args.files, Pace::default()).run();
    }
    let paths = paths::named(&args.files)?;
    session.show(Progress::new(sizes(&paths)));
    if args.rebase {
        return import_rebased(&mut session, &paths, &args.format);
    }
    each(&paths, |path| {
        let mut log = session.open(path)?;
        session.send_all(&mut log)
    })
}

/// Finds the newest hit of all files, and then sends them.
fn import_rebased(
    session: &mut Session,
    paths: &[PathBuf],
    format: &str,
) -> Result<(), ImportError> {
    let mut rebase = Rebase::new(Format::from_name(format).unwrap_or(Format::Auto));
    let mut logs = Vec::new();
    each(paths, |path| {
        let log = session.open(path)?;
        logs.push(rebase.measure(log)?);
        Ok(())
    })?;
    session.move_times(rebase);
    logs.iter_mut().try_for_each(|log| session.send_all(log))
}

/// Does the work for each file. A copy of a file is left alone. A file that cannot be opened does not keep the others from being
/// imported.
fn each(
    paths: &[PathBuf],
    mut work: impl FnMut(&Path) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut first_error = None;
    for path in paths {
        match work(path) {
            Ok(()) => (),
            Err(error @ ImportError::Copy { .. }) => eprintln!("rollcall import: {error}"),
            Err(error @ ImportError::Open { .. }) => {
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// The size of all files. None if one is a stream, or if the size of its content is not known.
fn sizes(paths: &[PathBuf]) -> Option<u64> {
    let size = |path: &PathBuf| {
        let metadata = path.metadata().ok()?;
        let packed = path
            .extension()
            .is_some_and(|end| end == "gz" || end == "zst");
        (metadata.is_file() && !packed).then_some(metadata.len())
    };
    paths.iter().map(size).sum()
}

#[cfg(test)]
mod tests;
