//! The folder that keeps the records: a file for each, in a folder for each server and source.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use etcetera::BaseStrategy as _;

use super::error::ImportError;
use super::record::{FileId, Record, id};

/// A record is deleted if no import met its log for this time.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How the names of locks end.
const LOCK: &str = "lock";

pub struct State {
    /// It is made when the first record is kept. `None`: it is not known where it should be.
    folder: Option<PathBuf>,
    server: String,
    source: Option<String>,
    /// The records as they were read last.
    known: RefCell<HashMap<PathBuf, (Version, Record)>>,
}

/// Tells whether a file was replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    file: FileId,
    modified: SystemTime,
}

impl Version {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            file: FileId::of(path, &metadata),
            modified: metadata.modified()?,
        })
    }
}

/// Keeps other imports away from a log, as long as it lives.
pub struct Lock {
    _file: File,
}

/// `$XDG_STATE_HOME/rollcall`, or `~/.local/state/rollcall`.
pub fn default_folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(state.join("rollcall"))
}

impl State {
    /// Opens the part of the folder that belongs to this server and source.
    pub fn open(
        folder: Option<&Path>,
        server: &str,
        source: Option<&str>,
    ) -> Result<Self, ImportError> {
        let folder = folder.map(Path::to_owned).or_else(default_folder);
        let name = id(&[server.as_bytes(), source.unwrap_or_default().as_bytes()]);
        let state = Self {
            folder: folder.map(|folder| folder.join("import").join(name)),
            server: server.to_owned(),
            source: source.map(str::to_owned),
            known: RefCell::default(),
        };
        if let Some(folder) = &state.folder {
            forget(folder).map_err(|error| state.error(error))?;
        }
        Ok(state)
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The folder, which is made if it does not exist.
    fn folder(&self) -> Result<&Path, ImportError> {
        let folder = self.folder.as_deref().ok_or(ImportError::NoStateDir)?;
        fs::create_dir_all(folder).map_err(|error| self.error(error))?;
        Ok(folder)
    }

    /// All records. A record that did not change since the last call is not read again.
    pub fn records(&self) -> Result<Vec<Record>, ImportError> {
        let mut known = self.known.borrow_mut();
        let mut now = HashMap::new();
        for entry in fs::read_dir(self.folder()?).map_err(|error| self.error(error))? {
            let path = entry.map_err(|error| self.error(error))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let version = match Version::of(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                version => version.map_err(|error| self.error(error))?,
            };
            let record = match known.remove(&path) {
                Some((known, record)) if known == version => record,
                _ => self.read(&path)?,
            };
            now.insert(path, (version, record));
        }
        *known = now;
        Ok(known.values().map(|(_, record)| record.clone()).collect())
    }

    fn read(&self, path: &Path) -> Result<Record, ImportError> {
        let text = fs::read(path).map_err(|error| self.error(error))?;
        serde_json::from_slice(&text).map_err(|error| ImportError::Record {
            path: path.to_owned(),
            error,
        })
    }

    /// Writes a record. A program that is killed meanwhile leaves the old record.
    pub fn save(&self, record: &Record) -> Result<(), ImportError> {
        let folder = self.folder()?;
        let path = folder.join(record.file_name());
        let save = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            // In one write: a file has no buffer.
            file.write_all(&serde_json::to_vec_pretty(record)?)?;
            file.persist(&path)?;
            Ok(())
        };
        save().map_err(|error| self.error(error))
    }

    /// Locks a log. `None`: another import has it.
    pub fn lock(&self, record: &Record) -> Result<Option<Lock>, ImportError> {
        let path = self.folder()?.join(record.file_name()).with_extension(LOCK);
        let file = File::create(path).map_err(|error| self.error(error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.error(error)),
        }
    }

    fn error(&self, source: io::Error) -> ImportError {
        ImportError::State {
            folder: self.folder.clone().unwrap_or_default(),
            source,
        }
    }
}

/// Deletes the records of logs that are long gone.
fn forget(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == LOCK) {
            continue;
        }
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = modified.map(|modified| now.duration_since(modified).unwrap_or_default());
        if age.is_ok_and(|age| age > KEPT) {
            // Another import may have deleted them.
            let _ = fs::remove_file(path.with_extension(LOCK));
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}
