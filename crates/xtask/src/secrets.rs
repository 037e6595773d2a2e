//! The app's two tokens. They come from the environment, or else from `.env`. If neither has them,
//! they are made and kept in `.env`.
//!
//! A token that was there before is never shown, and nothing else in `.env` is touched.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::workspace::Workspace;

/// The length of a new token: 256 bits, which nobody can guess.
const TOKEN_BYTES: usize = 32;

pub struct Secret {
    /// The environment variable that Spin reads.
    pub variable: &'static str,
    pub value: String,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Environment,
    EnvFile,
    /// This run made the token, and wrote it to `.env`.
    New,
}

pub struct Secrets {
    pub admin: Secret,
    pub ingest: Secret,
}

impl Secrets {
    pub fn find_or_make(workspace: &Workspace) -> Result<Self> {
        let path = workspace.env_file();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        // The error would show the line, which may hold a token.
        let values = values_in(&text)
            .map_err(|_| anyhow!("{} has a line that is no NAME=value", path.display()))?;
        let secrets = Self {
            admin: find_or_make("SPIN_VARIABLE_ADMIN_TOKEN", &values)?,
            ingest: find_or_make("SPIN_VARIABLE_INGEST_TOKEN", &values)?,
        };
        let new: Vec<(&str, &str)> = secrets
            .both()
            .iter()
            .filter(|secret| secret.origin == Origin::New)
            .map(|secret| (secret.variable, secret.value.as_str()))
            .collect();
        if !new.is_empty() {
            replace(&path, &with_tokens(&text, &new))
                .with_context(|| format!("the tokens cannot be written to {}", path.display()))?;
        } else if secrets
            .both()
            .iter()
            .any(|secret| secret.origin == Origin::EnvFile)
        {
            warn_if_readable(&path)?;
        }
        Ok(secrets)
    }

    pub fn both(&self) -> [&Secret; 2] {
        [&self.admin, &self.ingest]
    }
}

fn find_or_make(variable: &'static str, env_file: &BTreeMap<String, String>) -> Result<Secret> {
    let in_environment = env::var(variable).ok().filter(|value| !value.is_empty());
    let in_file = env_file.get(variable).filter(|value| !value.is_empty());
    let (value, origin) = match (in_environment, in_file.cloned()) {
        (Some(value), _) => (value, Origin::Environment),
        (None, Some(value)) => (value, Origin::EnvFile),
        (None, None) => (random_token()?, Origin::New),
    };
    Ok(Secret {
        variable,
        value,
        origin,
    })
}

/// The values in the text of `.env`, read as Spin reads them: if a variable has two values, the
/// last one counts.
fn values_in(text: &str) -> dotenvy::Result<BTreeMap<String, String>> {
    dotenvy::from_read_iter(text.as_bytes()).collect()
}

/// The text with the tokens at its end. No line is changed. The last value counts, so an empty
/// value above does not matter.
fn with_tokens(text: &str, tokens: &[(&str, &str)]) -> String {
    let end = match text.ends_with('\n') || text.is_empty() {
        true => "",
        false => "\n",
    };
    let tokens = tokens
        .iter()
        .map(|(variable, token)| format!("{variable}={token}\n"));
    format!("{text}{end}{}", tokens.collect::<String>())
}

/// Random bytes of the operating system, in hex, which is safe in a header, a shell and `.env`.
pub fn random_token() -> Result<String> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no random bytes can be read from /dev/urandom")?;
    Ok(hex::encode(bytes))
}

/// Writes the file whole or not at all. Only its owner may read it. A symbolic link stays one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let path = if path.exists() {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    let unfinished = path.with_file_name(format!(".env.{}", std::process::id()));
    let write = || -> Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        Ok(())
    };
    write().inspect_err(|_| {
        // The unfinished file holds the tokens, too. If it cannot be removed either, the first
        // error says more.
        let _ = fs::remove_file(&unfinished);
    })
}

fn warn_if_readable(path: &Path) -> Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        eprintln!(
            "WARNING: other users of this machine can read {0}. `chmod 600 {0}` prevents it",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_however_it_is_written() {
        let check = |text: &str, expect: Option<&str>| {
            let values = values_in(text).unwrap();
            assert_eq!(values.get("TOKEN").map(String::as_str), expect, "{text}")
        };
        check("TOKEN=abc\n", Some("abc"));
        check("# TOKEN=no\nexport TOKEN = \"a b\"\n", Some("a b"));
        check("TOKEN='abc'", Some("abc"));
        check("TOKEN=first\nTOKEN=last\n", Some("last"));
        check("TOKENS=abc\nMY_TOKEN=abc\n", None);
        check("", None);
        assert!(values_in("TOKEN").is_err());
    }

    #[test]
    fn every_line_stays_and_a_new_token_counts_before_an_empty_one() {
        let text = "# mine\nOTHER=1\n\nTOKEN=\nLAST=2";
        let with = with_tokens(text, &[("TOKEN", "abc"), ("NEW", "def")]);
        assert_eq!(with, format!("{text}\nTOKEN=abc\nNEW=def\n"));
        assert_eq!(values_in(&with).unwrap()["TOKEN"], "abc");
        assert_eq!(with_tokens("", &[("TOKEN", "abc")]), "TOKEN=abc\n");
    }

    #[test]
    fn two_tokens_are_never_the_same() -> Result<()> {
        let (one, other) = (random_token()?, random_token()?);
        assert_eq!(one.len(), 2 * TOKEN_BYTES);
        assert_ne!(one, other);
        Ok(())
    }

    #[test]
    fn the_file_is_replaced_whole_and_for_its_owner_only() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(".env");
        fs::write(&path, "OLD=1\n")?;
        replace(&path, "NEW=1\n")?;
        assert_eq!(fs::read_to_string(&path)?, "NEW=1\n");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder)?.count(), 1);
        Ok(())
    }
}
