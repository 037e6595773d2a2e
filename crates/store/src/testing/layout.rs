//! Compares the bytes of every kind of stored value with the bytes that are checked in.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Write as _};
use std::path::Path;
use std::{env, fs};

use serde::Serialize;

use crate::LAYOUT;
use crate::value::{Stored, decode, encode};

/// A kind of stored value.
pub struct Kind {
    /// A key of this kind.
    pub key: &'static str,
    /// One value of this kind. Each field has a number or a text of its own.
    pub bytes: Vec<u8>,
    /// The value as text.
    pub expect: String,
    /// Reads a value and returns it as text, or returns the error.
    pub read: fn(&str, &[u8]) -> Result<String, String>,
}

impl Kind {
    pub fn new<T: Stored + Serialize + Debug>(key: &'static str, value: T) -> Self {
        Self {
            key,
            bytes: encode(key, &value).expect("a value"),
            expect: format!("{value:?}"),
            read: |key, bytes| told(decode::<T>(key, bytes)),
        }
    }
}

/// Turns a value that was read into the result of [`Kind::read`].
pub fn told(read: Result<impl Debug, impl Display>) -> Result<String, String> {
    match read {
        Ok(value) => Ok(format!("{value:?}")),
        Err(error) => Err(error.to_string()),
    }
}

const HELP: &str = "\
The bytes that this version stores are not those of its layout. A store that is in use could not be read any more, or, worse, be misread.
Was that not meant? Then undo the change. The types in `stored` are those that lie on the disk.
Was it meant? Then follow CONTRIBUTING.md, \"Change the stored layout\".";

/// Compares kinds of values with the file `tests/layouts/{layout}.values` of a crate.
///
/// The bytes must be those of the file. The bytes of the file must be read as these values. Each
/// flipped bit and each missing byte must give an error that names the key.
///
/// # Panics
/// If a comparison fails.
pub fn check_layout(crate_dir: &str, kinds: Vec<Kind>) {
    let file = Path::new(crate_dir).join(format!("tests/layouts/{LAYOUT}.values"));
    let mut written = String::new();
    for kind in &kinds {
        let hex: String = kind
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        writeln!(written, "{} {hex}", kind.key).expect("a line");
    }
    // Writes the file of a new layout, and never overwrites a file.
    if env::var_os("ROLLCALL_NEW_LAYOUT").is_some() && !file.exists() {
        fs::write(&file, &written).expect("a file");
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert!(known == written, "{}: {HELP}\n{written}", file.display());
    let known: BTreeMap<&str, &str> = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    for kind in kinds {
        let bytes = from_hex(known.get(kind.key).expect("a line"));
        let read = (kind.read)(kind.key, &bytes);
        assert_eq!(read, Ok(kind.expect), "{}: {HELP}", kind.key);
        let flipped = (0..bytes.len() * 8).map(|at| {
            let mut bytes = bytes.clone();
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte ^= 1 << (at % 8);
            }
            bytes
        });
        let cut = (0..bytes.len()).map(|end| bytes.iter().take(end).copied().collect());
        let longer = [bytes.as_slice(), &[0]].concat();
        for bytes in flipped.chain(cut).chain([longer]) {
            let error = (kind.read)(kind.key, &bytes).expect_err("damage is found");
            assert!(error.starts_with(kind.key), "{error}");
        }
    }
}

/// Reads bytes that are written as two digits each.
///
/// # Panics
/// If the text does not have this form.
pub fn from_hex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).expect("digits"), 16);
    pairs.map(|pair| byte(pair).expect("a byte")).collect()
}
