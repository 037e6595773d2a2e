//! `rollcall export --parquet`: the rows of an export in a Parquet file, whole or not at all.

mod row_file;

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::GzDecoder;
use tempfile::NamedTempFile;
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::CONTENT_ENCODING;

use self::row_file::RowFile;
use crate::signals;

/// The form in which the rows are asked for. The end of a gzip stream also tells that the export is
/// whole: a server that dies sends no end.
const FORM: [(&str, &str); 2] = [("format", "ndjson"), ("compression", "true")];

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    #[error("--parquet chooses {name} itself: leave {name}= out")]
    Chosen { name: &'static str },
    #[error("no file was written: the export broke off: {0}")]
    BrokenOff(io::Error),
    #[error(
        "no file was written: the server does not send rows as Rollcall does. Is the URL right?"
    )]
    Stranger,
    #[error("no file was written: the command was stopped")]
    Stopped,
    #[error("no file was written: {}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("no file was written: Ctrl-C cannot be waited for: {0}")]
    Signals(io::Error),
}

impl ParquetError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Chosen { .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The parameters with those of the form.
pub fn in_form(parameters: &[(String, String)]) -> Result<Vec<(String, String)>, ParquetError> {
    let is_given = |name: &str| parameters.iter().any(|(given, _)| given == name);
    if let Some((name, _)) = FORM.iter().find(|(name, _)| is_given(name)) {
        return Err(ParquetError::Chosen { name });
    }
    let form = FORM.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok([parameters, &form].concat())
}

/// Writes the rows of an export into a file beside `path`, and gives it this name when it is whole.
pub fn write(export: Response<Body>, path: &Path) -> Result<(), ParquetError> {
    let stop = Arc::default();
    signals::stop_at(&stop).map_err(ParquetError::Signals)?;
    let failed = |error| {
        let path = path.to_owned();
        ParquetError::File { path, error }
    };
    // A link stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut file = beside(&target).map_err(failed)?;
    write_rows(export, file.as_file_mut(), &stop, failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A new file in the folder of `target`. It is removed if it does not take the place of `target`.
fn beside(target: &Path) -> io::Result<NamedTempFile> {
    let is_other = fs::metadata(target).is_ok_and(|found| !found.is_file());
    let (false, Some(name)) = (is_other, target.file_name()) else {
        return Err(io::Error::other("this is not a regular file"));
    };
    let folder = target.parent().filter(|folder| *folder != Path::new(""));
    tempfile::Builder::new()
        .prefix(name)
        .suffix(".part")
        // As of any new file: the user's umask takes away some of it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn write_rows(
    export: Response<Body>,
    file: &mut File,
    stop: &AtomicBool,
    failed: impl Fn(io::Error) -> ParquetError,
) -> Result<(), ParquetError> {
    let encoding = export.headers().get(CONTENT_ENCODING);
    if encoding.is_none_or(|encoding| encoding != "gzip") {
        return Err(ParquetError::Stranger);
    }
    let failed = |error| failed(io::Error::other(error));
    let mut file = RowFile::start(file).map_err(failed)?;
    for line in BufReader::new(GzDecoder::new(export.into_body().into_reader())).lines() {
        let line = line.map_err(ParquetError::BrokenOff)?;
        let row = serde_json::from_str(&line).map_err(|_| ParquetError::Stranger)?;
        file.add(row).map_err(failed)?;
        if stop.load(Ordering::Relaxed) {
            return Err(ParquetError::Stopped);
        }
    }
    file.finish().map_err(failed)?;
    Ok(())
}
