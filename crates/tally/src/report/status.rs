//! How the system does: what the store holds, what waits, what was dropped, and how the aggregator has done so far.

use serde::{Deserialize, Serialize};

use crate::contract::Drops;
use crate::report::rfc3339;

/// How the system does. What is counted is counted since the store was filled and over all instances, a moment late.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Of the keys and values in the store.
    pub layout_version: u32,
    /// The IANA's name of the time zone whose days are counted. An empty store takes it from `time_zone`, and keeps it.
    pub time_zone: String,
    /// Fold number of the newest confirmed root.
    pub root: u64,
    /// When the last fold was.
    #[serde(rename = "foldedAt", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub folded_at_ms: u64,
    /// IPs in the root.
    #[serde(rename = "trackedIPs")]
    pub tracked_ips: u64,
    /// Hits counted since the beginning, evicted ones too.
    pub recorded_hits: u64,
    /// Of the root: shares of the IPs by hash.
    pub shards: u32,
    /// Numbers of the log that were taken, each for a batch.
    pub appended_segments: u64,
    /// Numbers of the log that the root does not hold yet: batches, or places that were taken and never written.
    pub pending_segments: u64,
    /// Numbers of the log that were taken and not written, yet or ever.
    pub open_segments: u64,
    /// How long ago the oldest batch came that the root does not hold; 0: it holds all.
    pub lag_ms: u64,
    pub folds: FoldStatus,
    pub dropped: Drops,
    pub cache: CacheStatus,
    pub fan_out: FanOutStatus,
    /// Wrong tokens, since the store was filled and over all instances.
    pub access_denied: u64,
    /// As configured, as are those that follow.
    pub batch_size: u64,
    pub fanout_limit: u64,
    pub batch_deadline_ms: u64,
    pub answer_deadline_ms: u64,
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub min_success_rate: f64,
    /// When the answer was made.
    #[serde(rename = "generatedAt", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at_ms: u64,
}

/// How recorded batches get into the answers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoldStatus {
    /// Folds begun since the last that was confirmed. One may be under way; the others were lost.
    pub lost: u64,
    /// How long the last fold took.
    pub last_duration_ms: u64,
    /// How many batches it took.
    pub last_batches: u64,
    /// Folds, lost ones too, of which something is still to be deleted, at once or in two minutes.
    pub uncleaned: u64,
}

/// Questions by where their answer was from, since the store was filled and over all instances.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    /// From the memory of an instance.
    pub hits_memory: u64,
    /// From the store.
    pub hits_store: u64,
    /// Computed.
    pub misses: u64,
    /// Given what was computed for another one at the same time.
    pub collapsed: u64,
    /// Given an old answer.
    pub stale: u64,
    /// Not answered.
    pub failures: u64,
    /// Bytes of the answers in memory, of this instance.
    pub memory_bytes: u64,
}

/// Questions put to the IPs, since the store was filled and over all instances, but for what is in flight.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOutStatus {
    /// Fan-outs.
    pub total: u64,
    /// Batches of IPs.
    pub batches: u64,
    /// Batches that were asked once more.
    pub batches_retried: u64,
    /// Batches that did not answer.
    pub batches_failed: u64,
    /// Requests to the collector, of this instance.
    pub in_flight: u64,
    /// Questions, of this instance.
    pub questions_in_flight: u64,
    /// The last one; `null` if there was none in half an hour.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last: Option<FanOut>,
}

/// How a fan-out went.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOut {
    /// Batches of IPs.
    pub batches: u64,
    /// Batches that were asked once more.
    pub retried: u64,
    /// Batches that did not answer.
    pub failed: u64,
    /// IP states that are there and could not be read.
    pub unreadable_states: u64,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    pub duration_ms: u64,
}
