//! The percent-encoding of a path.

use std::fmt::Write as _;

/// Brings the percent-encoding to its one form (RFC 3986, section 6.2.2): a character that needs no
/// encoding is not encoded, and hexadecimal digits are upper-case.
pub(crate) fn normal_encoding(path: String) -> String {
    if !path.contains('%') {
        return path;
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        rest = after;
        let digits = after
            .get(..2)
            .filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte {
            None => normal.push('%'),
            Some(byte) => {
                rest = after.get(2..).unwrap_or_default();
                let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                if is_plain && !would_encode(&normal, byte) {
                    normal.push(char::from(byte));
                } else {
                    // Writing to a text does not fail.
                    let _ = write!(normal, "%{byte:02X}");
                }
            }
        }
    }
    normal.push_str(rest);
    normal
}

/// Whether a `%` at the end of a text, which encodes nothing, would encode something with this byte
/// behind it.
fn would_encode(text: &str, byte: u8) -> bool {
    let is_open = match text.as_bytes() {
        [.., b'%'] => true,
        [.., b'%', digit] => digit.is_ascii_hexdigit(),
        _ => false,
    };
    is_open && byte.is_ascii_hexdigit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_has_one_form() {
        for (path, expect) in [
            ("/%7Eada/%41", "/~ada/A"),
            ("/a%2fb%2F", "/a%2Fb%2F"),
            ("/%c3%a9", "/%C3%A9"),
            ("/%zz/%", "/%zz/%"),
            ("/%4", "/%4"),
            ("/%é", "/%é"),
            ("/%2541", "/%2541"),
            ("/%%44b", "/%%44b"),
            ("/%4%31", "/%4%31"),
            ("/%%7a", "/%z"),
        ] {
            assert_eq!(normal_encoding(path.to_owned()), expect, "{path}");
        }
    }
}
