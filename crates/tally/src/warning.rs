//! The warnings of answers. Each is a text with values, so that a page can say it in another
//! language.

use std::fmt::Display;

pub const UNTRACKED: &str =
    "{} IPs are no longer tracked: an answer of the IPs lacks their {} hits";
pub const UNANSWERED: &str = "{} of {} batches of IPs did not answer";
pub const UNREADABLE: &str = "{} IP states cannot be read; the log names them";
pub const OTHER_IN_FILTER: &str = "{} hits are counted under (other), without their paths. No \
    filter by path or method matches them, so this answer may lack some of them.";
pub const OTHER_IN_API: &str = "{} hits are counted under (other), without their paths. They may \
    be calls of any operation, or of paths that are no operation.";
pub const OTHER_IN_MOVERS: &str = "{} requests are counted without their {}. A group that looks \
    new, gone, larger or smaller may have some of them.";
pub const OTHER_IN_BACKTEST: &str = "{} hits are counted without their {}, because there were too \
    many. The limit may refuse some of these hits.";
pub const LEFT_OUT: &str = "hits that labels leave out ({}) are in this answer: it takes no filter";
pub const UNCONFIRMED: &str = "The last batches are counted, but not yet confirmed.";
pub const ONE_BEHIND: &str = "1 recorded batch is not counted yet; it came {} s ago.";
pub const MANY_BEHIND: &str = "{} recorded batches are not counted yet; the oldest came {} s ago.";
pub const COUNTING: &str = "Counting them takes about {} s.";
pub const COUNTING_UNKNOWN: &str = "How long that takes is not known.";

pub const EVERY: [&str; 13] = [
    UNTRACKED,
    UNANSWERED,
    UNREADABLE,
    OTHER_IN_FILTER,
    OTHER_IN_API,
    OTHER_IN_MOVERS,
    OTHER_IN_BACKTEST,
    LEFT_OUT,
    UNCONFIRMED,
    ONE_BEHIND,
    MANY_BEHIND,
    COUNTING,
    COUNTING_UNKNOWN,
];

/// A text with a value for each `{}`.
pub fn say(text: &str, values: &[&dyn Display]) -> String {
    let mut values = values.iter();
    let mut parts = text.split("{}");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        said.extend(values.next().map(ToString::to_string));
        said.push_str(part);
    }
    said
}

/// The text and the values of a warning.
pub fn read(warning: &str) -> Option<(&'static str, Vec<&str>)> {
    let mut every = EVERY.into_iter();
    every.find_map(|text| Some((text, values(text, warning)?)))
}

fn values<'w>(text: &str, warning: &'w str) -> Option<Vec<&'w str>> {
    let mut parts = text.split("{}");
    let mut left = warning.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = match parts.peek() {
            Some(_) => left.find(part)?,
            None => left.strip_suffix(part)?.len(),
        };
        values.push(left.get(..end)?);
        left = left.get(end + part.len()..)?;
    }
    left.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_is_read_as_its_text_and_values() {
        for text in EVERY {
            let count = text.matches("{}").count();
            let values: Vec<&str> = ["12", "a host"].into_iter().take(count).collect();
            let shown: Vec<&dyn Display> =
                values.iter().map(|value| value as &dyn Display).collect();
            assert_eq!(read(&say(text, &shown)), Some((text, values)));
        }
        assert_eq!(read("another warning"), None);
    }
}
