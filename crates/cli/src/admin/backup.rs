//! `rollcall backup` and `rollcall restore`. A file is a stream of `POST /admin/backup`, whose form
//! `docs/internals/storage.md` has, each record compressed with zstd.

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use rollcall_tally::BackupHead;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::ask::{AskError, Server};
use super::output::end;

/// The first bytes of a backup.
const MAGIC: &[u8; 16] = b"rollcall backup\n";
/// The first bytes of a frame of zstd.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The most bytes of a record. The server sends no longer one.
const RECORD_BYTES_MAX: u32 = 32 * 1024 * 1024;
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
/// It is one moment's, though hits come in meanwhile. For example: rollcall backup rollcall.backup
#[derive(clap::Args, Debug)]
pub struct BackupArgs {
    /// If the backup cannot be finished, an old file stays as it is
    file: PathBuf,
    #[command(flatten)]
    server: Server,
}

/// Restore a backup into an empty Rollcall
///
/// The whole file is checked before anything is written. If it is broken off, the same command goes
/// on. Until it is done, Rollcall answers as before.
#[derive(clap::Args, Debug)]
pub struct RestoreArgs {
    file: PathBuf,
    #[command(flatten)]
    server: Server,
    /// Replace what Rollcall has counted so far
    #[arg(long)]
    replace: bool,
}

/// Why a file is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{file}: {error}")]
    File { file: String, error: io::Error },
    #[error("{file} is not a backup of Rollcall")]
    Foreign { file: String },
    #[error("{file} is damaged or cut short. Nothing was restored")]
    Damaged { file: String },
    #[error("the backup broke off. No file was written")]
    BrokeOff,
    #[error("other folds came between, again and again. Try again when less is recorded")]
    Overtaken,
}

pub fn backup(args: BackupArgs) -> ExitCode {
    end("backup", || {
        let mut answer = args.server.order("POST", "backup", b"", None)?;
        let folder = args.file.parent().filter(|at| *at != Path::new(""));
        let in_file = |error| BackupError::file(&args.file, error);
        let made = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
        let mut file = made.map_err(in_file)?;
        let mut records = Records::of(answer.body_mut().as_reader(), || BackupError::BrokeOff)?;
        let mut head = None;
        let mut write = |bytes: &[u8]| {
            let packed = compress_to_vec(bytes, CompressionLevel::Fastest);
            file.write_all(&packed).map_err(in_file)
        };
        write(MAGIC)?;
        while let Some(record) = records.next()? {
            head.get_or_insert_with(|| record.clone());
            write(&[&(record.len() as u32).to_le_bytes(), record.as_slice()].concat())?;
        }
        write(&[&0u32.to_le_bytes(), records.digest.as_slice()].concat())?;
        file.as_file().sync_all().map_err(in_file)?;
        let kept = file.persist(&args.file);
        let file = kept.map_err(|error| in_file(error.error))?;
        let bytes = file.metadata().map_err(in_file)?.len();
        let head = head.and_then(|head| serde_json::from_slice(&head).ok());
        let head: BackupHead = head.ok_or(AskError::Stranger)?;
        let BackupHead {
            hits, ips, root, ..
        } = head;
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
        for _ in 0..BEGINNINGS {
            if send(&args, &checked)? {
                let BackupHead { hits, ips, .. } = checked.head;
                eprintln!("rollcall restore: {hits} hits of {ips} IPs");
                return Ok(());
            }
        }
        Err(BackupError::Overtaken.into())
    })
}

/// Sends the parts that the server does not have. False: it has to begin anew or to go on elsewhere.
fn send(args: &RestoreArgs, checked: &Checked) -> Result<bool, AskError> {
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
                Err(AskError::Refused { status: 400, .. }) if !is_last => return Ok(false),
                sent => drop(sent?),
            }
        }
        number += 1;
    }
    Ok(true)
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

type Opened = Records<Box<dyn Read>, Box<dyn Fn() -> BackupError>>;

/// Opens a file, which may be the stream as it is.
fn open(path: &Path) -> Result<Opened, AskError> {
    let in_file = |error| BackupError::file(path, error);
    let mut file = File::open(path).map_err(in_file)?;
    let mut first = [0; 4];
    let name = path.display().to_string();
    let foreign = || BackupError::Foreign { file: name.clone() };
    file.read_exact(&mut first).map_err(|_| foreign())?;
    let file = BufReader::new(io::Cursor::new(first).chain(file));
    let mut from: Box<dyn Read> = match first {
        ZSTD => Box::new(Frames {
            rest: Some(file),
            frame: None,
        }),
        _ => Box::new(file),
    };
    let mut magic = [0; MAGIC.len()];
    let read = from.read_exact(&mut magic);
    if read.is_err() || magic != *MAGIC {
        return Err(foreign().into());
    }
    let from = Box::new(io::Cursor::new(magic).chain(from)) as Box<dyn Read>;
    let damaged = Box::new(move || BackupError::Damaged { file: name.clone() });
    Ok(Records::of(from, damaged as Box<dyn Fn() -> BackupError>)?)
}

/// The records of a backup.
struct Records<R, E> {
    from: R,
    /// The error for a stream that ends early or is damaged.
    damaged: E,
    so_far: Sha256,
    /// The digest at the end. Empty before the end.
    digest: Vec<u8>,
}

impl<R: Read, E: Fn() -> BackupError> Records<R, E> {
    fn of(from: R, damaged: E) -> Result<Self, BackupError> {
        let mut records = Self {
            from,
            damaged,
            so_far: Sha256::new(),
            digest: Vec::new(),
        };
        match records.read(MAGIC.len())? == MAGIC {
            true => Ok(records),
            false => Err((records.damaged)()),
        }
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        let length = self.read(4)?;
        let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes);
        if length > RECORD_BYTES_MAX {
            return Err((self.damaged)());
        }
        if length > 0 {
            return Ok(Some(self.read(length as usize)?));
        }
        let wanted = self.so_far.clone().finalize();
        self.digest = self.read(wanted.len())?;
        let is_end = self.from.read(&mut [0]).is_ok_and(|read| read == 0);
        match self.digest == wanted.as_slice() && is_end {
            true => Ok(None),
            false => Err((self.damaged)()),
        }
    }

    fn read(&mut self, count: usize) -> Result<Vec<u8>, BackupError> {
        let mut bytes = vec![0; count];
        let read = self.from.read_exact(&mut bytes);
        read.map_err(|_| (self.damaged)())?;
        self.so_far.update(&bytes);
        Ok(bytes)
    }
}

/// Frames of zstd, one behind the other.
struct Frames<R: Read> {
    rest: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(mut rest) = self.rest.take() {
                if rest.fill_buf()?.is_empty() {
                    self.rest = Some(rest);
                    return Ok(0);
                }
                self.frame = Some(StreamingDecoder::new(rest).map_err(io::Error::other)?);
            }
            let Some(frame) = self.frame.as_mut() else {
                return Ok(0);
            };
            match frame.read(into)? {
                0 if !into.is_empty() => {
                    self.rest = self.frame.take().map(StreamingDecoder::into_inner);
                }
                read => return Ok(read),
            }
        }
    }
}

impl BackupError {
    fn file(path: &Path, error: io::Error) -> Self {
        let file = path.display().to_string();
        Self::File { file, error }
    }
}
