//! `GET /admin/metrics`: how Rollcall does and how much it recorded, as OpenMetrics text, for Prometheus and its like.
//!
//! Made anew for each scrape, of what is: no IP is asked for it, nothing is folded, and nothing kept. Numbers are the store's, whatever
//! instance answers, unless they say otherwise. No label is made of what a hit says: their values, and so the series, are always the same
//! few. Refuses to be cached.

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

/// The aggregator asks the store a few times, each time with a deadline of its own. Past this one it hangs.
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
