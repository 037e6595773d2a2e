//! Variables of the app.
//!
//! Reading a variable may be slow. Some hosts ask another server. Spin blocks a thread for a
//! variable of the environment. A request reads up to a dozen variables. So an instance remembers
//! them for a moment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::log;

/// A value is not read again for this long. A new value, such as a new token, counts after this
/// time.
const REMEMBERED: Duration = Duration::from_secs(1);

thread_local! {
    /// Scope: instance. The values that were read, and when.
    static VALUES: RefCell<BTreeMap<String, (Instant, String)>> = const { RefCell::new(BTreeMap::new()) };
}

/// A variable's value. Empty if the variable is not set or cannot be read.
pub async fn text(name: &str) -> String {
    if let Some(value) = remembered(name) {
        return value;
    }
    match spin_sdk::variables::get(name).await {
        Ok(value) => {
            let read = (Instant::now(), value.clone());
            VALUES.with_borrow_mut(|values| values.insert(name.to_owned(), read));
            value
        }
        Err(error) => {
            log!(Error, "variable-not-read", variable = name, error = error);
            String::new()
        }
    }
}

fn remembered(name: &str) -> Option<String> {
    VALUES.with_borrow(|values| {
        let (read, value) = values.get(name)?;
        (read.elapsed() < REMEMBERED).then(|| value.clone())
    })
}

/// A variable's value. If it is not within its range, `default` is used, and the log says so.
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

/// A variable's value. `None`: the variable is empty. A value that is not within its range is an
/// error that says so.
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
