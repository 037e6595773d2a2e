//! The lines of a W3C Extended Log that later lines need: `#Fields` names their columns, and
//! `#Date` is their date. They are sent before each later batch.

use serde::{Deserialize, Serialize};

const FIELDS: &[u8] = b"#Fields";
const DATE: &[u8] = b"#Date";
/// A longer line is not remembered. It would be most of each request.
const BYTES_MAX: usize = 16 * 1024;

/// The last such lines before a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directives {
    fields: Option<String>,
    date: Option<String>,
}

impl Directives {
    /// Remembers the line, if later lines need it.
    pub fn note(&mut self, line: &[u8]) {
        let place = if line.starts_with(FIELDS) {
            &mut self.fields
        } else if line.starts_with(DATE) {
            &mut self.date
        } else {
            return;
        };
        if line.len() <= BYTES_MAX {
            *place = Some(String::from_utf8_lossy(line).into_owned());
        }
    }

    pub fn lines(&self) -> impl Iterator<Item = &str> {
        [&self.fields, &self.date]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}
