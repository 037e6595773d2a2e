//! What a format of lines is.

use super::flaw::Flaw;
use rollcall_tally::hit::RawHit;

/// A format whose hits are lines.
#[derive(Debug)]
pub struct LineFormat {
    /// The value of `?format=`.
    pub name: &'static str,
    /// Further values of `?format=`.
    pub aliases: &'static [&'static str],
    /// The name for people.
    pub title: &'static str,
    pub(super) reader: Reader,
}

/// How a line is recognised and read.
#[derive(Debug)]
pub(super) enum Reader {
    /// Rollcall's own JSON.
    Own,
    /// A JSON object with fields of other names.
    Map {
        /// An object that has all these keys is of this format.
        keys: &'static [&'static str],
        /// Of [`super::FieldMap`].
        map: &'static str,
    },
    /// Columns that an earlier line names.
    Fields,
    /// Text, without the prefix of a log driver.
    Text {
        recognises: fn(&str) -> bool,
        read: fn(&str) -> Result<RawHit, Flaw>,
    },
}

impl LineFormat {
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The values of `?format=`, the best one first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl PartialEq for LineFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for LineFormat {}
