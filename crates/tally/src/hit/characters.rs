//! Which characters may be in the texts of a hit.

/// `tchar` of RFC 9110, section 5.6.2.
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A reader has replaced bytes that are no UTF-8 already.
pub(super) fn is_replaced(char: char) -> bool {
    char.is_control() || char == '\u{FFFD}'
}
