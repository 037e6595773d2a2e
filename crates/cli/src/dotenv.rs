//! Reads `.env`, as Spin reads it.

use std::path::Path;

/// The value of a variable in the file `.env` of `folder`. If the name has two values, the last one
/// counts. A file with a line that is no `NAME=value` has no values.
pub fn value(folder: &Path, variable: &str) -> Option<String> {
    let lines = dotenvy::from_path_iter(folder.join(".env")).ok()?;
    let values: Vec<(String, String)> = lines.collect::<Result<_, _>>().ok()?;
    let mut found = values.into_iter().rev();
    found.find_map(|(name, value)| (name == variable).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotenv_is_read_as_spin_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expect: Option<&str>| {
            std::fs::write(folder.path().join(".env"), text).unwrap();
            assert_eq!(value(folder.path(), "A").as_deref(), expect, "{text}");
        };
        check("# comment\nexport A=\"a b\"\r\nX=1", Some("a b"));
        check("A='first'\nA=a=b\n", Some("a=b"));
        check("#A=a\nAA=a\n", None);
        check("A=1\ns3cret", None);
        check("", None);
    }

    #[test]
    fn a_folder_without_a_dotenv_has_no_values() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(value(folder.path(), "A"), None);
    }
}
