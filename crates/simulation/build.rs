//! Makes a copy of the ledger's source for each mutant, with one safeguard taken out.
//!
//! The text to take out must be there exactly once: a mutation that no longer applies stops the build.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a build that cannot go on stops"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

include!("src/mutations.rs");

/// Files of the ledger that mutants share with the original: what the simulator hands in.
const SHARED: [&str; 3] = ["lib.rs", "limits.rs", "store.rs"];

fn main() {
    let ledger = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../ledger/src");
    let out = env::var("OUT_DIR").unwrap();
    println!("cargo::rerun-if-changed=../ledger/src");
    println!("cargo::rerun-if-changed=src/mutations.rs");
    let mut modules = String::new();
    for mutation in MUTATIONS {
        let folder = Path::new(&out).join(mutation.name);
        fs::create_dir_all(&folder).unwrap();
        let mut files = String::new();
        for entry in fs::read_dir(&ledger).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            if SHARED.contains(&file.as_str()) {
                continue;
            }
            let mut text = fs::read_to_string(&path).unwrap();
            // Its tests are the original's.
            text.truncate(text.find("\n#[cfg(test)]").unwrap_or(text.len()));
            for (_, from, to) in mutation
                .changes
                .iter()
                .filter(|(in_file, ..)| *in_file == file)
            {
                let times = text.matches(from).count();
                assert_eq!(
                    times, 1,
                    "mutation {}: {from:?} is {times} times in {file}",
                    mutation.name
                );
                text = text.replace(from, to);
            }
            text = text.replace("crate::", &format!("crate::mutants::{}::", mutation.name));
            text = text.replace("pub(crate)", "pub");
            let copy = folder.join(&file);
            // The same text again would have the compiler start over.
            if fs::read_to_string(&copy).ok().as_deref() != Some(&text) {
                fs::write(&copy, text).unwrap();
            }
            let module = file.trim_end_matches(".rs");
            writeln!(
                files,
                "#[path = {:?}] pub mod {module};",
                copy.to_str().unwrap()
            )
            .unwrap();
        }
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
