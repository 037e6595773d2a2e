//! Variables of the app.

use std::fmt::Display;
use std::str::FromStr;

use crate::log;

/// A variable's value. Empty if the variable is not set or cannot be read.
pub async fn text(name: &str) -> String {
    match spin_sdk::variables::get(name).await {
        Ok(value) => value,
        Err(error) => {
            log!(Error, "variable-not-read", variable = name, error = error);
            String::new()
        }
    }
}

/// A variable's value, if it is within its range. If it is not, `default`, and the log says so.
pub async fn number<T>(name: &str, default: T, range: std::ops::RangeInclusive<T>) -> T
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let text = text(name).await;
    match text.parse::<T>() {
        Ok(value) if range.contains(&value) => value,
        _ => {
            let (from, to) = (range.start(), range.end());
            log!(
                Error,
                "variable-not-used",
                variable = name,
                from = from,
                to = to,
                got = text,
                using = default
            );
            default
        }
    }
}

/// A variable's value, if it is within its range. None if it is empty. Any other value is an error
/// that says so.
pub async fn number_if_any<T>(
    name: &str,
    range: std::ops::RangeInclusive<T>,
) -> Result<Option<T>, String>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let text = text(name).await;
    match text.parse::<T>() {
        _ if text.is_empty() => Ok(None),
        Ok(value) if range.contains(&value) => Ok(Some(value)),
        _ => {
            let (from, to) = (range.start(), range.end());
            Err(format!("{name}: expected {from} to {to}, got {text:?}"))
        }
    }
}
