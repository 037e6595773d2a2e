//! How the system does: what the store holds, what waits, what was dropped, and how the aggregator has done so far.

use serde::{Deserialize, Serialize};

use crate::contract::Drops;
use crate::report::rfc3339;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub version: String,
    /// Of the keys and values in the store.
    pub layout_version: u32,
    /// Fold number of the newest confirmed root.
    pub root: u64,
    #[serde(rename = "foldedAt", with = "rfc3339")]
    pub folded_at_ms: u64,
    #[serde(rename = "trackedIPs")]
    pub tracked_ips: u64,
    pub recorded_hits: u64,
    pub pages: u32,
    /// Numbers of the log that were taken, each for a batch.
    pub appended_segments: u64,
    /// Numbers of the log that the root does not hold yet: batches, or places that were taken and never written.
    pub pending_segments: u64,
    pub open_segments: u64,
    /// How long ago the oldest batch came that the root does not hold; 0: it holds all.
    pub lag_ms: u64,
    pub dropped: Drops,
    pub cache: CacheStatus,
    pub fan_out: FanOutStatus,
    /// Wrong tokens, since the store was filled and over all instances.
    pub access_denied: u64,
    pub batch_size: u64,
    pub fanout_limit: u64,
    pub batch_deadline_ms: u64,
    pub answer_deadline_ms: u64,
    pub min_success_rate: f64,
    #[serde(rename = "generatedAt", with = "rfc3339")]
    pub generated_at_ms: u64,
}

/// Questions by where their answer was from, since the store was filled and over all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    pub hits_memory: u64,
    pub hits_store: u64,
    /// Computed.
    pub misses: u64,
    /// Given what was computed for another one at the same time.
    pub collapsed: u64,
    /// Given an old answer.
    pub stale: u64,
    /// Not answered.
    pub failures: u64,
    /// Of this instance.
    pub memory_bytes: u64,
}

/// Since the store was filled and over all instances, but for what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOutStatus {
    pub total: u64,
    pub batches: u64,
    pub batches_retried: u64,
    pub batches_failed: u64,
    /// Requests to the collector, of this instance.
    pub in_flight: u64,
    /// Questions, of this instance.
    pub questions_in_flight: u64,
    /// None in the last half hour.
    pub last: Option<FanOut>,
}

/// How a fan-out went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOut {
    pub batches: u64,
    pub retried: u64,
    pub failed: u64,
    /// IP states that are there and could not be read.
    pub unreadable_states: u64,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    pub duration_ms: u64,
}
