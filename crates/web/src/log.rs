//! The log of a component: an event a line, in logfmt, on standard error.
//!
//! `level=warn event=claim-not-renewed failure="unavailable: the store is busy"`
//!
//! If a value is more than a word, it is quoted and escaped. So no text of a client makes a line or
//! a field.

use std::fmt::{Display, Write as _};
use std::io::Write as _;

/// A longer value is cut, at a character's edge, so that a client's text does not fill the log.
const VALUE_BYTES_MAX: usize = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing is wrong.
    Info,
    /// Something failed. The app goes on without it, or tries again.
    Warn,
    /// An operator must look.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Logs an event of a level with its fields: `log!(Warn, "claim-not-renewed", failure = failure)`.
#[macro_export]
macro_rules! log {
    ($level:ident, $event:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::log::write(
            $crate::log::Level::$level,
            $event,
            &[$((stringify!($name), &$value as &dyn ::std::fmt::Display)),*],
        )
    };
}

/// See [`log!`](crate::log!).
pub fn write(level: Level, event: &str, fields: &[(&str, &dyn Display)]) {
    let line = line(level, event, fields);
    // If standard error is closed, there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn line(level: Level, event: &str, fields: &[(&str, &dyn Display)]) -> String {
    let mut line = format!("level={} event={event}", level.name());
    for (name, value) in fields {
        let mut value = value.to_string();
        if value.len() > VALUE_BYTES_MAX {
            value.truncate(value.floor_char_boundary(VALUE_BYTES_MAX));
            value.push('…');
        }
        let is_word = !value.is_empty() && value.bytes().all(is_of_a_word);
        // Writing to a string does not fail.
        let _ = match is_word {
            true => write!(line, " {name}={value}"),
            false => write!(line, " {name}={value:?}"),
        };
    }
    line.push('\n');
    line
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: &str) {
        let line = line(Level::Warn, "tested", &[("value", &value), ("after", &1)]);
        assert_eq!(
            line,
            format!("level=warn event=tested value={expect} after=1\n")
        );
    }

    #[test]
    fn a_word_stands_as_it_is_and_all_else_in_quotes() {
        check("log:12", "log:12");
        check("", r#""""#);
        check("two words", r#""two words""#);
        check("é", r#""é""#);
        check("x=1", r#""x=1""#);
    }

    #[test]
    fn no_value_makes_a_line_or_a_field() {
        check("a\nlevel=error", r#""a\nlevel=error""#);
        check("a\" b=\"c", r#""a\" b=\"c""#);
        check("a\\", r#""a\\""#);
        check(
            "\r\0\u{1b}[2K\u{2028}\u{202e}",
            r#""\r\0\u{1b}[2K\u{2028}\u{202e}""#,
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        check(&"a".repeat(1_024), &"a".repeat(1_024));
        check(&"é".repeat(513), &format!("\"{}…\"", "é".repeat(512)));
    }

    #[test]
    fn the_macro_takes_any_number_of_fields() {
        crate::log!(Info, "tested");
        crate::log!(Error, "tested", one = 1, two = "two",);
    }

    proptest::proptest! {
        #[test]
        fn a_line_has_one_end_and_its_fields_alone(value: String) {
            let line = line(Level::Info, "tested", &[("value", &value)]);
            let value = line.strip_prefix("level=info event=tested value=").unwrap();
            let value = value.strip_suffix('\n').unwrap();
            proptest::prop_assert!(!value.contains(char::is_control), "{:?}", line);
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            match quoted {
                None => proptest::prop_assert!(value.bytes().all(is_of_a_word)),
                Some(quoted) => {
                    let unescaped = quoted.replace("\\\\", "").replace("\\\"", "");
                    proptest::prop_assert!(!unescaped.contains('"'), "{:?}", line);
                }
            }
        }
    }
}
