//! Makes a copy of the ledger's source for each mutant. Each copy lacks one safeguard.
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

/// Files of the ledger that are not copied. `mutant_root!` replaces `lib.rs`, and the mutants use
/// the original `limits.rs`.
const SHARED: [&str; 2] = ["lib.rs", "limits.rs"];

fn main() {
    let ledger = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../ledger/src");
    let out = env::var("OUT_DIR").unwrap();
    println!("cargo::rerun-if-changed=../ledger/src");
    println!("cargo::rerun-if-changed=src/mutations.rs");
    let mut modules = String::new();
    for mutation in MUTATIONS {
        let folder = Path::new(&out).join(mutation.name);
        // A file that the ledger no longer has may be left from an earlier build.
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let files = copy(&ledger, Path::new(""), &folder, mutation);
        writeln!(
            modules,
            "pub mod {} {{ {files} crate::mutant_root!(); }}",
            mutation.name
        )
        .unwrap();
    }
    writeln!(
        modules,
        "crate::every_mutant!({});",
        MUTATIONS
            .iter()
            .map(|m| m.name)
            .collect::<Vec<_>>()
            .join(", ")
    )
    .unwrap();
    fs::write(Path::new(&out).join("mutants.rs"), modules).unwrap();
}

/// Copies a folder of the ledger's source, and applies the mutation. Returns the declarations of
/// the folder's modules. The modules of a subfolder are declared in its `mod.rs`.
fn copy(ledger: &Path, within: &Path, out: &Path, mutation: &Mutation) -> String {
    fs::create_dir_all(out.join(within)).unwrap();
    let mut modules = String::new();
    for entry in fs::read_dir(ledger.join(within)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let inner = within.join(&name);
        let (module, root) = if entry.file_type().unwrap().is_dir() {
            copy(ledger, &inner, out, mutation);
            (name.as_str(), inner.join("mod.rs"))
        } else if SHARED.contains(&name.as_str()) {
            continue;
        } else {
            write_changed(ledger, &inner, out, mutation);
            (name.trim_end_matches(".rs"), inner)
        };
        writeln!(modules, "#[path = {:?}] pub mod {module};", out.join(root)).unwrap();
    }
    modules
}

fn write_changed(ledger: &Path, file: &Path, out: &Path, mutation: &Mutation) {
    let mut text = fs::read_to_string(ledger.join(file)).unwrap();
    // The original runs the ledger's unit tests. The copies leave them out.
    text = text.replace("#[cfg(test)]", "#[cfg(any())]");
    for (_, from, to) in mutation
        .changes
        .iter()
        .filter(|(in_file, ..)| Path::new(in_file) == file)
    {
        let times = text.matches(from).count();
        assert_eq!(
            times,
            1,
            "mutation {}: {from:?} is {times} times in {}",
            mutation.name,
            file.display()
        );
        text = text.replace(from, to);
    }
    text = text.replace("crate::", &format!("crate::mutants::{}::", mutation.name));
    text = text
        .replace("pub(crate)", "pub")
        .replace("pub(super)", "pub");
    let copy = out.join(file);
    // If the text is unchanged, the file is not written. Otherwise the compiler would build it
    // again.
    if fs::read_to_string(&copy).ok().as_deref() != Some(&text) {
        fs::write(&copy, text).unwrap();
    }
}
