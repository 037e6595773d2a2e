//! The state of the system: the contents of the store, the batches that wait, the hits and IPs that
//! were dropped, and how the aggregator answered so far.

use serde::{Deserialize, Serialize};

use crate::contract::{Drops, Repairs};
use crate::report::rfc3339;

/// The state of the system. Counts are since the store was filled, and over all instances. They are
/// a moment late.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// The version of the keys and values in the store.
    pub layout_version: u32,
    /// The IANA name of the time zone whose days are counted. An empty store takes it from
    /// `time_zone`, and keeps it.
    pub time_zone: String,
    /// Fold number of the newest confirmed root.
    pub root: u64,
    /// When the last fold was made.
    #[serde(rename = "foldedAt", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub folded_at_ms: u64,
    /// IPs in the root.
    #[serde(rename = "trackedIPs")]
    pub tracked_ips: u64,
    /// Hits counted since the beginning, including those of evicted IPs.
    pub recorded_hits: u64,
    /// The number of shards of the root. A shard is a share of the IPs, by hash.
    pub shards: u32,
    /// Numbers of the log that were taken. Each is for one batch.
    pub appended_segments: u64,
    /// Numbers of the log that the root does not hold yet. A number has a batch, or it was taken
    /// and never written.
    pub pending_segments: u64,
    /// Numbers of the log that were taken and are not written. Some may never be.
    pub open_segments: u64,
    /// How long ago the oldest batch came that the root does not hold. 0: the root holds all.
    pub lag_ms: u64,
    pub folds: FoldStatus,
    pub dropped: Drops,
    pub repaired: Repairs,
    pub cache: CacheStatus,
    pub fan_out: FanOutStatus,
    /// Requests with a wrong token, since the store was filled and over all instances.
    pub access_denied: u64,
    pub refused_requests: RefusedRequests,
    /// This field and the four after it are as configured.
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

/// Requests to record that were refused with a 429, because more came than could be taken. Counts are
/// since the store was filled and over all instances.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedRequests {
    /// As many batches as may waited for a fold: `max_pending_segments`.
    pub backlog: u64,
    /// The token had reached its rate: `ingest_rate`.
    pub rate: u64,
}

/// How batches come into the answers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoldStatus {
    /// Folds begun since the last confirmed one. One of them may be under way. The others were
    /// lost.
    pub lost: u64,
    /// How long the last fold took.
    pub last_duration_ms: u64,
    /// Batches in the last fold.
    pub last_batches: u64,
    /// Folds, including lost ones, that still have values to delete. They are deleted at once or
    /// within two minutes.
    pub uncleaned: u64,
}

/// Questions by the source of their answer, since the store was filled and over all instances.
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
    /// The answer was computed for another question at the same time.
    pub collapsed: u64,
    /// An old answer was given.
    pub stale: u64,
    /// No answer was given.
    pub failures: u64,
    /// Bytes of the answers in memory, of this instance.
    pub memory_bytes: u64,
}

/// Questions that the IPs answered, since the store was filled and over all instances. The two
/// fields about questions in flight are of this instance.
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
    /// Requests to the collector that are in flight in this instance.
    pub in_flight: u64,
    /// Questions that are in flight in this instance.
    pub questions_in_flight: u64,
    /// The last fan-out. `null` if there was none in half an hour.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last: Option<FanOut>,
}

/// The result of a fan-out.
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
    /// IP states that exist and could not be read.
    pub unreadable_states: u64,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    pub duration_ms: u64,
}
