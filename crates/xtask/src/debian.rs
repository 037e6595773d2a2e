//! Makes a rustc for Wasm from Debian's packages. It is unpacked below `target/`, and installed
//! nowhere.
//!
//! This rustc runs through its own dynamic loader, because it is built for a newer libc than the
//! machine's. If it compiles for the host (build scripts, procedural macros), the machine's own
//! `cc` links.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::Apt;
use crate::command;
use crate::sources;

/// The suites to look at. The first suite in which both packages have the same version is taken.
const SUITES: [&str; 2] = ["testing", "unstable"];
const PACKAGES: [&str; 2] = ["rustc", "libstd-rust-dev-wasm32"];

/// Folders in the packages that are for other targets: 216 MB that nothing needs.
const NOT_NEEDED: [&str; 2] = [
    "usr/lib/rustlib/wasm32-unknown-unknown",
    "usr/lib/rustlib/wasm32-wasip1",
];

/// The compiler inside a finished `folder`.
pub fn rustc(folder: &Path) -> PathBuf {
    folder.join("bin/rustc")
}

/// Makes `folder`, whole or not at all. A folder beside it is filled, passes `check`, and is then
/// renamed. If an interrupted run left such a folder, it is removed. If two runs come at once, the
/// second one waits, and takes the folder of the first one.
pub fn make(folder: &Path, check: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let parent = folder
        .parent()
        .context("the toolchain has no parent folder")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("{} cannot be created", parent.display()))?;
    let lock = File::create(parent.join("wasm-toolchain.lock"))?;
    lock.lock()
        .context("the toolchain's lock cannot be taken")?;
    if check(&rustc(folder)).is_ok() {
        return Ok(());
    }
    let unfinished = folder.with_extension("unfinished");
    remove(&unfinished)?;
    fs::create_dir(&unfinished)?;
    unpack_packages(&unfinished)?;
    write_wrapper(&unfinished)?;
    check(&rustc(&unfinished))?;
    remove(folder)?;
    fs::rename(&unfinished, folder)
        .with_context(|| format!("{} cannot be put in place", folder.display()))?;
    eprintln!(
        "The toolchain is in {}. Later builds need no network.",
        folder.display()
    );
    Ok(())
}

fn unpack_packages(folder: &Path) -> Result<()> {
    let mirror = sources::machine_mirror().context("no Wasm toolchain can be made")?;
    let root = folder.join("root");
    fs::create_dir(&root)?;
    for suite in SUITES {
        let work = folder.join("apt");
        let apt = Apt::open(&work, &mirror, suite)?;
        let shown = apt.show(&PACKAGES)?;
        let Some(version) = common_version(&shown, PACKAGES) else {
            eprintln!(
                "Debian {suite} does not have {} in the same version.",
                PACKAGES.join(" and ")
            );
            remove(&work)?;
            continue;
        };
        eprintln!("Fetching rustc {version} from Debian {suite} (about 200 MB, unpacked 600 MB).");
        for package in apt.download(&PACKAGES.map(|name| format!("{name}={version}")))? {
            command::run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root))?;
        }
        for other in NOT_NEEDED {
            remove(&root.join(other))?;
        }
        return remove(&work);
    }
    bail!(
        "at the moment, none of Debian's suites ({}) has {} in the same version",
        SUITES.join(", "),
        PACKAGES.join(" and ")
    )
}

/// Reads the paragraphs of `apt-cache show`. Finds the first version that both packages have.
fn common_version(shown: &str, [one, other]: [&str; 2]) -> Option<String> {
    let mut packages = Vec::new();
    for paragraph in shown.split("\n\n") {
        let field = |name: &str| {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        packages.extend(field("Package").zip(field("Version")));
    }
    let versions = |name| {
        packages
            .iter()
            .filter(move |(package, _)| *package == name)
            .map(|(_, version)| *version)
    };
    versions(one)
        .find(|version| versions(other).any(|another| another == *version))
        .map(str::to_owned)
}

/// Writes a `rustc` that finds its parts relative to itself, so that the folder can be moved.
fn write_wrapper(folder: &Path) -> Result<()> {
    let loader = find_loader(&folder.join("root/usr/lib"))?;
    let loader = loader.strip_prefix(folder)?.display().to_string();
    let libraries = Path::new(&loader)
        .parent()
        .context("the loader is in no folder")?
        .display()
        .to_string();
    let script = format!(
        "#!/bin/sh\n\
         # Debian's rustc on this machine: started through its own loader, with its own libraries.\n\
         here=$(CDPATH= cd -- \"$(dirname -- \"$0\")/..\" && pwd) || exit 1\n\
         exec \"$here/{loader}\" --argv0 rustc --library-path \"$here/{libraries}\" \\\n    \
         \"$here/root/usr/bin/rustc\" --sysroot \"$here/root/usr\" \"$@\"\n"
    );
    let path = rustc(folder);
    fs::create_dir_all(folder.join("bin"))?;
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(())
}

/// Finds the dynamic loader. It is beside the libraries, in `usr/lib/<architecture>`. Its name
/// depends on the architecture.
fn find_loader(libraries: &Path) -> Result<PathBuf> {
    for folder in fs::read_dir(libraries)?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
    {
        for file in fs::read_dir(folder.path())?.filter_map(Result::ok) {
            if file.file_name().to_string_lossy().starts_with("ld-linux") {
                return Ok(file.path());
            }
        }
    }
    bail!(
        "Debian's libc6 has no dynamic loader below {}",
        libraries.display()
    )
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: &str, expect: Option<&str>) {
        assert_eq!(common_version(shown, PACKAGES).as_deref(), expect);
    }

    #[test]
    fn a_suite_whose_two_packages_agree_is_taken() {
        check(
            "Package: rustc\nArchitecture: amd64\nVersion: 1.97.1+dfsg1-1\n\nPackage: libstd-rust-dev-wasm32\nSource: rustc\nVersion: 1.97.1+dfsg1-1\n",
            Some("1.97.1+dfsg1-1"),
        );
    }

    #[test]
    fn packages_of_different_versions_are_not_mixed() {
        check(
            "Package: rustc\nVersion: 1.98.0-1\n\nPackage: libstd-rust-dev-wasm32\nVersion: 1.97.1+dfsg1-1\n",
            None,
        );
    }

    #[test]
    fn an_older_version_that_both_have_is_found() {
        check(
            "Package: rustc\nVersion: 1.98.0-1\n\nPackage: rustc\nVersion: 1.97.1-1\n\nPackage: libstd-rust-dev-wasm32\nVersion: 1.97.1-1\n",
            Some("1.97.1-1"),
        );
    }

    #[test]
    fn a_suite_without_the_wasm_library_is_passed_over() {
        check("Package: rustc\nVersion: 1.98.0-1\n", None);
        check("", None);
    }
}
