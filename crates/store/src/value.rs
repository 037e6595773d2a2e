//! The form of every stored value.
//!
//! | bytes | content |
//! |---|---|
//! | 0 | the layout that the value belongs to: [`LAYOUT`] |
//! | 1 to 4 | CRC-32C of the key, byte 0 and the content, little-endian |
//! | from 5 | the content, as postcard |
//!
//! Each flipped bit is found, and so is a value under a wrong key. The error names the key.
//! Counters do not have this form: the store has its own.
//!
//! If a value is too long for one key, a head stands in its place. Byte 0 of a head has
//! [`IN_PIECES`], too. The ledger's `pieces` has the rest.
//!
//! A newer layout may change the content freely. It keeps bytes 0 to 4 as they are.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// The version of all keys and values. A store has one version: see `meta` in the ledger.
///
/// CONTRIBUTING.md, "Change the stored layout", says how to raise it.
pub const LAYOUT: u8 = 11;

/// Byte 0 of a head has this bit, too: the value is in pieces under other keys.
const IN_PIECES: u8 = 0x80;

/// The content begins after this many bytes.
const HEAD_BYTES: usize = 5;

/// A type of stored values.
pub trait Stored: DeserializeOwned {
    /// The oldest layout in which values of this type have their present bytes. It is a number,
    /// never [`LAYOUT`]: the next layout would make the values of this one unreadable.
    const SINCE: u8;
}

/// The reason for which a stored value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// The bytes are not those that were written under this key.
    #[error("{key}: {reason}")]
    Damaged { key: String, reason: String },
    /// The bytes are whole, but another version of Rollcall wrote them.
    #[error("{key} has layout {layout}, and this Rollcall has layout {LAYOUT}")]
    OtherLayout { key: String, layout: u8 },
}

/// Encodes a value in its stored form.
pub fn encode<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, Unreadable> {
    let head = [LAYOUT, 0, 0, 0, 0];
    let bytes = postcard::to_extend(value, head.to_vec());
    Ok(sealed(
        key,
        bytes.map_err(|error| damaged(key, error.to_string()))?,
    ))
}

/// Encodes a content that is not postcard: `write` appends it.
pub fn encode_with(key: &str, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![LAYOUT, 0, 0, 0, 0];
    write(&mut bytes);
    sealed(key, bytes)
}

/// The head of a value that is in pieces: it has their number, as four bytes, little-endian.
pub fn encode_head(key: &str, pieces: u32) -> Vec<u8> {
    let mut bytes = vec![LAYOUT | IN_PIECES, 0, 0, 0, 0];
    bytes.extend(pieces.to_le_bytes());
    sealed(key, bytes)
}

/// The number of pieces, if this is a head. A damaged head is none: reading it as a value is an
/// error.
pub fn pieces_of(key: &str, bytes: &[u8]) -> Option<u32> {
    let layout = bytes.first()? ^ IN_PIECES;
    if layout > LAYOUT {
        return None;
    }
    let (_, content) = opened(key, bytes).ok()?;
    Some(u32::from_le_bytes(content.try_into().ok()?))
}

/// Decodes a value from its stored form.
pub fn decode<T: Stored>(key: &str, bytes: &[u8]) -> Result<T, Unreadable> {
    decode_as(key, bytes, T::SINCE, |content| {
        postcard::take_from_bytes(content)
    })
}

/// Decodes a value of a type that borrows from the bytes. The type has had the same bytes since the
/// layout `since`.
pub fn decode_as<'b, T>(
    key: &str,
    bytes: &'b [u8],
    since: u8,
    read: impl FnOnce(&'b [u8]) -> postcard::Result<(T, &'b [u8])>,
) -> Result<T, Unreadable> {
    match read(content(key, bytes, since)?) {
        Ok((value, [])) => Ok(value),
        Ok((_, more)) => Err(damaged(key, format!("{} bytes too many", more.len()))),
        Err(error) => Err(damaged(key, error.to_string())),
    }
}

/// The content of a value that was stored under this key. Its layout must be `since` or newer, and
/// not newer than [`LAYOUT`].
pub fn content<'b>(key: &str, bytes: &'b [u8], since: u8) -> Result<&'b [u8], Unreadable> {
    match opened(key, bytes)? {
        (layout, content) if (since..=LAYOUT).contains(&layout) => Ok(content),
        (layout, _) => Err(other_layout(key, layout)),
    }
}

/// The layout of a stored value.
pub fn layout_of(key: &str, bytes: &[u8]) -> Result<u8, Unreadable> {
    Ok(opened(key, bytes)?.0)
}

/// The same value under another key. An error if it is damaged.
pub fn resealed(from: &str, to: &str, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    opened(from, bytes)?;
    Ok(sealed(to, bytes.to_vec()))
}

