//! What is remembered of a log between imports: its identity, and the place up to which all is
//! acknowledged.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::directives::Directives;
use super::lines::Mark;

/// The most bytes from the beginning of a log that are compared.
pub const HEAD_BYTES_MAX: usize = 1024;
/// The hex digits of ids and keys: 128 bits, so that no two are ever the same.
const ID_DIGITS: usize = 32;

/// Where a file is stored. It stays when the file is renamed, and when it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub fn of(_: &Path, metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Elsewhere, the path stands for the file.
    #[cfg(not(unix))]
    pub fn of(path: &Path, _: &std::fs::Metadata) -> Self {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hash = DefaultHasher::new();
        std::path::absolute(path).ok().hash(&mut hash);
        Self {
            device: 0,
            inode: hash.finish(),
        }
    }
}

/// The record of one log, or of one copy of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The URL of Rollcall and the `--source`: for people who read the file.
    pub server: String,
    pub source: Option<String>,
    /// The absolute path at which the file was found last. `-` is the standard input.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// `None`: a stream, or a file that is known by its `source`.
    pub file: Option<FileId>,
    /// Counts the logs that were written into the same file, one after the other.
    pub generation: u32,
    /// The id of the log: a part of each batch's key. Copies of a log have the same. Empty until
    /// the first batch.
    pub log: String,
    /// The number of the first bytes, and their SHA-256.
    pub head_bytes: usize,
    pub head: String,
    /// The place up to which every batch is acknowledged.
    pub mark: Mark,
    /// Whether there is more than blank lines and comments before the mark. Many logs begin with
    /// the same comments.
    pub has_lines: bool,
    /// Where the batch ends that was sent last, if it was not acknowledged yet.
    pub pending: Option<u64>,
    /// Those before the mark.
    #[serde(default)]
    pub directives: Directives,
    /// The size of a compressed file that was imported to its end.
    pub done_bytes: Option<u64>,
}

impl Record {
    /// Begins a log.
    pub fn new(server: &str, source: Option<&str>, path: &Path, file: Option<FileId>) -> Self {
        Self {
            server: server.to_owned(),
            source: source.map(str::to_owned),
            path: path.to_owned(),
            file,
            generation: 0,
            log: String::new(),
            head_bytes: 0,
            head: String::new(),
            mark: Mark::default(),
            has_lines: false,
            pending: None,
            directives: Directives::default(),
            done_bytes: None,
        }
    }

    /// Goes back to the start of the log. The keys stay the same.
    pub fn begin_again(&mut self) {
        self.mark = Mark::default();
        self.pending = None;
        self.directives = Directives::default();
        self.done_bytes = None;
    }

    /// The id of a log with this first line, if it is at the place of the record.
    ///
    /// The id is made of the source, or else of the device and the inode, of the generation, and of
    /// the first line. So if the record is lost, the log gets the same id again.
    pub fn id_with(&self, first_line: &[u8]) -> String {
        let place = match (&self.source, self.file) {
            (Some(source), _) => format!("source {source}"),
            (None, Some(id)) => format!("file {} {}", id.device, id.inode),
            (None, None) => "stream".to_owned(),
        };
        id(&[place.as_bytes(), &self.generation.to_be_bytes(), first_line])
    }

    /// Notes the first bytes of the log, as far as they are before the mark.
    pub fn note_head(&mut self, head: &[u8]) {
        if self.head_bytes > 0 {
            return;
        }
        let bytes = usize::try_from(self.mark.bytes).unwrap_or(usize::MAX);
        let head = head.get(..bytes).unwrap_or(head);
        self.head_bytes = head.len();
        self.head = id(&[head]);
    }

    /// Whether a log begins with the bytes that were noted. `head` has its first
    /// [`HEAD_BYTES_MAX`], or all.
    pub fn has_head(&self, head: &[u8]) -> bool {
        let head = head.get(..self.head_bytes);
        self.head_bytes == 0 || head.is_some_and(|head| id(&[head]) == self.head)
    }

    /// Whether the file has the content that was read: the same first bytes, and the same last
    /// bytes before the mark. This is for a file with the device and the inode of the record.
    pub fn is_in(&self, mut file: &File) -> io::Result<bool> {
        let tail_bytes = u64::from(self.mark.tail_bytes).min(self.mark.bytes);
        if file.metadata()?.len() < self.mark.bytes {
            return Ok(false);
        }
        let at = file.stream_position()?;
        let mut read = |from, bytes| -> io::Result<Vec<u8>> {
            let mut content = Vec::new();
            file.seek(SeekFrom::Start(from))?;
            file.take(bytes).read_to_end(&mut content)?;
            Ok(content)
        };
        let head = read(0, self.head_bytes as u64)?;
        let tail = read(self.mark.bytes - tail_bytes, tail_bytes)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(self.has_head(&head) && crc32c::crc32c(&tail) == self.mark.tail_crc)
    }

    /// The name of the file that keeps the record.
    pub fn file_name(&self) -> String {
        let file = self.file.map(|id| format!("{} {}", id.device, id.inode));
        let file = file.unwrap_or_default();
        format!("{}.json", id(&[self.log.as_bytes(), file.as_bytes()]))
    }
}

/// Writes a path that may have any bytes. If it has others than text, the file is found by its inode.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// The first line in the first bytes of a log. `None`: it goes on behind them. Of a longer line, the
/// first [`HEAD_BYTES_MAX`] bytes stand for it.
pub fn first_line(head: &[u8]) -> Option<&[u8]> {
    match memchr::memchr(b'\n', head) {
        Some(end) => head.get(..end),
        None => (head.len() >= HEAD_BYTES_MAX).then_some(head),
    }
}

/// A hash of the parts, 32 hex digits.
pub fn id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hex::encode(hash.finalize());
    format!("{digest:.ID_DIGITS$}")
}
