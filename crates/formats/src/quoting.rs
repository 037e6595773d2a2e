//! Text columns: words, quoted fields and their escapes.

use std::borrow::Cow;

use hex::FromHex;

/// The part of a line that is not read yet.
pub(super) struct Rest<'a> {
    text: &'a str,
    /// No quote in the text ends a field. Then it is not looked for again, so that reading a line
    /// takes time in proportion to its length.
    is_unclosed: bool,
    /// In a longer text, the next closing bracket ends no column.
    bracket_len_max: usize,
}

impl<'a> Rest<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            is_unclosed: false,
            bracket_len_max: usize::MAX,
        }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The text up to the next space. It is empty at the end of the line, and before a quoted
    /// field.
    pub(super) fn word(&mut self) -> &'a str {
        let text = self.text.trim_ascii_start();
        if text.starts_with('"') {
            return "";
        }
        self.any_word()
    }

    /// The text up to the next space, even if it has a quote. It is empty at the end of the line.
    pub(super) fn any_word(&mut self) -> &'a str {
        let text = self.text.trim_ascii_start();
        let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        self.text = rest;
        word
    }

    /// A quoted field without its quotes and escapes. None if there is no complete one. Then
    /// nothing is read.
    ///
    /// A quote ends the field only if a space or the end of the line follows: some gateways do not
    /// escape the quotes inside a field.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let text = self.text.trim_ascii_start().strip_prefix('"')?;
        if self.is_unclosed {
            return None;
        }
        let end = end_of_quoted(text);
        self.is_unclosed = end.is_none();
        let (field, rest) = text.split_at_checked(end?)?;
        self.text = rest.strip_prefix('"')?;
        Some(unescape(field))
    }

    /// A column in brackets, without them. A space or the end of the line must follow.
    pub(super) fn bracketed(&mut self) -> Option<&'a str> {
        let text = self.text.trim_ascii_start().strip_prefix('[')?;
        if text.len() > self.bracket_len_max {
            return None;
        }
        let (inside, rest) = text.split_once(']').unwrap_or((text, ""));
        let ends = text.len() > inside.len() && (rest.is_empty() || rest.starts_with([' ', '\t']));
        if !ends {
            self.bracket_len_max = rest.len();
            return None;
        }
        self.text = rest;
        Some(inside)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.text.trim_ascii_start().is_empty()
    }
}

/// The columns of a line: words, quoted fields and text in brackets, between spaces or tabs.
pub(super) fn columns(line: &str) -> Vec<Cow<'_, str>> {
    let mut rest = Rest::new(line);
    let mut columns = Vec::new();
    while !rest.is_at_end() {
        let column = match rest.quoted() {
            Some(column) => Cow::Owned(column),
            None => Cow::Borrowed(rest.bracketed().unwrap_or_else(|| rest.any_word())),
        };
        columns.push(column);
    }
    columns
}

/// Where the quote is that ends a field. `text` begins after the first quote.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('"').map(|(at, _)| at);
    quotes.find(|&at| {
        let (before, after) = text.as_bytes().split_at_checked(at).unwrap_or_default();
        let backslashes = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        backslashes % 2 == 0 && matches!(after, [_] | [_, b' ' | b'\t', ..])
    })
}

pub(super) fn unescape(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let mut unescaped = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'\\' {
            let (byte, after) = unescape_one(rest);
            unescaped.push(byte);
            rest = after;
        } else {
            unescaped.push(byte);
        }
    }
    // Together, escaped bytes may not be valid UTF-8.
    String::from_utf8_lossy(&unescaped).into_owned()
}

/// The byte that the escape after a backslash names, and the text after the escape. If a backslash
/// escapes nothing, it stands for itself.
fn unescape_one(rest: &[u8]) -> (u8, &[u8]) {
    match rest {
        [b'x', high, low, after @ ..] => match <[u8; 1]>::from_hex([*high, *low]) {
            Ok([byte]) => (byte, after),
            Err(_) => (b'\\', rest),
        },
        [byte @ (b'"' | b'\\'), after @ ..] => (*byte, after),
        [b'b', after @ ..] => (0x08, after),
        [b't', after @ ..] => (b'\t', after),
        [b'n', after @ ..] => (b'\n', after),
        [b'v', after @ ..] => (0x0b, after),
        [b'f', after @ ..] => (0x0c, after),
        [b'r', after @ ..] => (b'\r', after),
        _ => (b'\\', rest),
    }
}
