//! `--follow`: sends each line soon after it was written, until a signal comes.
//!
//! The paths are looked at again and again. A new file at a path is a log of its own. The old file
//! stays open until nothing was written into it for a while, because a gateway goes on writing into
//! a renamed file until it opens the new one. A file that was truncated is read from its beginning.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::ImportError;
use super::open::Log;
use super::paths;
use super::record::FileId;
use super::session::Session;

/// The pauses between the looks. A line waits no longer for its sending.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub look: Duration,
    /// A file that has no path any more is closed if nothing came for this time.
    pub quiet: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_millis(200),
            quiet: Duration::from_secs(60),
        }
    }
}

/// A log that is open.
struct Tail {
    /// `None`: a stream.
    id: Option<FileId>,
    log: Log,
    /// The size of the file when it was looked at last.
    bytes: u64,
    /// When the last line came, or when the file was last at one of the paths.
    alive: Instant,
    is_over: bool,
}

pub struct Follow<'a, 'b> {
    session: &'a mut Session<'b>,
    files: &'a [PathBuf],
    pace: Pace,
    tails: Vec<Tail>,
    /// Files that are not read any more, unless their size changes: they were read to their end
    /// and do not grow, or they cannot be read.
    over: HashMap<FileId, u64>,
    /// Files that are copies of others. They are looked at again when anything changes.
    copies: HashSet<FileId>,
    /// The files that were at the paths.
    seen: HashSet<FileId>,
    /// Whether the streams were opened.
    has_streams: bool,
}

impl<'a, 'b> Follow<'a, 'b> {
    pub fn new(session: &'a mut Session<'b>, files: &'a [PathBuf], pace: Pace) -> Self {
        Self {
            session,
            files,
            pace,
            tails: Vec::new(),
            over: HashMap::new(),
            copies: HashSet::new(),
            seen: HashSet::new(),
            has_streams: false,
        }
    }

    /// Follows until the import shall end, or until all streams have ended and there are no files.
    pub fn run(mut self) -> Result<(), ImportError> {
        loop {
            self.look()?;
            let mut is_busy = false;
            for at in 0..self.tails.len() {
                if self.session.is_stopped() {
                    return Ok(());
                }
                is_busy |= self.advance(at)?;
            }
            self.close()?;
            let only_streams = self.files.iter().all(|path| path.as_os_str() == "-");
            if self.session.is_stopped() || (only_streams && self.tails.is_empty()) {
                return Ok(());
            }
            if !is_busy {
                thread::sleep(self.pace.look);
            }
        }
    }

    /// Opens what is new at the paths.
    fn look(&mut self) -> Result<(), ImportError> {
        let mut seen = HashSet::new();
        for path in paths::present(self.files)? {
            let Some((id, bytes)) = regular_file(&path) else {
                if !self.has_streams {
                    self.open_stream(&path)?;
                }
                continue;
            };
            seen.insert(id);
            let is_open = self.tails.iter().any(|tail| tail.id == Some(id));
            // An empty file does not tell yet whether it is compressed.
            let is_over = self.over.get(&id) == Some(&bytes) || self.copies.contains(&id);
            if !is_open && !is_over && bytes > 0 {
                self.open(&path, id, bytes)?;
            }
        }
        self.has_streams = true;
        self.session.go_on();
        self.over.retain(|id, _| seen.contains(id));
        if seen != self.seen {
            self.copies.clear();
        }
        self.seen.clone_from(&seen);
        for tail in &mut self.tails {
            if tail.id.is_none_or(|id| seen.contains(&id)) {
                tail.alive = Instant::now();
            }
        }
        Ok(())
    }

    fn open(&mut self, path: &Path, id: FileId, bytes: u64) -> Result<(), ImportError> {
        let log = match self.session.open(path) {
            Ok(log) => log,
            Err(ImportError::Copy { .. }) => {
                self.copies.insert(id);
                return Ok(());
            }
            // It was renamed or deleted meanwhile, or it cannot be read yet.
            Err(error @ ImportError::Open { .. }) => {
                self.session.note(&error.to_string());
                self.over.insert(id, bytes);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.tails.push(Tail::new(Some(id), log));
        Ok(())
    }

    fn open_stream(&mut self, path: &Path) -> Result<(), ImportError> {
        let mut log = self.session.open(path)?;
        log.reader = log.reader.in_background(log.record.mark);
        self.tails.push(Tail::new(None, log));
        Ok(())
    }

    /// Sends a batch of a log, if it has any lines now.
    fn advance(&mut self, at: usize) -> Result<bool, ImportError> {
        let Some(tail) = self.tails.get_mut(at) else {
            return Ok(false);
        };
        if tail.was_truncated() {
            // The next look opens it as a new log.
            self.tails.remove(at);
            self.copies.clear();
            return Ok(true);
        }
        let batch = match self.session.send_some(&mut tail.log) {
            Ok(batch) => batch,
            Err(error @ ImportError::Rest { .. }) => {
                self.session.note(&error.to_string());
                let tail = self.tails.remove(at);
                self.over.extend(tail.over());
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        tail.is_over |= batch.is_at_end && !tail.log.may_grow;
        if !batch.is_empty() {
            tail.alive = Instant::now();
        }
        Ok(!batch.is_empty())
    }

    /// Closes logs that will have no more lines.
    fn close(&mut self) -> Result<(), ImportError> {
        let quiet = self.pace.quiet;
        let is_over = |tail: &mut Tail| tail.is_over || tail.alive.elapsed() > quiet;
        for mut tail in self.tails.extract_if(.., is_over) {
            tail.log.may_grow = false;
            self.session.finish(&mut tail.log)?;
            self.over.extend(tail.over());
        }
        Ok(())
    }
}

impl Tail {
    fn new(id: Option<FileId>, log: Log) -> Self {
        Self {
            id,
            log,
            bytes: 0,
            alive: Instant::now(),
            is_over: false,
        }
    }

    /// The file and its size, to be remembered when it is closed.
    fn over(&self) -> Option<(FileId, u64)> {
        Some((self.id?, self.log.file_bytes))
    }

    /// Whether the file begins anew: it is shorter than what was read, or has another content.
    fn was_truncated(&mut self) -> bool {
        let Some(file) = self.log.reader.file() else {
            return false;
        };
        let Ok(bytes) = file.metadata().map(|metadata| metadata.len()) else {
            return false;
        };
        let is_same = bytes == self.bytes || self.log.record.is_in(file).unwrap_or(true);
        self.bytes = bytes;
        !is_same
    }
}

/// The identity and size of a regular file. `None`: the path is a stream.
fn regular_file(path: &Path) -> Option<(FileId, u64)> {
    let metadata = fs::metadata(path).ok()?;
    let file = || (FileId::of(path, &metadata), metadata.len());
    metadata.is_file().then(file)
}
