//! Reads the OpenAPI file of the operator's API.
//!
//! The file is OpenAPI 3 or Swagger 2.0, as JSON or YAML. Only its paths, methods and servers are
//! read. A file that cannot be read as a whole gives no API, because hits would be counted under
//! wrong names for ever.

mod document;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use rollcall_tally::hit::{Api, Spelling};
use thiserror::Error;

use document::Document;

/// The names that the file may have.
const NAMES: [&str; 3] = ["openapi.json", "openapi.yaml", "openapi.yml"];
/// The longest file, in bytes, because each instance reads it.
const BYTES_MAX: u64 = 8 << 20;

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {reason}")]
pub struct Unusable {
    pub file: &'static str,
    pub reason: String,
}

/// Reads the file in this folder. None: there is no such file.
///
/// # Errors
/// The file cannot be used, or there are two.
pub fn load(folder: &Path, spelling: Spelling) -> Result<Option<Api>, Unusable> {
    let mut found: Option<(&'static str, Vec<u8>)> = None;
    for file in NAMES {
        let unusable = |reason| Unusable { file, reason };
        let Some(bytes) = read(&folder.join(file)).map_err(unusable)? else {
            continue;
        };
        if let Some((other, _)) = found {
            let reason = format!("there is {other}, too; leave one of them");
            return Err(unusable(reason));
        }
        found = Some((file, bytes));
    }
    let Some((file, bytes)) = found else {
        return Ok(None);
    };
    let document = match file.ends_with(".json") {
        true => Document::from_json(&bytes),
        false => Document::from_yaml(&bytes),
    };
    let api = document.and_then(|document| {
        let paths = document.paths()?;
        Api::new(paths, spelling).map_err(|bad| bad.to_string())
    });
    api.map(Some).map_err(|reason| Unusable { file, reason })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut bytes = Vec::new();
    let read = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
    match read.map_err(|error| error.to_string())? as u64 {
        ..=BYTES_MAX => Ok(Some(bytes)),
        _ => Err(format!("longer than {BYTES_MAX} bytes")),
    }
}
