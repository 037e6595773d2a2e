//! One file in MaxMind's format.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{LookupResult, Reader};
use memchr::memmem;

/// The longest file, in bytes. A longer one is refused: each instance of the app holds its files in
/// memory.
pub const FILE_BYTES_MAX: usize = 128 << 20;

pub type Record<'a> = LookupResult<'a, Vec<u8>>;

#[derive(Debug)]
pub struct File {
    reader: Reader<Vec<u8>>,
    checksum: u32,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Countries,
    Networks,
}

/// A file cannot be used: it is too long, is not in MaxMind's format, or has no record with a
/// country or a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file of {kind}: {reason}")]
pub struct BadFile {
    pub kind: FileKind,
    pub reason: String,
}

impl File {
    pub fn open(content: Vec<u8>, kind: FileKind) -> Result<Self, BadFile> {
        let bad = |reason| BadFile { kind, reason };
        let length = content.len();
        if length > FILE_BYTES_MAX {
            return Err(bad(format!(
                "it has {length} bytes, and at most {FILE_BYTES_MAX} are read"
            )));
        }
        let checksum = crc32c::crc32c(&content);
        let keys = keys(kind);
        let has_key = keys.iter().any(|key| has_key(&content, key));
        let reader = Reader::from_source(content).map_err(|error| {
            bad(format!(
                "it is damaged, or not in MaxMind's format: {error}"
            ))
        })?;
        if !has_key {
            return Err(bad(format!(
                "its records have no {kind}: none has a key {}",
                keys.join(" or ")
            )));
        }
        Ok(Self { reader, checksum })
    }

    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// None: the record cannot be found, or the file has only IPv4 and the address is IPv6.
    pub fn find(&self, ip: IpAddr) -> Option<Record<'_>> {
        self.reader.lookup(ip).ok()
    }
}

/// A record that says what is asked for has one of these keys.
fn keys(kind: FileKind) -> [&'static str; 2] {
    match kind {
        FileKind::Countries => ["country_code", "iso_code"],
        FileKind::Networks => ["autonomous_system_number", "asn"],
    }
}

/// Whether a record may have the key: the file spells it out at least once, behind a byte that says
/// that it is a text, and how long.
fn has_key(content: &[u8], key: &str) -> bool {
    const TEXT: u8 = 2 << 5;
    let spelled = [&[TEXT | key.len() as u8], key.as_bytes()].concat();
    memmem::find(content, &spelled).is_some()
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Countries => "countries",
            Self::Networks => "networks",
        })
    }
}
