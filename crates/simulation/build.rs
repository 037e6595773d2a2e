//! Makes a copy of the ledger's source. While a mutant runs, the copy lacks one safeguard.
//!
//! The text that a mutation replaces must occur exactly once. If a mutation no longer applies, the
//! build stops.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a build that cannot go on stops"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

include!("src/mutations.rs");

/// Files of the ledger that are not copied. `mutants` replaces `lib.rs`, and the mutants use
/// the original `limits.rs`.
const SHARED: [&str; 2] = ["lib.rs", "limits.rs"];

fn main() {
    let ledger = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../ledger/src");
    let out = env::var("OUT_DIR").unwrap();
    println!("cargo::rerun-if-changed=../ledger/src");
    println!("cargo::rerun-if-changed=src/mutations.rs");
    let folder = Path::new(&out).join("ledger");
    // A file that the ledger no longer has may be left from an earlier build.
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let modules = copy(&ledger, Path::new(""), &folder);
    fs::write(Path::new(&out).join("mutants.rs"), modules).unwrap();
}

/// Copies a folder of the ledger's source, and applies the mutations. Returns the declarations of
/// the folder's modules. The modules of a subfolder are declared in its `mod.rs`.
fn copy(ledger: &Path, within: &Path, out: &Path) -> String {
    fs::create_dir_all(out.join(within)).unwrap();
    let mut modules = String::new();
    for entry in fs::read_dir(ledger.join(within)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let inner = within.join(&name);
        let (module, root) = if entry.file_type().unwrap().is_dir() {
            copy(ledger, &inner, out);
            (name.as_str(), inner.join("mod.rs"))
        } else if SHARED.contains(&name.as_str()) {
            continue;
        } else {
            write_changed(ledger, &inner, out);
            (name.trim_end_matches(".rs"), inner)
        };
        writeln!(modules, "#[path = {:?}] pub mod {module};", out.join(root)).unwrap();
    }
    modules
}

fn write_changed(ledger: &Path, file: &Path, out: &Path) {
    let mut text = fs::read_to_string(ledger.join(file)).unwrap();
    // The original runs the ledger's unit tests. The copy leaves them out.
    text = text.replace("#[cfg(test)]", "#[cfg(any())]");
    for (number, mutation) in MUTATIONS.iter().enumerate() {
        let runs = format!("crate::runs({number})");
        let changes = mutation.changes.iter();
        for (_, from, to) in changes.filter(|(in_file, ..)| Path::new(in_file) == file) {
            let times = text.matches(from).count();
            assert_eq!(
                times,
                1,
                "mutation {}: {from:?} is {times} times in {}",
                mutation.name,
                file.display()
            );
            text = text.replace(from, &to.replace("MUTANT", &runs));
        }
    }
    text = text
        .replace("crate::", "crate::mutants::")
        .replace("pub(crate)", "pub")
        .replace("pub(super)", "pub");
    fs::write(out.join(file), text).unwrap();
}
