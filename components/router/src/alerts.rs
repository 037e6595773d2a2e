//! Has the aggregator check the alerts after hits came, so that alerts are checked even if nobody
//! asks.
//!
//! The aggregator is asked after the response, and seldom: an instance asks at most every ten
//! seconds, and the aggregator checks once a minute. If there is no receiver, it is not asked.

use std::cell::Cell;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use rollcall_web::{call, log, variable};

/// Scope: instance. The aggregator is asked at most once in this time. It decides whether a
/// check is due.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// The aggregator answers before it checks.
const DEADLINE: Duration = Duration::from_secs(2);

thread_local! {
    static ASKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// To be called when hits were recorded.
pub fn after_hits() {
    let is_due = |asked: Instant| asked.elapsed() >= ASK_EVERY;
    if ASKED.get().is_none_or(is_due) {
        ASKED.set(Some(Instant::now()));
        spin_sdk::wasip3::spawn(ask());
    }
}

async fn ask() {
    if variable::text("alert_webhook_host").await.is_empty() {
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
