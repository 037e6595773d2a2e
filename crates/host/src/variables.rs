//! Variables: the sources of their values, and the templates that give them to components.
//!
//! A value comes from the first source that has it: the host's configuration, the environment
//! (`SPIN_VARIABLE_NAME`), the file `.env` beside the manifest, the default. All sources are read
//! once, at start. Values are never logged.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::manifest::Variable;

/// The start of the names of environment variables.
const ENV_PREFIX: &str = "SPIN_VARIABLE_";

/// The sources of values, without the defaults.
pub struct Sources<'a> {
    /// Given by the host's caller.
    pub given: &'a BTreeMap<String, String>,
    /// The environment of the process.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The contents of `.env`.
    pub dotenv: &'a BTreeMap<String, String>,
}

/// The values of an application's variables.
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Finds a value for every declared variable. If some are missing, says which, and how to give
    /// them.
    pub fn resolve(declared: &BTreeMap<String, Variable>, sources: &Sources) -> Result<Self> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            check_name(name).map_err(anyhow::Error::msg)?;
            let key = format!("{ENV_PREFIX}{}", name.to_ascii_uppercase());
            let value = sources
                .given
                .get(name)
                .cloned()
                .or_else(|| (sources.env)(&key))
                .or_else(|| sources.dotenv.get(&key).cloned())
                .or_else(|| variable.default.clone());
            match value {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => missing.push(key),
            }
        }
        ensure!(
            missing.is_empty(),
            "required variables have no value: set {} in the environment or in .env",
            missing.join(", ")
        );
        Ok(Self(values))
    }

    /// Fills in the `{{ name }}` of a template. An unknown name is an error.
    pub fn render(&self, template: &str) -> Result<String> {
        let mut rendered = String::new();
        let mut rest = template;
        while let Some((literal, tail)) = rest.split_once("{{") {
            let (name, tail) = tail
                .split_once("}}")
                .with_context(|| format!("unmatched '{{{{' in the template {template:?}"))?;
            let Some(value) = self.0.get(name.trim()) else {
                bail!("the template {template:?} names an unknown variable");
            };
            rendered.push_str(literal);
            rendered.push_str(value);
            rest = tail;
        }
        rendered.push_str(rest);
        Ok(rendered)
    }

    /// A component's own variables, rendered.
    pub fn render_all(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        templates
            .iter()
            .map(|(name, template)| {
                check_name(name).map_err(anyhow::Error::msg)?;
                Ok((name.clone(), self.render(template)?))
            })
            .collect()
    }
}

/// The values in the file `.env` of `folder`, read as Spin reads it. Without such a file, there are
/// no values. If a name has two values, the last one counts.
pub(crate) fn read_dotenv(folder: &Path) -> Result<BTreeMap<String, String>> {
    let path = folder.join(".env");
    let lines = match dotenvy::from_path_iter(&path) {
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        lines => lines.with_context(|| format!("cannot read {}", path.display()))?,
    };
    // The error would show the line, which may hold a token.
    let values: dotenvy::Result<_> = lines.collect();
    values.map_err(|_| anyhow!("{} has a line that is no NAME=value", path.display()))
}

/// Checks a variable's name, and names the error. Spin takes lower-case letters, digits, and single
/// underscores between them.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Err(format!(
            "{name:?}: must start with a lower-case ASCII letter"
        ))
    } else if !name.chars().all(allowed) {
        Err(format!(
            "{name:?}: may contain only lower-case letters, digits and underscores"
        ))
    } else if name.ends_with('_') || name.contains("__") {
        Err(format!(
            "{name:?}: underscores must be single and between other characters"
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> BTreeMap<String, Variable> {
        toml::from_str(text).unwrap()
    }

    fn resolve(
        declared: &BTreeMap<String, Variable>,
        given: &[(&str, &str)],
        env: &[(&str, &str)],
        dotenv: &[(&str, &str)],
    ) -> Result<Variables> {
        let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let (given, env, dotenv) = (owned(given), owned(env), owned(dotenv));
        let sources = Sources {
            given: &given,
            env: &|key| env.get(key).cloned(),
            dotenv: &dotenv,
        };
        Variables::resolve(declared, &sources)
    }

    #[test]
    fn the_first_source_wins() {
        let declared = declared("a = { default = \"default\" }");
        let dotenv = [("SPIN_VARIABLE_A", "dotenv")];
        let env = [("SPIN_VARIABLE_A", "env")];
        let value = |given: &[_], env: &[_], dotenv: &[_]| {
            resolve(&declared, given, env, dotenv)
                .unwrap()
                .render("<{{ a }}>")
                .unwrap()
        };
        assert_eq!(value(&[("a", "given")], &env, &dotenv), "<given>");
        assert_eq!(value(&[], &env, &dotenv), "<env>");
        assert_eq!(value(&[], &[], &dotenv), "<dotenv>");
        assert_eq!(value(&[], &[], &[]), "<default>");
    }

    #[test]
    fn a_dotenv_is_read_as_spin_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expect: Option<&str>| {
            std::fs::write(folder.path().join(".env"), text).unwrap();
            let values = read_dotenv(folder.path()).unwrap();
            assert_eq!(values.get("A").map(String::as_str), expect, "{text}");
        };
        check("# comment\nexport A=\"a b\"\r\nX=1", Some("a b"));
        check("A='first'\nA=a=b\n", Some("a=b"));
        check("#A=a\nAA=a\n", None);
        check("", None);
    }

    #[test]
    fn no_dotenv_is_an_empty_one_and_a_bad_line_is_an_error_that_does_not_show_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_dotenv(folder.path()).unwrap().is_empty());
        std::fs::write(folder.path().join(".env"), "A=1\ns3cret").unwrap();
        let error = read_dotenv(folder.path()).unwrap_err();
        assert!(!format!("{error:#}").contains("s3cret"), "{error:#}");
    }

    #[test]
    fn missing_required_variables_are_all_named() {
        let declared = declared("a = { required = true }\nb = { required = true }");
        let error = resolve(&declared, &[], &[], &[]).err().unwrap().to_string();
        assert!(
            error.contains("SPIN_VARIABLE_A, SPIN_VARIABLE_B"),
            "{error}"
        );
    }

    #[test]
    fn a_bad_template_is_an_error() {
        let variables = resolve(&declared("a = { default = \"1\" }"), &[], &[], &[]).unwrap();
        assert!(variables.render("{{ b }}").is_err());
        assert!(variables.render("{{ a").is_err());
        assert_eq!(variables.render("x{{a}}y{{ a }}").unwrap(), "x1y1");
    }

    #[test]
    fn names_are_checked_as_spin_does() {
        for good in ["a", "admin_token", "a1_b2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "1a", "a-b", "a__b", "a_", "_a"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
