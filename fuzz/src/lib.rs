//! What must hold for every input of a parser.
//!
//! A target takes any bytes, and panics if something does not hold. libFuzzer looks for such bytes
//! (`main.rs`). The tests try the inputs in `seeds/`, from which libFuzzer begins.

// A target ends with a panic on purpose.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

mod encodings;
mod hits;
mod memory;
mod rules;

use rollcall_formats::{Context, FieldMap, Format, LINE_FORMATS};

use self::hits::read;

/// A parser, or several that take the same inputs.
pub struct Target {
    /// The name of its folder in `seeds/`, too.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub static TARGETS: &[Target] = &[
    Target {
        name: "lines",
        run: lines,
    },
    Target {
        name: "auto",
        run: |body| read(body, Format::Auto, hits::NOW.into()),
    },
    Target {
        name: "document",
        run: |body| read(body, Format::Json, hits::NOW.into()),
    },
    Target {
        name: "map",
        run: map,
    },
    Target {
        name: "encodings",
        run: encodings::unpack,
    },
    Target {
        name: "rules",
        run: rules::check,
    },
];

/// Every format of the table reads the same lines.
fn lines(body: &[u8]) {
    for format in LINE_FORMATS {
        let format = Format::from_name(format.name).expect("a format of the table has its name");
        read(body, format, hits::NOW.into());
    }
}

/// A field map up to the end of the first line, and then lines.
fn map(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (text, body) = input.split_at(end.unwrap_or(input.len()));
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let map: Result<FieldMap, _> = text.parse();
    assert_eq!(map, text.parse(), "a map is read in one way");
    if let Ok(map) = &map {
        let map = Some(map);
        read(
            body,
            Format::Mapped,
            Context {
                map,
                ..hits::NOW.into()
            },
        );
    }
}
