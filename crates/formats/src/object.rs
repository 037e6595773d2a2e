//! Lines that are JSON objects: Rollcall's own, and those of gateways.

use std::borrow::Cow;
use std::net::IpAddr;

use hex::FromHex;

use super::flaw::Flaw;
use super::json;
use super::line_format::{LineFormat, Reader};
use super::map::FieldMap;
use super::table::LINE_FORMATS;
use super::tree::Tree;
use rollcall_tally::hit::RawHit;

/// Reads objects one after the other. It tries the format of the last one first.
#[derive(Default)]
pub(super) struct ObjectReader {
    last: Option<Known>,
    /// The client that sent the objects, if a hit without an address is its own.
    sender: Option<IpAddr>,
}

/// A format of a gateway, and its map.
struct Known {
    keys: &'static [&'static str],
    map: FieldMap,
}

impl ObjectReader {
    pub(super) fn sent_by(sender: Option<IpAddr>) -> Self {
        Self { last: None, sender }
    }

    pub(super) fn read(&mut self, line: &str) -> Result<RawHit, Flaw> {
        // An array may be written one object a line.
        let line = line.trim_end_matches(',').trim_ascii_end();
        if self.last.is_none() {
            match json::read_hit(line) {
                Ok(hit) => return Ok(hit),
                Err(flaw) if flaw.field.is_some_and(|field| field != "ip") => return Err(flaw),
                Err(_) => {}
            }
        }
        let text = repaired(line);
        match parse(&text) {
            Ok(tree) if tree.find("ip").is_none() => self.read_gateway(line, &tree),
            _ => {
                self.last = None;
                json::read_hit(line)
            }
        }
    }

    fn read_gateway(&mut self, line: &str, tree: &Tree<'_>) -> Result<RawHit, Flaw> {
        if !self
            .last
            .as_ref()
            .is_some_and(|known| has_keys(tree, known.keys))
        {
            self.last = recognise(tree);
        }
        match &self.last {
            Some(known) => known.map.read(tree),
            None => json::read_hit_of(self.sender.filter(|_| is_own(tree)), line),
        }
    }
}

/// Whether an object without an address is a hit of its sender. It must have a path, and no field
/// that a hit does not have: such a field of a log may be the caller's address, under another name.
fn is_own(tree: &Tree<'_>) -> bool {
    let names = tree.names();
    tree.find("path").is_some() && names.into_iter().all(|name| json::FIELDS.contains(&name))
}

fn recognise(tree: &Tree<'_>) -> Option<Known> {
    LINE_FORMATS.iter().find_map(|format| match format.reader {
        Reader::Map { keys, .. } if has_keys(tree, keys) => {
            let map = format.map()?;
            Some(Known { keys, map })
        }
        _ => None,
    })
}

fn has_keys(tree: &Tree<'_>, keys: &[&str]) -> bool {
    keys.iter().all(|key| tree.find(key).is_some())
}

impl LineFormat {
    /// The map of a JSON format.
    pub(super) fn map(&self) -> Option<FieldMap> {
        match self.reader {
            Reader::Map { map, .. } => map.parse().ok(),
            _ => None,
        }
    }
}

/// Reads an object with a map.
pub(super) fn read_mapped(line: &str, map: &FieldMap) -> Result<RawHit, Flaw> {
    let line = line.trim_end_matches(',').trim_ascii_end();
    map.read(&parse(&repaired(line))?)
}

/// Reads an object.
fn parse(text: &str) -> Result<Tree<'_>, Flaw> {
    if !text.starts_with('{') {
        return Err(Flaw::unreadable("expected an object"));
    }
    serde_json::from_str(text).map_err(|error| json::flaw(&error))
}

/// nginx without `escape=json` writes bytes as `\x22`, which JSON does not allow. A text without an
/// escaped backslash cannot mean anything else by it.
fn repaired(line: &str) -> Cow<'_, str> {
    if !line.contains("\\x") || line.contains("\\\\") {
        return Cow::Borrowed(line);
    }
    let mut parts = line.split("\\x");
    let mut repaired = Vec::with_capacity(line.len());
    repaired.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match part
            .split_at_checked(2)
            .map(|(hex, rest)| (<[u8; 1]>::from_hex(hex), rest))
        {
            Some((Ok([byte]), rest)) if !byte.is_ascii() => {
                repaired.push(byte);
                repaired.extend_from_slice(rest.as_bytes());
            }
            _ => {
                repaired.extend_from_slice(b"\\u00");
                repaired.extend_from_slice(part.as_bytes());
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&repaired).into_owned())
}
