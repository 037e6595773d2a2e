//! A line that was refused.

use std::fmt;

/// A line that is not a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The number in the file, counted from 1.
    pub line: u64,
    pub field: Option<String>,
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: ", self.line)?;
        if let Some(field) = &self.field {
            write!(formatter, "{field}: ")?;
        }
        formatter.write_str(&self.reason)
    }
}