fn opened<'b>(key: &str, bytes: &'b [u8]) -> Result<(u8, &'b [u8]), Unreadable> {
    let &[layout, a, b, c, d, ref content @ ..] = bytes else {
        return Err(damaged(key, format!("only {} bytes", bytes.len())));
    };
    if checksum(key, layout, content) != u32::from_le_bytes([a, b, c, d]) {
        return Err(damaged(key, "the checksum is wrong"));
    }
    Ok((layout, content))
}

/// Writes the checksum into its place.
fn sealed(key: &str, mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((head, content)) = bytes.split_at_mut_checked(HEAD_BYTES)
        && let [layout, place @ ..] = head
    {
        place.copy_from_slice(&checksum(key, *layout, content).to_le_bytes());
    }
    bytes
}

fn checksum(key: &str, layout: u8, content: &[u8]) -> u32 {
    let of_key = crc32c::crc32c(key.as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(of_key, &[layout]), content)
}

fn other_layout(key: &str, layout: u8) -> Unreadable {
    let key = key.to_owned();
    Unreadable::OtherLayout { key, layout }
}

/// The error for a value that cannot be read under a key, with the reason.
pub fn damaged(key: &str, reason: impl Into<String>) -> Unreadable {
    let (key, reason) = (key.to_owned(), reason.into());
    Unreadable::Damaged { key, reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Stored for (u64, String) {
        const SINCE: u8 = LAYOUT;
    }

    impl Stored for u64 {
        const SINCE: u8 = LAYOUT - 1;
    }

    fn is_damaged(key: &str, bytes: &[u8]) -> bool {
        let read = decode::<(u64, String)>(key, bytes);
        matches!(read, Err(Unreadable::Damaged { key: named, .. }) if named == key)
    }

    #[test]
    fn a_value_written_is_read_back_under_its_key_alone() {
        let value = (7u64, "a path".to_owned());
        let bytes = encode("k", &value).unwrap();
        assert_eq!(decode("k", &bytes), Ok(value));
        assert!(is_damaged("another", &bytes));
    }

    #[test]
    fn each_flipped_bit_is_found_and_is_never_another_layout() {
        let bytes = encode("k", &(7u64, "a path".to_owned())).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(is_damaged("k", &flipped), "bit {at}");
        }
    }

    #[test]
    fn a_value_cut_short_or_too_long_is_damaged() {
        let bytes = encode("k", &(7u64, "a path".to_owned())).unwrap();
        for end in 0..bytes.len() {
            assert!(is_damaged("k", &bytes[..end]), "{end} bytes");
        }
        assert!(is_damaged("k", &[bytes.as_slice(), &[0]].concat()));
        let more = encode("k", &(7u64, "a path".to_owned(), 1u8)).unwrap();
        assert!(is_damaged("k", &more));
    }

    #[test]
    fn a_value_is_read_if_its_bytes_are_the_same_since_its_layout() {
        let of = |layout| {
            let mut bytes = encode("k", &7u64).unwrap();
            bytes[0] = layout;
            sealed("k", bytes)
        };
        for layout in [LAYOUT - 1, LAYOUT] {
            assert_eq!(decode::<u64>("k", &of(layout)), Ok(7));
            assert_eq!(layout_of("k", &of(layout)), Ok(layout));
        }
        for layout in [LAYOUT - 2, LAYOUT + 1] {
            assert_eq!(
                decode::<u64>("k", &of(layout)),
                Err(other_layout("k", layout))
            );
        }
    }

    #[test]
    fn a_head_is_no_value_and_a_value_is_no_head() {
        let head = encode_head("k", 7);
        assert_eq!(head, [0x8B, 218, 52, 150, 114, 7, 0, 0, 0]);
        assert_eq!(pieces_of("k", &head), Some(7));
        assert_eq!(decode::<u64>("k", &head), Err(other_layout("k", 0x8B)));
        // A head of layout 10.
        let older = [0x8A, 118, 91, 135, 74, 7, 0, 0, 0];
        assert_eq!(pieces_of("k", &older), Some(7));
        assert_eq!(pieces_of("another", &head), None);
        assert_eq!(pieces_of("k", &encode("k", &7u64).unwrap()), None);
        for at in 0..head.len() * 8 {
            let mut flipped = head.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert_eq!(pieces_of("k", &flipped), None, "bit {at}");
            assert!(is_damaged("k", &flipped), "bit {at}");
        }
    }

    #[test]
    fn a_content_of_any_form_is_sealed_as_well() {
        let bytes = encode_with("k", |bytes| bytes.extend([1, 2, 3]));
        assert_eq!(content("k", &bytes, LAYOUT), Ok([1, 2, 3].as_slice()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_a_value_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode::<(u64, String)>("k", &bytes);
        }
    }
}
