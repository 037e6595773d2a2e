//! Lists in variables.

/// The words of a list: separated by white space or commas.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
}
