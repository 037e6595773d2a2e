//! Has the aggregator check the alerts after hits came: where nobody asks, somebody must.
//!
//! After the response, and seldom: an instance asks every ten seconds at most, and of all of them the aggregator checks once a minute. Where
//! there is no alert, nobody is asked.

use std::cell::Cell;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use rollcall_web::{call, log, variable};

/// Scope: instance. How often the aggregator is asked at most; it says itself whether a check is due.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// It answers before it checks.
const DEADLINE: Duration = Duration::from_secs(2);

thread_local! {
    static ASKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Hits were recorded.
pub fn after_hits() {
    let is_due = |asked: Instant| asked.elapsed() >= ASK_EVERY;
    if ASKED.get().is_none_or(is_due) {
        ASKED.set(Some(Instant::now()));
        spin_sdk::wasip3::spawn(ask());
    }
}

async fn ask() {
    // All thresholds in a row: empty if every rule is off.
    if variable::text("alert_thresholds").await.is_empty() {
        return;
    }
    let path = "/check-alerts-if-due";
    let asked = call::post("aggregator", path, HeaderMap::new(), "", DEADLINE).await;
    match asked.map(|answer| answer.status()) {
        Ok(StatusCode::ACCEPTED) => {}
        Ok(status) => log!(Warn, "alerts-not-checked", status = status.as_u16()),
        Err(failure) => log!(Warn, "alerts-not-checked", failure = failure),
    }
}
