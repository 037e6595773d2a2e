//! Finds a token.

use std::env;
use std::path::Path;

use crate::dotenv;

/// The environment variables from which Spin takes the app's variables.
pub const INGEST: &str = "SPIN_VARIABLE_INGEST_TOKEN";
pub const ADMIN: &str = "SPIN_VARIABLE_ADMIN_TOKEN";

/// The given token. If there is none, the token of the app, from the environment or from `.env`.
pub fn find(given: Option<String>, variable: &str) -> Option<String> {
    given
        .or_else(|| env::var(variable).ok())
        .or_else(|| in_dotenv(&env::current_dir().ok()?, variable))
        .and_then(|tokens| first(&tokens))
}

/// The first token in the app's variable. Whitespace or commas separate the tokens.
fn first(tokens: &str) -> Option<String> {
    let mut tokens = tokens.split(|c: char| c.is_whitespace() || c == ',');
    tokens.find(|token| !token.is_empty()).map(str::to_owned)
}

/// Reads `.env` in `dir`, then in the folders above it, up to the folder of the app, which has a
/// `spin.toml`. If there is no app, only `dir` is read, because a token of another program must not
/// be sent.
fn in_dotenv(dir: &Path, variable: &str) -> Option<String> {
    let depth = dir
        .ancestors()
        .position(|dir| dir.join("spin.toml").is_file())
        .unwrap_or(0);
    dir.ancestors()
        .take(depth + 1)
        .find_map(|dir| dotenv::value(dir, variable))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs;

    #[test]
    fn of_several_tokens_the_first_is_sent() {
        for tokens in ["a", " a\n", "a,b", "a b", ", a b"] {
            assert_eq!(first(tokens).as_deref(), Some("a"), "{tokens:?}");
        }
        assert_eq!(first(" ,"), None);
    }

    #[test]
    fn a_dotenv_above_the_app_is_not_looked_into() {
        let root = tempfile::tempdir().unwrap();
        let app = root.path().join("app");
        let inside = app.join("docs/deep");
        fs::create_dir_all(&inside).unwrap();
        fs::write(root.path().join(".env"), "SPIN_VARIABLE_INGEST_TOKEN=outer").unwrap();
        assert_eq!(in_dotenv(&inside, INGEST), None);
        fs::write(app.join("spin.toml"), "").unwrap();
        assert_eq!(in_dotenv(&inside, INGEST), None);
        fs::write(app.join(".env"), "SPIN_VARIABLE_INGEST_TOKEN=inner").unwrap();
        assert_eq!(in_dotenv(&inside, INGEST).as_deref(), Some("inner"));
        assert_eq!(in_dotenv(root.path(), INGEST).as_deref(), Some("outer"));
    }
}
