//! The texts of the pages, in each language that they can have.
//!
//! A text is written in English, where it is used: `t!("Sign out")` in a template or in Rust. Values
//! take the place of each `{}`: `t!("{} requests", count)`. [`CHINESE`] has each of these texts in
//! Chinese. A text that is not there does not compile.
//!
//! A [`Text`] is kept as it is until the page is written. Only then it takes the language of the
//! reader. Everything else, as a number, an address or a name, is a `String`, and is the same in
//! every language.

mod chinese;

use std::any::Any;
use std::fmt;

use askama::filters::{Escaper, Html};
use askama::{FastWritable, Values};

use chinese::CHINESE;
use rollcall_tally::shown::shown;
use rollcall_tally::warning;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The language of a tag, as `zh-CN`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    /// An English text of the table in this language.
    fn of_text(self, english: &'static str) -> &'static str {
        let found = || CHINESE.iter().find(|(known, _)| *known == english);
        match self {
            Self::English => english,
            Self::Chinese => found().map_or(english, |(_, chinese)| chinese),
        }
    }
}

/// The values with which a page is written.
impl Values for Language {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == LANGUAGE).then_some(self)
    }
}

const LANGUAGE: &str = "language";

/// A text whose language is not chosen yet. As [`fmt::Display`], it is English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A text of the table, with a value for each `{}`. Made by `t!`.
    Known(&'static str, Vec<Text>),
    /// A text that has both languages with it.
    Both { english: String, chinese: String },
    /// The same in every language.
    Plain(String),
}

impl Text {
    pub const EMPTY: Self = Self::Plain(String::new());

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Plain(text) if text.is_empty())
    }

    fn write(&self, to: &mut dyn fmt::Write, language: Language) -> fmt::Result {
        match (self, language) {
            (Self::Known(text, values), _) => {
                let mut values = values.iter();
                for (at, part) in language.of_text(text).split("{}").enumerate() {
                    if at > 0 {
                        match values.next() {
                            Some(value) => value.write(to, language)?,
                            // The script puts its value there.
                            None => to.write_str("{}")?,
                        }
                    }
                    to.write_str(part)?;
                }
                Ok(())
            }
            (Self::Both { english, .. }, Language::English) => to.write_str(english),
            (Self::Both { chinese, .. }, Language::Chinese) => to.write_str(chinese),
            (Self::Plain(text), _) => to.write_str(text),
        }
    }
}

/// Writes a text into HTML. Characters that cannot be seen, or that turn text around, are escapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown;

impl Escaper for Shown {
    fn write_escaped_str<W: fmt::Write>(&self, to: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(to, &shown(text))
    }
}

impl FastWritable for Text {
    fn write_into(&self, to: &mut dyn fmt::Write, values: &dyn Values) -> askama::Result<()> {
        let language: &Language = askama::get_value(values, LANGUAGE)?;
        Ok(self.write(to, *language)?)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Language::English)
    }
}

/// A warning of an answer. The page says it in the language of the reader.
pub fn warned(warning: &str) -> Text {
    const {
        let mut every: &[&str] = &warning::EVERY;
        while let [text, rest @ ..] = every {
            assert!(is_known(text), "texts/chinese.rs lacks a warning");
            every = rest;
        }
    }
    match warning::read(warning) {
        Some((text, values)) => {
            Text::Known(text, values.iter().map(|value| value.text()).collect())
        }
        None => warning.text(),
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

/// A value in a text.
pub trait Say {
    fn text(&self) -> Text;
}

impl Say for Text {
    fn text(&self) -> Text {
        self.clone()
    }
}

/// A name or a number.
impl Say for str {
    fn text(&self) -> Text {
        Text::Plain(self.to_owned())
    }
}

impl Say for String {
    fn text(&self) -> Text {
        Text::Plain(self.clone())
    }
}

impl Say for u64 {
    fn text(&self) -> Text {
        Text::Plain(self.to_string())
    }
}

impl<T: Say + ?Sized> Say for &T {
    fn text(&self) -> Text {
        (*self).text()
    }
}

/// A [`Text`] of the table, with values.
macro_rules! t {
    ($english:literal $(, $value:expr)* $(,)?) => {{
        const { assert!($crate::texts::is_known($english), "texts/chinese.rs lacks this text") };
        $crate::texts::Text::Known($english, vec![$($crate::texts::Say::text(&$value)),*])
    }};
}

/// Whether the table has a text. It is asked when the app is built.
pub const fn is_known(text: &str) -> bool {
    let mut table = CHINESE;
    while let [(known, _), rest @ ..] = table {
        if is_same(known.as_bytes(), text.as_bytes()) {
            return true;
        }
        table = rest;
    }
    false
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([first, ones @ ..], [second, others @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (ones, others);
    }
    one.is_empty() && other.is_empty()
}

#[cfg(test)]
mod tests;
