//! Reads the pieces of a log, from a file or a stream, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use rollcall_formats::ZstdReader;

use super::lines::{Lines, Mark, Piece};
use super::record::HEAD_BYTES_MAX;

const BUFFER_BYTES: usize = 64 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The same as of the command `zstd`.
const ZSTD_WINDOW_BYTES_MAX: u64 = 128 << 20;

/// Where the bytes come from.
pub enum Source {
    /// A file that is not compressed. It may grow.
    File(File),
    /// All else. A read may answer [`ErrorKind::WouldBlock`]: there is nothing now.
    Stream(Box<dyn Read + Send>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

/// The result of a look for the next piece.
pub enum Next {
    Piece(Piece),
    /// There is nothing now, but it is not the end.
    Nothing,
    /// The end. A file that grows may have more later.
    End,
}

pub struct Reader {
    source: BufReader<Source>,
    lines: Lines,
    /// The first bytes of the log, if it was read from its beginning.
    head: Vec<u8>,
    /// What the next call gives.
    held: Option<io::Result<Piece>>,
}

impl Reader {
    /// Goes on behind `mark`. The source must stand there.
    pub fn new(source: Source, mark: Mark) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            lines: Lines::from(mark),
            head: Vec::new(),
            held: None,
        }
    }

    pub fn next(&mut self) -> io::Result<Next> {
        if let Some(piece) = self.held.take() {
            return piece.map(Next::Piece);
        }
        loop {
            let chunk = match self.source.fill_buf() {
                Ok([]) => return Ok(Next::End),
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Nothing),
                Err(error) => return Err(error),
            };
            let (used, piece) = self.lines.feed(chunk);
            let room = HEAD_BYTES_MAX - self.head.len();
            self.head.extend(chunk.iter().take(used.min(room)));
            self.source.consume(used);
            if let Some(piece) = piece {
                return Ok(Next::Piece(piece));
            }
        }
    }

    /// The next call of [`Self::next`] gives this.
    pub fn put_back(&mut self, piece: io::Result<Piece>) {
        self.held = Some(piece);
    }

    /// The bytes that came first since this reader began, at most [`HEAD_BYTES_MAX`].
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The line that has not ended, if it has any bytes.
    pub fn unfinished(&self) -> Option<&[u8]> {
        self.lines.unfinished()
    }

    /// Takes the line that has not ended as a line.
    pub fn finish(&mut self) -> Option<Piece> {
        self.lines.finish()
    }

    /// Reads a stream in a thread of its own. See [`in_background`].
    pub fn in_background(self, mark: Mark) -> Self {
        // Nothing was read from the source yet.
        Self::new(in_background(self.source.into_inner()), mark)
    }

    /// The file, if the log is one that may grow.
    pub fn file(&self) -> Option<&File> {
        match self.source.get_ref() {
            Source::File(file) => Some(file),
            Source::Stream(_) => None,
        }
    }

    /// Reads all pieces, and goes back to `mark`, where the reader stands. A stream is copied into a
    /// temporary file.
    pub fn look_ahead(self, mark: Mark, mut visit: impl FnMut(Piece)) -> io::Result<Self> {
        let (mut file, start, is_stream) = match self.source.into_inner() {
            Source::File(file) => (file, mark.bytes, false),
            Source::Stream(mut stream) => {
                let mut file = tempfile::tempfile()?;
                io::copy(&mut stream, &mut file)?;
                (file, 0, true)
            }
        };
        file.seek(SeekFrom::Start(start))?;
        let mut ahead = Self::new(Source::File(file.try_clone()?), mark);
        while let Next::Piece(piece) = ahead.next()? {
            visit(piece);
        }
        if let Some(piece) = ahead.finish() {
            visit(piece);
        }
        file.seek(SeekFrom::Start(start))?;
        let source = match is_stream {
            true => Source::Stream(Box::new(file)),
            false => Source::File(file),
        };
        Ok(Self::new(source, mark))
    }
}

/// Reads a stream in a thread of its own. If there is nothing now, a read answers
/// [`ErrorKind::WouldBlock`].
pub fn in_background(source: Source) -> Source {
    let mut stream = match source {
        Source::File(_) => return source,
        Source::Stream(stream) => stream,
    };
    let (sender, chunks) = mpsc::sync_channel(4);
    thread::spawn(move || {
        loop {
            let mut chunk = vec![0; BUFFER_BYTES];
            let read = match stream.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(read) => {
                    chunk.truncate(read);
                    Ok(chunk)
                }
                Err(error) => Err(error),
            };
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            if sender.send(read).is_err() || is_last {
                return;
            }
        }
    });
    let chunk = io::Cursor::new(Vec::new());
    Source::Stream(Box::new(Background { chunks, chunk }))
}

struct Background {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl Read for Background {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.position() == self.chunk.get_ref().len() as u64 {
            self.chunk = match self.chunks.try_recv() {
                Ok(chunk) => io::Cursor::new(chunk?),
                Err(TryRecvError::Empty) => return Err(ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Disconnected) => return Ok(0),
            };
        }
        self.chunk.read(buffer)
    }
}

/// Decompresses a stream, if it is compressed. It waits for the first bytes only when it is read.
pub enum Unpacked {
    Later(Box<dyn Read + Send>),
    Now(Box<dyn Read + Send>),
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Later(stream) = self {
            let stream = std::mem::replace(stream, Box::new(io::empty()));
            *self = Self::Now(decompress(stream)?.1);
        }
        match self {
            Self::Later(stream) | Self::Now(stream) => stream.read(buffer),
        }
    }
}

/// Decompresses gzip and Zstandard, known by their first bytes. Returns whether it does.
pub fn decompress(mut stream: Box<dyn Read + Send>) -> io::Result<(bool, Box<dyn Read + Send>)> {
    let mut magic = Vec::new();
    (&mut stream)
        .take(ZSTD.len() as u64)
        .read_to_end(&mut magic)?;
    let (is_gzip, is_zstd) = (magic.starts_with(GZIP), magic.starts_with(ZSTD));
    let stream = io::Cursor::new(magic).chain(stream);
    Ok(if is_gzip {
        (true, Box::new(flate2::read::MultiGzDecoder::new(stream)))
    } else if is_zstd {
        let packed = BufReader::with_capacity(BUFFER_BYTES, stream);
        (
            true,
            Box::new(ZstdReader::new(packed, ZSTD_WINDOW_BYTES_MAX)),
        )
    } else {
        (false, Box::new(stream))
    })
}
