//! `GET /admin/metrics`: the state of Rollcall and the recorded traffic as OpenMetrics text, for
//! Prometheus.
//!
//! The text is made anew for each scrape, and is never cached. No IP is asked for it, and nothing
//! is folded. If a family's help does not say otherwise, its numbers are the store's, so that each
//! instance gives the same. No label has a value that a client can choose. So the number of series
//! is bounded.

mod buckets;
mod page;
mod scrape;

use std::fmt::Error;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use rollcall_tally::Traffic;
use rollcall_tally::report::Status;
use rollcall_web::{Problem, Reply, call, log, reply};

use scrape::Scrape;

/// The aggregator asks the store a few times, each time with a deadline of its own. If it takes
/// longer than this, it hangs.
const DEADLINE: Duration = Duration::from_secs(15);

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn metrics() -> Result<Reply, Problem> {
    let (status, traffic) =
        call::function("aggregator", "status-and-traffic", &(), DEADLINE).await?;
    let text = written(status, traffic).map_err(|Error| {
        log!(Error, "metrics-not-written");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The metrics could not be written.",
        )
    })?;
    Ok(reply::full(StatusCode::OK, CONTENT_TYPE, text))
}

fn written(status: Status, traffic: Traffic) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("rollcall");
    registry.register_collector(Box::new(Scrape { status, traffic }));
    let mut written = String::new();
    text::encode(&mut written, &registry)?;
    Ok(written)
}
