//! The file of a backup: the stream of `POST /admin/backup`. `rollcall backup` compresses each record
//! with zstd.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use rollcall_tally::backup::{MAGIC, PART_BYTES_MAX};
use sha2::{Digest, Sha256};

use crate::import::decompress;

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
}

pub type Opened = Records<Box<dyn Read>, Box<dyn Fn() -> BackupError>>;

/// Opens a file, which may be the stream as it is.
pub fn open(path: &Path) -> Result<Opened, BackupError> {
    let in_file = |error| BackupError::file(path, error);
    let file = BufReader::new(File::open(path).map_err(in_file)?);
    let (_, from) = decompress(Box::new(file)).map_err(in_file)?;
    let name = path.display().to_string();
    let foreign = BackupError::Foreign { file: name.clone() };
    let damaged = move || BackupError::Damaged { file: name.clone() };
    Records::of(
        from as Box<dyn Read>,
        Box::new(damaged) as Box<dyn Fn() -> BackupError>,
    )
    .map_err(|_| foreign)
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
        let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes) as usize;
        if length > PART_BYTES_MAX {
            return Err((self.damaged)());
        }
        if length > 0 {
            return Ok(Some(self.read(length)?));
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

impl BackupError {
    pub fn file(path: &Path, error: io::Error) -> Self {
        let file = path.display().to_string();
        Self::File { file, error }
    }
}
