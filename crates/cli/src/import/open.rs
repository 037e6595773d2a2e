//! Opens a log where the imports before ended.
//!
//! A file is known by its device and inode, as long as it still has the content that was read. Else
//! it is compared with all content that was read of other files. It is one of these
//!
//! - if that file is gone: it was renamed, copied or compressed;
//! - if it lies beside that file, is compressed, and has its name with an ending, as `log.1.gz`;
//! - if at least [`COPY_BYTES_MIN`] were read of that file, and this one has more: it is a copy of
//!   the file, and the file had grown.
//!
//! Else it is another file, even if it has the same lines: two nodes may write the same. But a file
//! is left alone if it lies beside a file with the same content, has its name with an ending, and
//! is not compressed, as `log.1`: a log is copied before it is truncated.
//!
//! With a `--source`, the content alone decides: a log that begins with all that was read of
//! another log is that log.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::ImportError;
use super::probe::Probe;
use super::reader::{Reader, Source, Unpacked, decompress};
use super::record::{FileId, HEAD_BYTES_MAX, Record, first_line};
use super::state::{Lock, State};

/// If two files begin with this much of the same content, one is a copy of the other. Two nodes
/// that get nothing but health checks may write some equal lines, but not for hours.
const COPY_BYTES_MIN: u64 = 64 * 1024;

/// A log that stands where the imports before ended.
pub struct Log {
    /// For people.
    pub name: String,
    pub reader: Reader,
    pub record: Record,
    /// Whether a last line without an end may get its end later.
    pub may_grow: bool,
    /// The size of the file when it was opened. 0: a stream.
    pub file_bytes: u64,
    pub is_packed: bool,
    lock: Option<Lock>,
}

/// How logs are opened.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// Begin at the start, under the same keys.
    pub from_start: bool,
}

impl Log {
    /// Opens a file, or the standard input for `-`.
    pub fn open(path: &Path, state: &State, options: Options) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        let open_error = |source| ImportError::Open {
            file: name.clone(),
            source,
        };
        if path.as_os_str() == "-" {
            return Self::stream(Box::new(io::stdin()), path, state, options);
        }
        let file = File::open(path).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        if metadata.is_dir() {
            return Err(open_error(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Self::stream(Box::new(file), path, state, options);
        }
        let found = Found::new(path, file).map_err(open_error)?;
        found.open(state, options)
    }

    /// A stream. It is compared with earlier ones only if there is a source.
    fn stream(
        stream: Box<dyn Read + Send>,
        path: &Path,
        state: &State,
        options: Options,
    ) -> Result<Self, ImportError> {
        let mut content: Box<dyn Read + Send> = Box::new(Unpacked::Later(stream));
        let mut record = Record::new(state.server(), state.source(), path, None);
        if state.source().is_some() {
            let records = state.records()?;
            let mut stream = BufReader::new(content);
            let mut head = Vec::new();
            let mut first = (&mut stream).take(HEAD_BYTES_MAX as u64);
            first.read_until(b'\n', &mut head)?;
            let line = first_line(&head).unwrap_or(&head);
            let same = records
                .iter()
                .filter(|known| known.id_with(line) == known.log);
            let mut spool = Spool::over(Cursor::new(head.clone()).chain(stream))?;
            let found = spool.probe(Probe::new(same))?.cloned();
            record = found.unwrap_or_else(|| new_log(record, &records, line));
            if options.from_start {
                record.begin_again();
            }
            content = spool.from(record.mark.bytes)?;
        }
        Self::at(Source::Stream(content), record, state)
    }

    fn at(source: Source, record: Record, state: &State) -> Result<Self, ImportError> {
        let name = match record.path.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => record.path.display().to_string(),
        };
        let mut log = Self {
            name,
            reader: Reader::new(source, record.mark),
            record,
            may_grow: false,
            file_bytes: 0,
            is_packed: false,
            lock: None,
        };
        log.lock(state)?;
        Ok(log)
    }

    /// Whether the place is remembered. Nothing lasts of a stream without a source.
    pub fn is_kept(&self) -> bool {
        self.record.file.is_some() || self.record.source.is_some()
    }

    /// Gives the log its id, if it has none. Its first line must have been read.
    pub fn name_it(&mut self, state: &State) -> Result<(), ImportError> {
        if !self.record.log.is_empty() {
            return Ok(());
        }
        let line = first_line(self.reader.head()).unwrap_or(self.reader.head());
        let records = match self.is_kept() {
            true => state.records()?,
            false => Vec::new(),
        };
        self.record = new_log(self.record.clone(), &records, line);
        self.lock(state)
    }

