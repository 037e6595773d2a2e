//! Conditions as texts. A condition has one value or several: `GET|PUT` holds for each of them,
//! `!GET|PUT` for all others. A `\` before `!`, `|` or `\` takes that character as it is.

use std::borrow::Cow;

/// The most values of a condition.
pub const VALUES_MAX: usize = 20;

/// Reads each value of a condition, and writes them in their one spelling.
///
/// # Errors
/// A value is none. The error says which text was expected.
pub fn read_values(
    text: &str,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let (is_not, values) = split(text);
    let mut known = Vec::new();
    for value in values {
        known.push(read(&value)?);
    }
    if known.len() > VALUES_MAX {
        return Err(format!("expected at most {VALUES_MAX} values"));
    }
    known.sort_unstable();
    known.dedup();
    Ok(spell(is_not, known.iter().map(|value| literal(value))))
}

/// The condition with these values, each as a condition spells it.
pub fn spell(is_not: bool, values: impl Iterator<Item = String>) -> String {
    let not = if is_not { "!" } else { "" };
    format!("{not}{}", values.collect::<Vec<_>>().join("|"))
}

/// A value as a condition spells it.
pub fn literal(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('|', "\\|");
    match escaped.starts_with('!') {
        true => format!("\\{escaped}"),
        false => escaped,
    }
}

/// The condition with one more value that must not hold. Values that had to hold are dropped.
pub fn exclude(condition: Option<&str>, value: &str) -> String {
    match condition.filter(|known| known.starts_with('!')) {
        Some(known) => format!("{known}|{}", literal(value)),
        None => format!("!{}", literal(value)),
    }
}

/// Whether the condition is one on values that must not hold, and the values.
pub fn split(condition: &str) -> (bool, Values<'_>) {
    match condition.strip_prefix('!') {
        Some(values) => (true, Values(Some(values))),
        None => (false, Values(Some(condition))),
    }
}

/// The values of a condition.
pub struct Values<'t>(Option<&'t str>);

impl<'t> Iterator for Values<'t> {
    type Item = Cow<'t, str>;

    fn next(&mut self) -> Option<Cow<'t, str>> {
        let rest = self.0.take()?;
        let mut value = Cow::Borrowed("");
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '|' => {
                    self.0 = rest.get(at + 1..);
                    return Some(value);
                }
                '\\' => {
                    let next = characters.clone().next();
                    let escaped = next.filter(|(_, next)| ['!', '|', '\\'].contains(next));
                    value.to_mut().push(escaped.map_or('\\', |(_, next)| next));
                    if escaped.is_some() {
                        characters.next();
                    }
                }
                _ => match &mut value {
                    Cow::Borrowed(known) => *known = rest.get(..at + character.len_utf8())?,
                    Cow::Owned(known) => known.push(character),
                },
            }
        }
        Some(value)
    }
}

/// Whether a condition holds. `fits` says whether one value does.
pub fn holds(condition: Option<&String>, mut fits: impl FnMut(&str) -> bool) -> bool {
    condition.is_none_or(|condition| {
        let (is_not, mut values) = split(condition);
        values.any(|value| fits(&value)) != is_not
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_excluded_beside_those_that_are_excluded_already() {
        assert_eq!(exclude(None, "/a|b"), r"!/a\|b");
        assert_eq!(exclude(Some("/a"), "/b"), "!/b");
        assert_eq!(exclude(Some("!/a"), "!b"), r"!/a|\!b");
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_as_it_is_comes_out_as_it_is(values in proptest::collection::vec(r"[!|\\ab]{0,5}", 1..4)) {
            let text = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|");
            for text in [text.clone(), format!("!{text}")] {
                let (_, read) = split(&text);
                proptest::prop_assert!(read.eq(values.iter().map(String::as_str)), "{}", text);
            }
        }
    }
}
