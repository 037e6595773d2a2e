//! The files that the arguments name. A pattern, as `'/var/log/nginx/*.log'`, names several.

use std::path::{Path, PathBuf};

use super::error::ImportError;

/// All files. A pattern without a file is an error, and a file that does not exist is in the list.
pub fn named(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut paths = Vec::new();
    for argument in arguments {
        let Some(pattern) = pattern(argument) else {
            paths.push(argument.clone());
            continue;
        };
        let matches = matches(&pattern)?;
        if matches.is_empty() {
            return Err(ImportError::NoMatch { pattern });
        }
        paths.extend(matches);
    }
    Ok(paths)
}

/// The files that exist now.
pub fn present(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut paths = Vec::new();
    for argument in arguments {
        match pattern(argument) {
            Some(pattern) => paths.extend(matches(&pattern)?),
            None if is_stream(argument) || argument.exists() => paths.push(argument.clone()),
            None => (),
        }
    }
    Ok(paths)
}

fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The argument, if it is a pattern and no file has this name.
fn pattern(argument: &Path) -> Option<String> {
    let text = argument.to_str()?;
    let is_pattern = text.contains(['*', '?', '[']) && !argument.exists();
    is_pattern.then(|| text.to_owned())
}

/// The files, without folders, in the order of their names.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, ImportError> {
    let paths = glob::glob(pattern).map_err(|error| ImportError::Pattern {
        pattern: pattern.to_owned(),
        error,
    })?;
    Ok(paths.flatten().filter(|path| !path.is_dir()).collect())
}
