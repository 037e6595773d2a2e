//! `rollcall backup` and `rollcall restore`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use rollcall_tally::BackupHead;
use rollcall_tally::backup::MAGIC;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::ask::{AskError, Server};
use super::backup_file::{BackupError, Records, open};
use super::output::end;

/// The longest time for one part.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a part is sent, if the server does not answer. A fold that holds the store up ends
/// within a minute.
const TRIES: u32 = 15;
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often a restore begins anew or goes on, if another fold came between.
const BEGINNINGS: u32 = 5;

/// Write a backup of all that is counted
///
/// It shows one moment, though hits come in meanwhile. For example: rollcall backup rollcall.backup
#[derive(clap::Args, Debug)]
pub struct BackupArgs {
    /// If the backup cannot be finished, an old file stays as it is
    file: PathBuf,
    #[command(flatten)]
    server: Server,
}

/// Restore a backup into an empty Rollcall
///
/// The whole file is checked before anything is written. Until the restore is done, Rollcall answers
/// as before. If a restore breaks off, run the same command again: it goes on.
#[derive(clap::Args, Debug)]
pub struct RestoreArgs {
    file: PathBuf,
    #[command(flatten)]
    server: Server,
    /// Replace what Rollcall has counted so far
    #[arg(long)]
    replace: bool,
}

pub fn backup(args: BackupArgs) -> ExitCode {
    end("backup", || {
        let mut answer = args.server.order("POST", "backup", b"", None)?;
        let folder = args.file.parent().filter(|at| *at != Path::new(""));
        let in_file = |error| BackupError::file(&args.file, error);
        let made = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
        let mut file = made.map_err(in_file)?;
        let mut records = Records::of(answer.body_mut().as_reader(), || BackupError::BrokeOff)?;
        let mut write = |bytes: &[u8]| {
            let packed = compress_to_vec(bytes, CompressionLevel::Fastest);
            file.write_all(&packed).map_err(in_file)
        };
        let mut record = records.next()?.ok_or(AskError::Stranger)?;
        let head: BackupHead = serde_json::from_slice(&record).map_err(|_| AskError::Stranger)?;
        write(MAGIC)?;
        loop {
            write(&[&(record.len() as u32).to_le_bytes(), record.as_slice()].concat())?;
            match records.next()? {
                Some(next) => record = next,
                None => break,
            }
        }
        write(&[&0u32.to_le_bytes(), records.digest.as_slice()].concat())?;
        file.as_file().sync_all().map_err(in_file)?;
        let kept = file.persist(&args.file);
        let file = kept.map_err(|error| in_file(error.error))?;
        let bytes = file.metadata().map_err(in_file)?.len();
        let (hits, ips, root) = (head.hits, head.ips, head.root);
        eprintln!("rollcall backup: {hits} hits of {ips} IPs, as of root {root}; {bytes} bytes");
        if head.batches_behind > 0 {
            let behind = head.batches_behind;
            eprintln!("rollcall backup: {behind} recorded batches are not in it yet");
        }
        Ok(())
    })
}

pub fn restore(args: RestoreArgs) -> ExitCode {
    end("restore", || {
        let checked = Checked::of(&args.file)?;
        let mut tries = 1;
        while let Some(refused) = send(&args, &checked)? {
            if tries == BEGINNINGS {
                return Err(refused);
            }
            tries += 1;
        }
        let BackupHead { hits, ips, .. } = checked.head;
        eprintln!("rollcall restore: {hits} hits of {ips} IPs");
        Ok(())
    })
}

/// Sends the parts that the server does not have. Some: it refused one, because a fold came between
/// or another client sent some, too.
fn send(args: &RestoreArgs, checked: &Checked) -> Result<Option<AskError>, AskError> {
    #[derive(Deserialize)]
    struct Begun {
        next: u64,
    }
    let Checked { id, parts, .. } = checked;
    let replace = args.replace;
    let path = format!("restore?backup={id}&replace={replace}");
    let head = serde_json::to_vec(&checked.head).map_err(io::Error::other)?;
    let mut begun = patiently(|| args.server.order("POST", &path, &head, Some(TIMEOUT)))?;
    let begun = begun.body_mut().read_to_vec();
    let begun: Option<Begun> = begun
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok());
    let next = begun.ok_or(AskError::Stranger)?.next;
    if next > 0 {
        eprintln!("rollcall restore: goes on with part {next} of {parts}");
    }
    let mut records = open(&args.file)?;
    records.next()?;
    let mut number = 0;
    while let Some(part) = records.next()? {
        if number >= next {
            let is_last = number + 1 == *parts;
            let path = format!("restore/{number}?backup={id}&last={is_last}");
            let sent = patiently(|| args.server.order("PUT", &path, &part, Some(TIMEOUT)));
            match sent {
                Err(refused @ AskError::Refused { status: 400, .. }) => return Ok(Some(refused)),
                sent => drop(sent?),
            }
        }
        number += 1;
    }
    Ok(None)
}

/// Sends something again if the server does not answer.
fn patiently<T>(send: impl Fn() -> Result<T, AskError>) -> Result<T, AskError> {
    let mut pause = Duration::from_millis(250);
    for _ in 1..TRIES {
        match send() {
            Err(
                AskError::Request { .. }
                | AskError::Refused {
                    status: 408 | 429 | 500..,
                    ..
                },
            ) => {
                sleep(pause);
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            sent => return sent,
        }
    }
    send()
}

/// A backup that is whole.
struct Checked {
    /// The SHA-256 at its end, as the server takes it for the name of the backup.
    id: String,
    head: BackupHead,
    parts: u64,
}

impl Checked {
    fn of(file: &Path) -> Result<Self, AskError> {
        let mut records = open(file)?;
        let foreign = || BackupError::Foreign {
            file: file.display().to_string(),
        };
        let head = records.next()?.ok_or_else(foreign)?;
        let head = serde_json::from_slice(&head).map_err(|_| foreign())?;
        let mut parts = 0;
        while records.next()?.is_some() {
            parts += 1;
        }
        let id = hex::encode(&records.digest);
        Ok(Self { id, head, parts })
    }
}
