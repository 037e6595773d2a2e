//! The file of a backup: a stream of `POST /admin/backup`, whose form `docs/internals/storage.md` has.
//! `rollcall backup` compresses each record with zstd.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};

/// The first bytes of a backup.
pub const MAGIC: &[u8; 16] = b"rollcall backup\n";
/// The first bytes of a frame of zstd.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The most bytes of a record. The server sends no longer one.
const RECORD_BYTES_MAX: u32 = 32 * 1024 * 1024;

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

pub type Opened = Records<Box<dyn Read>, Box<dyn Fn() -> BackupError>>;

/// Opens a file, which may be the stream as it is.
pub fn open(path: &Path) -> Result<Opened, BackupError> {
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
        return Err(foreign());
    }
    let from = Box::new(io::Cursor::new(magic).chain(from)) as Box<dyn Read>;
    let damaged = Box::new(move || BackupError::Damaged { file: name.clone() });
    Records::of(from, damaged as Box<dyn Fn() -> BackupError>)
}

/// The records of a backup.
pub struct Records<R, E> {
    from: R,
    /// The error for a stream that ends early or is damaged.
    damaged: E,
    so_far: Sha256,
    /// The digest at the end. Empty before the end.
    pub digest: Vec<u8>,
}

impl<R: Read, E: Fn() -> BackupError> Records<R, E> {
    pub fn of(from: R, damaged: E) -> Result<Self, BackupError> {
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

    pub fn next(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
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
    pub fn file(path: &Path, error: io::Error) -> Self {
        let file = path.display().to_string();
        Self::File { file, error }
    }
}