    /// Keeps other imports away. Two at the same time would cut the log differently.
    fn lock(&mut self, state: &State) -> Result<(), ImportError> {
        if !self.record.log.is_empty() && self.is_kept() {
            let lock = state.lock(&self.record)?;
            let busy = || ImportError::Busy {
                file: self.name.clone(),
            };
            self.lock = Some(lock.ok_or_else(busy)?);
        }
        Ok(())
    }

    /// Writes the record.
    pub fn save(&mut self, state: &State) -> Result<(), ImportError> {
        self.record.note_head(self.reader.head());
        match self.is_kept() {
            true => state.save(&self.record),
            false => Ok(()),
        }
    }
}

/// Gives a new log an id that no other log has. If an import began with it and nothing was
/// acknowledged, it is that log.
fn new_log(mut record: Record, records: &[Record], first_line: &[u8]) -> Record {
    loop {
        record.log = record.id_with(first_line);
        match records.iter().find(|known| known.log == record.log) {
            None => return record,
            Some(known) if known.mark.bytes == 0 => return known.clone(),
            Some(_) => record.generation += 1,
        }
    }
}

/// A regular file, before it is known which log it is.
struct Found {
    path: PathBuf,
    file: File,
    id: FileId,
    bytes: u64,
    is_packed: bool,
    /// The first bytes of the content.
    head: Vec<u8>,
}

impl Found {
    fn new(path: &Path, file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (is_packed, stream) = decompress(Box::new(file.try_clone()?))?;
        let mut head = Vec::new();
        // A damaged file is reported when it is read.
        let _ = stream.take(HEAD_BYTES_MAX as u64).read_to_end(&mut head);
        Ok(Self {
            path: std::path::absolute(path)?,
            id: FileId::of(path, &metadata),
            bytes: metadata.len(),
            file,
            is_packed,
            head,
        })
    }

    fn open(self, state: &State, options: Options) -> Result<Log, ImportError> {
        let records = state.records()?;
        let mut record = match self.find(&records)? {
            Some(known) => Record {
                // The lines of a file that grew have the same numbers; those of a copy, too.
                path: self.path.clone(),
                file: state.source().is_none().then_some(self.id),
                done_bytes: known.done_bytes.filter(|_| self.is_known_as(known)),
                ..known.clone()
            },
            None => self.begin(state, &records),
        };
        if options.from_start {
            record.begin_again();
        }
        let is_done = self.is_packed && record.done_bytes == Some(self.bytes);
        let (is_packed, file_bytes) = (self.is_packed, self.bytes);
        let mark = record.mark.bytes;
        let source = match is_done {
            true => Source::Stream(Box::new(io::empty())),
            false => self.from(mark)?,
        };
        let mut log = Log::at(source, record, state)?;
        log.may_grow = !is_packed;
        log.is_packed = is_packed;
        log.file_bytes = file_bytes;
        Ok(log)
    }

    /// The record of a new log. If its first line has no end yet, it gets its id later.
    fn begin(&self, state: &State, records: &[Record]) -> Record {
        let file = state.source().is_none().then_some(self.id);
        let record = Record::new(state.server(), state.source(), &self.path, file);
        let all = self.is_packed.then_some(self.head.as_slice());
        match first_line(&self.head).or(all) {
            Some(line) => new_log(record, records, line),
            None => record,
        }
    }

