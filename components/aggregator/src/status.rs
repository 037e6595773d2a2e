//! How the system does.

use rollcall_tally::report::rfc3339_text;
use rollcall_tally::{Drops, Failure};
use serde::Serialize;

use crate::clock::now_ms;
use crate::collector;
use crate::settings::Settings;

/// How the system does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    version: &'static str,
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
    dropped: Drops,
    batch_size: usize,
    fanout_limit: usize,
    batch_deadline_ms: u128,
    min_success_rate: f64,
    generated_at: String,
}

pub async fn status(settings: &Settings) -> Result<Status, Failure> {
    let ledger = collector::status().await?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        root: ledger.snapshot.root,
        folded_at: rfc3339_text(ledger.folded_at_ms),
        tracked_ips: ledger.snapshot.ips,
        recorded_hits: ledger.snapshot.hits,
        pages: ledger.snapshot.pages,
        pending_segments: ledger.log_next.saturating_sub(ledger.log_folded),
        open_segments: ledger.log_open,
        dropped: ledger.snapshot.drops,
        batch_size: settings.batch_size,
        fanout_limit: settings.fanout_limit,
        batch_deadline_ms: settings.batch_deadline.as_millis(),
        min_success_rate: settings.min_success_rate,
        generated_at: rfc3339_text(now_ms()),
    })
}
