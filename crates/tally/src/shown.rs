//! Texts of callers, as people may see them. A caller chooses its paths and its user agent.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character cannot be seen, or changes the order of the characters around it.
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// The text with an escape, as `\u{202e}`, in place of each character that [`is_hidden`].
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match is_hidden(char) {
            true => _ = write!(shown, "{}", char.escape_unicode()),
            false => shown.push(char),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_an_escape_and_the_rest_is_as_it_was() {
        for (text, expect) in [
            ("/ä/路径?a=\u{1F600} b", "/ä/路径?a=\u{1F600} b"),
            ("/a\u{202E}gpj.exe", "/a\\u{202e}gpj.exe"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\0\r\n\u{1B}[2J", "\\u{0}\\u{d}\\u{a}\\u{1b}[2J"),
            ("\u{FEFF}\u{200B}=1", "\\u{feff}\\u{200b}=1"),
        ] {
            assert_eq!(shown(text), expect);
        }
    }
}