    /// The record that has been read furthest of all that are of this log.
    fn find<'a>(&self, records: &'a [Record]) -> Result<Option<&'a Record>, ImportError> {
        let mut own: Option<&Record> = None;
        for record in records.iter().filter(|record| self.is_known_as(record)) {
            let is_further = own.is_none_or(|own| record.mark.bytes >= own.mark.bytes);
            let has_content = self.has_content_of(record);
            if is_further && has_content.map_err(|error| self.error(error))? {
                own = Some(record);
            }
        }
        let mut candidates = Vec::new();
        for record in records.iter().filter(|record| record.has_lines) {
            let is_further = own.is_none_or(|own| record.mark.bytes > own.mark.bytes);
            if is_further && record.has_head(&self.head) {
                match self.relation(record, own) {
                    Relation::Same => candidates.push(record),
                    Relation::Other => (),
                    Relation::Copy if own.is_some() => (),
                    Relation::Copy => return Err(self.copy_of(record)),
                }
            }
        }
        let mut probe = Probe::new(candidates.into_iter());
        if probe.is_open() {
            self.probe(&mut probe).map_err(|error| self.error(error))?;
        }
        Ok(probe.found().or(own))
    }

    fn is_known_as(&self, record: &Record) -> bool {
        record.file == Some(self.id)
    }

    /// Whether the file of the record has the content that was read, as far as this can be told
    /// without reading it all.
    fn has_content_of(&self, record: &Record) -> io::Result<bool> {
        match self.is_packed {
            true => Ok(record.done_bytes == Some(self.bytes) && record.has_head(&self.head)),
            false => record.is_in(&self.file),
        }
    }

    /// What this file is to the file of the record, if it has the content.
    fn relation(&self, record: &Record, own: Option<&Record>) -> Relation {
        if record.source.is_some()
            || self.is_known_as(record)
            || own.is_some_and(|own| own.log == record.log)
        {
            return Relation::Same;
        }
        let Some(original) = find_file(record) else {
            return Relation::Same;
        };
        let is_beside = self.is_beside(&original);
        let is_grown_copy = record.mark.bytes >= COPY_BYTES_MIN
            && !self.is_packed
            && self.bytes > record.mark.bytes;
        match (is_beside, self.is_packed) {
            (true, true) => Relation::Same,
            (true, false) => Relation::Copy,
            (false, _) if is_grown_copy => Relation::Same,
            (false, _) => Relation::Other,
        }
    }

    /// Whether this file lies beside the other one and has its name with an ending.
    fn is_beside(&self, other: &Path) -> bool {
        let ending = || {
            let name = self.path.file_name()?.to_str()?;
            name.strip_prefix(other.file_name()?.to_str()?)
        };
        let is_longer = ending().is_some_and(|ending| ending.starts_with(['.', '-', '_', '~']));
        is_longer && self.path.parent() == other.parent()
    }

    fn copy_of(&self, record: &Record) -> ImportError {
        ImportError::Copy {
            file: self.path.display().to_string(),
            original: record.path.display().to_string(),
        }
    }

    fn error(&self, source: io::Error) -> ImportError {
        ImportError::Open {
            file: self.path.display().to_string(),
            source,
        }
    }

    fn probe(&self, probe: &mut Probe) -> io::Result<()> {
        let mut content = self.content()?;
        let mut buffer = vec![0; 64 * 1024];
        while probe.is_open() {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => probe.feed(buffer.get(..read).unwrap_or_default()),
                // A program that compresses a known file is not ready yet.
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn content(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(decompress(Box::new(file))?.1)
    }

    fn from(mut self, bytes: u64) -> io::Result<Source> {
        if self.is_packed {
            let mut content = self.content()?;
            io::copy(&mut (&mut content).take(bytes), &mut io::sink())?;
            return Ok(Source::Stream(content));
        }
        self.file.seek(SeekFrom::Start(bytes))?;
        Ok(Source::File(self.file))
    }
}

/// What a file is to the file of a record.
enum Relation {
    Same,
    Other,
    /// A copy of the other file, which is still there.
    Copy,
}

/// Finds the file of a record, with the content that was read: at its path, or renamed within its
/// folder.
fn find_file(record: &Record) -> Option<PathBuf> {
    let is_at = |path: &Path| -> io::Result<bool> {
        let file = File::open(path)?;
        let id = FileId::of(path, &file.metadata()?);
        Ok(record.file == Some(id) && (record.done_bytes.is_some() || record.is_in(&file)?))
    };
    if is_at(&record.path).unwrap_or(false) {
        return Some(record.path.clone());
    }
    let mut entries = fs::read_dir(record.path.parent()?).ok()?.flatten();
    entries.find_map(|entry| {
        let path = entry.path();
        let id = FileId::of(&path, &fs::metadata(&path).ok()?);
        (record.file == Some(id) && is_at(&path).unwrap_or(false)).then_some(path)
    })
}

/// Keeps the bytes of a stream that were compared, so that they can be read again.
struct Spool<R> {
    stream: R,
    file: File,
}

impl<R: Read + Send + 'static> Spool<R> {
    fn over(stream: R) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { stream, file })
    }

    fn probe<'a>(&mut self, mut probe: Probe<'a>) -> io::Result<Option<&'a Record>> {
        let mut buffer = vec![0; 64 * 1024];
        while probe.is_open() {
            let read = self.stream.read(&mut buffer)?;
            let read = buffer.get(..read).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            io::Write::write_all(&mut self.file, read)?;
            probe.feed(read);
        }
        Ok(probe.found())
    }

    fn from(mut self, bytes: u64) -> io::Result<Box<dyn Read + Send>> {
        self.file.seek(SeekFrom::Start(bytes))?;
        Ok(Box::new(self.file.chain(self.stream)))
    }
}
