//! The lines of the file, with their numbers. Blank lines are skipped. A line that is longer than a
//! batch is an error: it would have to be held in memory, and no hit is that long.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::iter::Peekable;
use std::path::Path;

use rollcall_formats::Format;

use super::error::ImportError;

/// The most bytes of lines in one batch. If a line would exceed it, the batch ends before the line.
/// This keeps a request with long lines small enough for the server.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// The input. A file can be read again, a stream only once.
pub enum Input {
    File { file: File, bytes: u64 },
    Stream(Option<Box<dyn Read>>),
}

impl Input {
    /// Opens a file, or the standard input for `-`. If the input must be read `twice` and is a
    /// stream, it is copied into a temporary file.
    pub fn open(path: &Path, twice: bool) -> io::Result<Self> {
        let mut stream: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if metadata.is_file() {
                let bytes = metadata.len();
                return Ok(Self::File { file, bytes });
            }
            Box::new(file)
        };
        if !twice {
            return Ok(Self::Stream(Some(stream)));
        }
        let mut file = tempfile::tempfile()?;
        let bytes = io::copy(&mut stream, &mut file)?;
        Ok(Self::File { file, bytes })
    }

    /// The size of the input. None if it is a stream.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::File { bytes, .. } => Some(*bytes),
            Self::Stream(_) => None,
        }
    }

    /// Begins at the first line. A stream has no lines the second time.
    pub fn lines(&mut self) -> io::Result<Lines> {
        let reader: Box<dyn Read> = match self {
            Self::File { file, .. } => {
                file.rewind()?;
                Box::new(file.try_clone()?)
            }
            Self::Stream(stream) => stream.take().unwrap_or_else(|| Box::new(io::empty())),
        };
        Ok(Lines {
            reader: BufReader::with_capacity(64 * 1024, reader),
            number: 0,
        })
    }
}

/// A line that is not blank.
pub struct Line {
    /// The number in the file, counted from 1.
    pub number: u64,
    /// The line without its end.
    pub text: Vec<u8>,
}

pub struct Lines {
    reader: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Iterator for Lines {
    type Item = Result<Line, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = Vec::new();
            let mut limited = (&mut self.reader).take(BATCH_BYTES_MAX as u64 + 1);
            match limited.read_until(b'\n', &mut text) {
                Ok(0) => return None,
                Ok(_) => self.number += 1,
                Err(error) => return Some(Err(error.into())),
            }
            if text.len() > BATCH_BYTES_MAX {
                return Some(Err(ImportError::LongLine {
                    number: self.number,
                    bytes_max: BATCH_BYTES_MAX,
                }));
            }
            text.truncate(text.trim_ascii_end().len());
            if !text.is_empty() {
                let number = self.number;
                return Some(Ok(Line { number, text }));
            }
        }
    }
}

/// The given format. If there is none, the format of the first line. `None`: there is no line.
pub fn format(
    lines: &mut Peekable<Lines>,
    asked: Option<Format>,
) -> Result<Option<Format>, ImportError> {
    let first = match lines.peek() {
        None => return Ok(None),
        // The next reader of this line reports the error.
        Some(Err(_)) => return Ok(Some(Format::AccessLog)),
        Some(Ok(line)) => line.text.trim_ascii_start().first(),
    };
    match (asked, first) {
        (Some(format), _) => Ok(Some(format)),
        (None, Some(b'{')) => Ok(Some(Format::Ndjson)),
        (None, Some(b'[')) => Err(ImportError::Array),
        (None, _) => Ok(Some(Format::AccessLog)),
    }
}
