//! Reads the record of one address. A value of the wrong type is unknown.

use maxminddb::PathElement::{self, Key};

use crate::file::Record;

/// The longest name of a network, in bytes, because it is repeated in every answer. A longer one is
/// cut at the edge of a character.
pub const NETWORK_BYTES_MAX: usize = 128;

type Path = [PathElement<'static>];

const COUNTRY: [&Path; 3] = [
    &[Key("country_code")],
    &[Key("country"), Key("iso_code")],
    &[Key("registered_country"), Key("iso_code")],
];
const NUMBER: &Path = &[Key("autonomous_system_number")];
const NUMBER_AS_TEXT: &Path = &[Key("asn")];
const NAME: [&Path; 2] = [&[Key("autonomous_system_organization")], &[Key("as_name")]];

pub fn country(record: &Record) -> Option<String> {
    COUNTRY
        .into_iter()
        .find_map(|path| country_code(text(record, path)?))
}

/// A code of two characters, upper-cased.
fn country_code(code: &str) -> Option<String> {
    let is_code = match code.as_bytes() {
        [first, second] => first.is_ascii_alphabetic() && second.is_ascii_alphanumeric(),
        _ => false,
    };
    is_code.then(|| code.to_ascii_uppercase())
}

/// Number and name of a network. If the number is missing or 0, there is no network. If the name is
/// missing, there is only the number.
pub fn network(record: &Record) -> Option<String> {
    let number = record.decode_path(NUMBER).ok().flatten();
    let number = number.or_else(|| number_of(text(record, NUMBER_AS_TEXT)?));
    let number = number.filter(|number| *number != 0)?;
    let name = NAME.into_iter().find_map(|path| text(record, path));
    let mut network = format!("AS{number} {}", name.unwrap_or_default().trim())
        .trim_end()
        .replace(char::is_control, "\u{FFFD}");
    network.truncate(network.floor_char_boundary(NETWORK_BYTES_MAX));
    Some(network)
}

/// The number of a text as `AS13335`.
fn number_of(text: &str) -> Option<u32> {
    text.strip_prefix("AS")?.parse().ok()
}

fn text<'a>(record: &Record<'a>, path: &Path) -> Option<&'a str> {
    record.decode_path(path).ok().flatten()
}
