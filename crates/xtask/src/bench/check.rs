//! Compares answers with the generator's own counts. If an answer is wrong, its measurement means
//! nothing. So a wrong answer ends the run.

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;

use super::data::{Counts, DAY_MS};

/// The window of a question.
#[derive(Clone, Copy)]
pub enum Window {
    Days(u64),
    All,
}

impl Window {
    /// The start of the first day of this window. A window has the buckets that start within it. At
    /// this age, a bucket is a day.
    pub fn since_ms(self, as_of_ms: u64) -> u64 {
        match self {
            Self::Days(days) => {
                let start_ms = as_of_ms.saturating_sub(days * DAY_MS);
                start_ms.div_ceil(DAY_MS) * DAY_MS
            }
            Self::All => 0,
        }
    }
}

/// Checks every count of the answer that the generator knows.
pub fn answer(answer: &Value, window: Window, counts: &Counts) -> Result<()> {
    whole(answer)?;
    let as_of = answer
        .get("asOf")
        .and_then(Value::as_str)
        .context("an answer without asOf")?;
    let as_of: Timestamp = as_of.parse().context("asOf is not a time")?;
    let since_ms = window.since_ms(as_of.as_millisecond() as u64);
    let total = counts.total(since_ms);
    if let Some(told) = answer.get("totalRequests") {
        equal("totalRequests", told.as_u64(), Some(total))?;
    }
    if let Some(countries) = answer.get("countries").and_then(Value::as_array) {
        let hits = |country: &Value| country.get("totalRequests").and_then(Value::as_u64);
        let told = countries.iter().filter_map(hits).sum();
        equal("the hits of all countries", told, total)?;
    }
    for name in ["paths", "topPaths"] {
        if answer.get(name).is_some() {
            let told = list(answer, name, "pathKey");
            equal(name, told, counts.top_paths(since_ms))?;
        }
    }
    for name in ["ips", "topIPs"] {
        if answer.get(name).is_some() {
            equal(name, list(answer, name, "ip"), counts.top_ips(since_ms))?;
        }
    }
    Ok(())
}

/// Checks that every IP that was asked has answered.
pub fn covers(answer: &Value) -> Result<()> {
    let coverage = answer.get("coverage").and_then(Value::as_f64);
    equal("coverage", coverage, Some(1.0))
}

/// Checks that the answer is complete.
pub fn whole(answer: &Value) -> Result<()> {
    covers(answer)?;
    let whole = answer.get("behind").is_none() && answer.get("stale").is_none();
    ensure!(whole, "an answer is not complete: {answer}");
    Ok(())
}

pub fn total(answer: &Value) -> Result<u64> {
    let total = answer.get("totalRequests").and_then(Value::as_u64);
    total.context("an answer without totalRequests")
}

pub fn equal<T: PartialEq + std::fmt::Debug>(what: &str, told: T, known: T) -> Result<()> {
    ensure!(
        told == known,
        "a wrong answer: {what} is {told:?}, but must be {known:?}"
    );
    Ok(())
}

fn list(answer: &Value, name: &str, key: &str) -> Vec<(String, u64)> {
    let entry = |entry: &Value| {
        let name = entry.get(key)?.as_str()?.to_owned();
        Some((name, entry.get("totalRequests")?.as_u64()?))
    };
    let entries = answer
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    entries.filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::data::Plan;

    #[test]
    fn a_wrong_count_is_found() {
        let plan = Plan {
            hits: 300,
            ips: 1,
            paths: 1,
            days: 3,
            end_ms: 1_800_000_000_000,
        };
        let mut counts = Counts::new(&plan);
        plan.hits().for_each(|hit| counts.add(&hit));
        let check = |paths: u64, total: u64| {
            let path = json!({"pathKey": "GET /api/v1/resource/0", "totalRequests": paths});
            let told = json!({
                "asOf": "2027-01-15T08:00:00Z", "coverage": 1.0, "totalRequests": total,
                "topPaths": [path]
            });
            answer(&told, Window::All, &counts).is_ok()
        };
        assert!(check(300, 300));
        assert!(!check(299, 300));
        assert!(!check(300, 301));
        let behind = json!({"asOf": "2027-01-15T08:00:00Z", "coverage": 1.0, "behind": {}});
        assert!(answer(&behind, Window::All, &counts).is_err());
    }

    #[test]
    fn a_window_begins_with_the_first_day_that_starts_in_it() {
        let noon = 1_000 * DAY_MS + DAY_MS / 2;
        assert_eq!(Window::Days(7).since_ms(noon), 994 * DAY_MS);
        assert_eq!(Window::Days(7).since_ms(1_000 * DAY_MS), 993 * DAY_MS);
        assert_eq!(Window::All.since_ms(noon), 0);
    }
}
