//! How the system does: what the store holds, what waits, what was dropped, and how the aggregator has done so far.

use rollcall_tally::report::rfc3339_text;
use rollcall_tally::{Drops, Failure};
use serde::Serialize;

use crate::clock::now_ms;
use crate::counters::{self, Counter, FanOut};
use crate::settings::Settings;
use crate::{collector, fan_out, flight, memory};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    version: &'static str,
    /// Of the keys and values in the store.
    layout_version: u32,
    /// Fold number of the newest confirmed root.
    root: u64,
    folded_at: String,
    #[serde(rename = "trackedIPs")]
    tracked_ips: u64,
    recorded_hits: u64,
    pages: u32,
    /// Numbers of the log that the root does not hold yet: batches, or places that were taken and never written.
    pending_segments: u64,
    open_segments: u64,
    /// How long ago the oldest batch came that the root does not hold; 0: it holds all.
    lag_ms: u64,
    dropped: Drops,
    cache: Cache,
    fan_out: FanOuts,
    /// Wrong tokens, since the store was filled and over all instances.
    access_denied: u64,
    batch_size: usize,
    fanout_limit: usize,
    batch_deadline_ms: u128,
    answer_deadline_ms: u128,
    min_success_rate: f64,
    generated_at: String,
}

/// Questions by where their answer was from, since the store was filled and over all instances.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    hits_memory: u64,
    hits_store: u64,
    /// Computed.
    misses: u64,
    /// Given what was computed for another one at the same time.
    collapsed: u64,
    /// Given an old answer.
    stale: u64,
    /// Not answered.
    failures: u64,
    /// Of this instance.
    memory_bytes: usize,
}

/// Since the store was filled and over all instances, but for what is in flight.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FanOuts {
    total: u64,
    batches: u64,
    batches_retried: u64,
    batches_failed: u64,
    /// Requests to the collector, of this instance.
    in_flight: u64,
    /// Questions, of this instance.
    questions_in_flight: usize,
    /// None in the last half hour.
    last: Option<FanOut>,
}

pub async fn status(settings: &Settings) -> Result<Status, Failure> {
    let ledger = collector::status().await?;
    let totals = counters::totals().await?;
    let total = |counter: Counter| totals.get(counter as usize).copied().unwrap_or_default();
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        layout_version: ledger.layout_version,
        root: ledger.snapshot.root,
        folded_at: rfc3339_text(ledger.folded_at_ms),
        tracked_ips: ledger.snapshot.ips,
        recorded_hits: ledger.snapshot.hits,
        pages: ledger.snapshot.pages,
        pending_segments: ledger.log_next.saturating_sub(ledger.log_folded),
        open_segments: ledger.log_open,
        lag_ms: ledger.lag_ms,
        dropped: ledger.snapshot.drops,
        cache: Cache {
            hits_memory: total(Counter::HitsMemory),
            hits_store: total(Counter::HitsStore),
            misses: total(Counter::Misses),
            collapsed: total(Counter::Collapsed),
            stale: total(Counter::Stale),
            failures: total(Counter::Failures),
            memory_bytes: memory::bytes(),
        },
        fan_out: FanOuts {
            total: total(Counter::FanOuts),
            batches: total(Counter::Batches),
            batches_retried: total(Counter::BatchesRetried),
            batches_failed: total(Counter::BatchesFailed),
            in_flight: fan_out::in_flight(),
            questions_in_flight: flight::under_way(),
            last: counters::last_fan_out().await?,
        },
        access_denied: total(Counter::AccessDenied),
        batch_size: settings.batch_size,
        fanout_limit: settings.fanout_limit,
        batch_deadline_ms: settings.batch_deadline.as_millis(),
        answer_deadline_ms: settings.answer_deadline.as_millis(),
        min_success_rate: settings.min_success_rate,
        generated_at: rfc3339_text(now_ms()),
    })
}
