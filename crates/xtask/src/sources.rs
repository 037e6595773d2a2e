//! Finds the Debian mirror that this machine uses, in its own apt configuration. No mirror is named
//! here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// The names of Debian's suites that are the same in every release. The machine's own codename is
/// one more name.
const SUITES: [&str; 5] = ["stable", "oldstable", "testing", "unstable", "sid"];

/// The first enabled source of Debian's own `main` packages, as apt writes its address.
pub fn machine_mirror() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .unwrap_or_default();
    source_files()?
        .iter()
        .filter_map(|path| Some((path, fs::read_to_string(path).ok()?)))
        .find_map(|(path, text)| mirror(&text, path.extension().is_some_and(|e| e == "sources"), codename))
        .context("apt's configuration names no Debian mirror. Only on Debian can its packages be fetched")
}

/// The files in the order in which apt reads them: `sources.list`, then `sources.list.d` by name.
fn source_files() -> Result<Vec<PathBuf>> {
    let places = command::read_if_installed(Command::new("apt-config").args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]))?
    .context("apt is not installed. Only on Debian can its packages be fetched")?;
    let place = |name: &str| {
        places.lines().find_map(|line| {
            Some(
                line.strip_prefix(name)?
                    .strip_prefix('=')?
                    .trim_matches('\''),
            )
        })
    };
    let mut files: Vec<PathBuf> = place("LIST").map(PathBuf::from).into_iter().collect();
    if let Some(parts) = place("PARTS").and_then(|folder| fs::read_dir(Path::new(folder)).ok()) {
        let mut parts: Vec<PathBuf> = parts.filter_map(|entry| Some(entry.ok()?.path())).collect();
        parts.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
        });
        parts.sort();
        files.extend(parts);
    }
    Ok(files)
}

/// Reads one source file. It has `deb822` paragraphs, or one source a line.
fn mirror(text: &str, deb822: bool, codename: &str) -> Option<String> {
    let is_debian = |suites: &str, components: &str| {
        suites
            .split_whitespace()
            .any(|suite| SUITES.contains(&suite) || (suite == codename && !codename.is_empty()))
            && components
                .split_whitespace()
                .any(|component| component == "main")
    };
    if deb822 {
        paragraphs(text).iter().find_map(|paragraph| {
            let field = |name: &str| {
                paragraph
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.as_str())
            };
            let on = !field("enabled")
                .is_some_and(|value| matches!(value, "no" | "false" | "0" | "off"));
            let binary = field("types")?.split_whitespace().any(|kind| kind == "deb");
            let uri = field("uris")?.split_whitespace().find(|uri| usable(uri))?;
            (on && binary && is_debian(field("suites")?, field("components")?))
                .then(|| uri.to_owned())
        })
    } else {
        text.lines().find_map(|line| {
            let line = line.split('#').next()?.trim();
            let rest = line.strip_prefix("deb")?;
            let rest = rest
                .starts_with(char::is_whitespace)
                .then(|| rest.trim_start())?;
            let rest = if rest.starts_with('[') {
                rest.split_once(']')?.1.trim_start()
            } else {
                rest
            };
            let (uri, rest) = rest.split_once(char::is_whitespace)?;
            let (suite, components) = rest.trim_start().split_once(char::is_whitespace)?;
            (usable(uri) && is_debian(suite, components)).then(|| uri.to_owned())
        })
    }
}

/// Whether the source can be used. A disc cannot be used, because it has only one release.
fn usable(uri: &str) -> bool {
    !uri.starts_with("cdrom:")
}

/// The fields of each paragraph. Names are in lower case, and continued lines are joined.
fn paragraphs(text: &str) -> Vec<Vec<(String, String)>> {
    let mut paragraphs = vec![Vec::<(String, String)>::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            paragraphs.push(Vec::new());
        } else if let Some(paragraph) = paragraphs.last_mut() {
            if line.starts_with(char::is_whitespace) {
                if let Some((_, value)) = paragraph.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                paragraph.push((name.trim().to_lowercase(), value.trim().to_owned()));
            }
        }
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deb822_paragraph_gives_its_first_address() {
        let text = "Types: deb\n# a comment\nURIs: http://one.test/debian http://two.test/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n";
        assert_eq!(
            mirror(text, true, "bookworm").as_deref(),
            Some("http://one.test/debian")
        );
    }

    #[test]
    fn what_is_not_debian_or_is_switched_off_is_passed_over() {
        let text = "Types: deb\nURIs: http://other.test\nSuites: nodistro\nComponents: main\n\n\
                    Types: deb\nURIs: http://off.test\nSuites: bookworm\nComponents: main\nEnabled: no\n\n\
                    Types: deb-src\nURIs: http://source.test\nSuites: bookworm\nComponents: main\n\n\
                    Types: deb\nURIs: http://security.test\nSuites: bookworm-security\nComponents: main\n\n\
                    Types: deb deb-src\nURIs: mirror+file:/etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main\n";
        assert_eq!(
            mirror(text, true, "bookworm").as_deref(),
            Some("mirror+file:/etc/apt/mirrors/debian.list")
        );
        assert_eq!(mirror(text, true, "trixie"), None);
    }

    #[test]
    fn a_one_line_source_gives_its_address_with_or_without_options() {
        let text = "# deb http://commented.test bookworm main\n\
                    deb cdrom:[Debian_12]/ bookworm main\n\
                    deb-src http://source.test bookworm main\n\
                    deb http://cloud.test cloud-sdk-bookworm main\n\
                    deb [arch=amd64 signed-by=/k.gpg]  http://one.test/debian  bookworm  main contrib # mine\n";
        assert_eq!(
            mirror(text, false, "bookworm").as_deref(),
            Some("http://one.test/debian")
        );
        assert_eq!(
            mirror("deb http://two.test stable main", false, "").as_deref(),
            Some("http://two.test")
        );
        assert_eq!(mirror("deb http://flat.test ./", false, "bookworm"), None);
    }
}
