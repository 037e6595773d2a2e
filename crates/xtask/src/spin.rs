//! Finds out whether a Spin is installed that can run this app.

use std::process::Command;

use anyhow::Result;

use crate::command;

/// The first Spin with the final WASI 0.3, which the components are built against.
const OLDEST: (u32, u32) = (4, 1);

pub enum Spin {
    Usable,
    TooOld(String),
    Missing,
}

impl Spin {
    pub fn look() -> Result<Self> {
        Ok(
            match command::read_if_installed(Command::new("spin").arg("--version"))? {
                None => Self::Missing,
                Some(said) if parse(&said).is_some_and(|version| version >= OLDEST) => Self::Usable,
                Some(said) => Self::TooOld(said),
            },
        )
    }

    /// Why this Spin cannot be used. `None` if it can.
    pub fn problem(&self) -> Option<String> {
        let (major, minor) = OLDEST;
        match self {
            Self::Usable => None,
            Self::Missing => Some("not installed".to_owned()),
            Self::TooOld(said) => Some(format!(
                "{major}.{minor} or later is needed, and this is `{said}`"
            )),
        }
    }
}

/// The version in `spin 4.1.0 (0123abc 2026-08-01)`. A pre-release counts as its release.
fn parse(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().nth(1)?.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expect: Option<(u32, u32)>) {
        assert_eq!(parse(said), expect, "{said}");
    }

    #[test]
    fn the_version_is_read_from_what_spin_says() {
        check("spin 4.1.0 (0123abc 2026-08-01)", Some((4, 1)));
        check("spin 4.2.0-pre0 (0123abc 2026-08-01)", Some((4, 2)));
        check("spin 10.0", Some((10, 0)));
        check("spin", None);
        check("spin canary", None);
    }
}
