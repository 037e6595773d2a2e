//! The types of the interface `types` in `wit/rollcall.wit`, under the same names. `wit-bindgen`
//! maps that interface to this module, and the build fails where the two differ. Between
//! components, the types travel as postcard.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bucket::Ranges;
use crate::calendar::Calendar;
use crate::time_text::{rfc3339, rfc3339_if_any};
use crate::warning;

pub use crate::backtest::{BacktestDetail, BacktestSummary, LimitSlot, Peak, Per, RefusedCaller};
pub use crate::calendar::UtcOffset;
pub use crate::callers::{CallerAnswer, CallerPath, KnownCaller};
pub use crate::change::{Change, ChangeCounts, Comparison};
pub use crate::filter::Filter;
pub use crate::histogram::Bucket;
pub use crate::hit::{Dimension, Grouping, RawHit, Repairs};
pub use crate::interval::{Interval, Moment};
pub use crate::order::{IpOrder, Metric, PathOrder};
pub use crate::status::{StatusClass, StatusCount, StatusCounts, StatusFilter, StatusValue};
pub use crate::summary::{
    Batch, BucketCount, CallerSummary, Candidates, CountryCount, CountryDetail, CountrySummary,
    Details, GroupDetail, GroupList, GroupSummary, HeaviestQuery, MethodCount, PathSummary,
    RecentActivity, Slice, Summary, TimeSlot,
};
pub use crate::tally::Tally;
pub use crate::traffic::{MethodCounts, Traffic};
pub use crate::window::Window;

/// A hit that was rejected, and why.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The hit's place in the batch, from 1: its place in the array, or its line.
    pub number: u64,
    /// The field that was invalid. Absent if no field alone is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub field: Option<String>,
    pub reason: String,
}

/// The result of recording a batch of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Hits that are durable now.
    pub accepted: u64,
    /// Hits that were rejected.
    pub rejected: u64,
    /// The first rejections, with their reasons.
    pub rejections: Vec<Rejection>,
    /// Accepted hits of which something is unknown or was cut.
    #[serde(default)]
    pub repaired: Repairs,
    /// Hits that do not count, because `exclude_ips` or `exclude_paths` names them.
    #[serde(default)]
    pub excluded: u64,
    /// The number of the batch. None: no hit was accepted. Over HTTP it is in a header.
    #[serde(skip)]
    pub batch: Option<u64>,
}

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DocumentKind {
    Label,
    Note,
    View,
    Rule,
}

/// A short text that an admin wrote, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub kind: DocumentKind,
    pub name: String,
    pub text: String,
    /// The time of its last change.
    pub changed_at_ms: u64,
}

/// What became of a recorded batch.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BatchState {
    /// It is not counted yet.
    Pending,
    /// Each of its accepted hits is counted.
    Counted,
    /// It came under the `Idempotency-Key` of an earlier batch. The hits of the earlier batch are
    /// counted, and those of this batch are not.
    Repeated,
    /// It was not written in time, so its request got no acknowledgement. No hit of it is counted.
    Dropped,
    /// It is older than the batches of which it is known whether they were counted, repeated or
    /// dropped.
    TooOld,
}

/// What became of a recorded batch, as one root tells it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchReceipt {
    /// The number of the batch, as the header `Rollcall-Batch` told it.
    pub batch: u64,
    pub state: BatchState,
    /// The number of the fold that made the root.
    pub root: u64,
    /// When this fold looked at the log.
    #[serde(rename = "asOf", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of_ms: u64,
}

/// What a backup is of: the root, and the store that it comes from.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupHead {
    /// The layout of the store.
    pub layout: u8,
    /// The number of shares of the IPs.
    pub shards: u32,
    /// The time zone of the store.
    pub time_zone: String,
    /// The number of the fold that made the root.
    pub root: u64,
    /// When this fold looked at the log.
    #[serde(rename = "asOf", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of_ms: u64,
    /// IPs that are tracked.
    pub ips: u64,
    /// All hits that were ever counted.
    pub hits: u64,
    /// Recorded batches that the backup lacks.
    pub batches_behind: u64,
}

/// Where a part of a backup begins. The first one begins at 0 and 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPlace {
    /// 0: all values but states. `n + 1`: the states of shard `n`. Behind that: the root.
    pub stage: u32,
    /// A value of this stage.
    pub at: u32,
}

/// Some values of a root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPart {
    pub bytes: Vec<u8>,
    /// Where the next part begins. None: this is the last part.
    pub next: Option<BackupPlace>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Failure {
    /// The request is invalid. The same request fails again.
    #[error("{0}")]
    Invalid(String),
    /// The store did not answer in time, or is too busy. It is not known whether the request took
    /// effect. Ask again.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The snapshot was replaced long ago. Take a new one.
    #[error("the snapshot was replaced")]
    Gone,
    /// A stored value cannot be read. The text says which key and why.
    #[error("unreadable: {0}")]
    Corrupt(String),
    /// The subject of the question is not known. The text names it.
    #[error("{0}")]
    NotFound(String),
    /// There were too many requests of this kind. The text says when to ask again.
    #[error("{0}")]
    TooMany(String),
    /// Recorded batches are not folded yet, and an answer must not lack them. `left_ms` says when
    /// to ask again.
    #[error("{0}")]
    Behind(Behind),
}

/// The recorded batches that an answer lacks, though they came before the question.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behind {
    /// Batches that are not counted yet.
    pub batches: u64,
    /// How long ago the oldest of these batches came.
    pub lag_ms: u64,
    /// How long it takes until they are counted, at the present pace. `null` if that is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub left_ms: Option<u64>,
}

impl Behind {
    /// For people.
    pub fn sentences(&self) -> [String; 2] {
        let seconds = |ms: u64| ms.div_ceil(1_000);
        let ago = seconds(self.lag_ms);
        let batches = match self.batches {
            0 => warning::UNCONFIRMED.to_owned(),
            1 => warning::say(warning::ONE_BEHIND, &[&ago]),
            many => warning::say(warning::MANY_BEHIND, &[&many, &ago]),
        };
        let counting = match self.left_ms {
            Some(ms) => warning::say(warning::COUNTING, &[&seconds(ms)]),
            None => warning::COUNTING_UNKNOWN.to_owned(),
        };
        [batches, counting]
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.sentences().join(" "))
    }
}

/// The hits of one IP in a window, by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpRows {
    pub ip: String,
    pub country: Option<String>,
    /// The user agent seen last.
    pub user_agent: Option<String>,
    pub paths: Vec<PathRow>,
}

/// The hits of one IP on one path in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRow {
    pub path_key: String,
    pub count: u64,
    pub first_seen_ms: u64,
    pub last_accessed_ms: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    /// None under a filter by status: bytes and response times are not kept by status.
    pub bytes: Option<u64>,
    pub timed: u64,
    pub time_sum_us: u64,
}

/// Hits and IPs that are not in the answers, by reason.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// IPs that were evicted because too many other IPs were seen later.
    #[serde(rename = "evictedIPs")]
    pub evicted_ips: u64,
    /// The hits of these IPs.
    #[serde(rename = "evictedHits")]
    pub evicted_hits: u64,
    /// IPs whose state could not be read when they called again. They start anew.
    #[serde(rename = "unreadableIPs")]
    pub unreadable_ips: u64,
    /// The hits in these states.
    #[serde(rename = "unreadableHits")]
    pub unreadable_hits: u64,
    /// IPs that were erased on request.
    #[serde(rename = "erasedIPs")]
    pub erased_ips: u64,
    /// The hits of these IPs.
    #[serde(rename = "erasedHits")]
    pub erased_hits: u64,
    /// Hits counted under `(other)`, because their IP had too many paths.
    #[serde(rename = "otherPathHits")]
    pub other_path_hits: u64,
    /// Batches that were sent again, and not counted again.
    #[serde(rename = "repeatedBatches")]
    pub repeated_batches: u64,
    /// Numbers of the log that were taken and never written. None of them was acknowledged.
    #[serde(rename = "skippedNumbers")]
    pub skipped_numbers: u64,
    /// The last hit of an evicted IP. `null`: none was evicted.
    #[serde(rename = "evictedUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub evicted_until_ms: Option<u64>,
    /// The last hit in a state that could not be read. `null`: there was none.
    #[serde(rename = "unreadableUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub unreadable_until_ms: Option<u64>,
    /// The last hit of an erased IP. `null`: none was erased.
    #[serde(rename = "erasedUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub erased_until_ms: Option<u64>,
    /// The newest hit that its IP has under `(other)`. `null`: there is none.
    #[serde(rename = "otherPathsUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub other_paths_until_ms: Option<u64>,
    /// Hits up to this time may be in no sum over all IPs, because the store was filled in an older
    /// layout. `null`: the sums have every hit.
    #[serde(rename = "unsummedUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub unsummed_until_ms: Option<u64>,
}

impl Drops {
    /// The IPs, and their hits, that an answer of the IPs lacks.
    pub fn left(&self) -> [u64; 2] {
        [
            self.evicted_ips + self.unreadable_ips + self.erased_ips,
            self.evicted_hits + self.unreadable_hits + self.erased_hits,
        ]
    }

    /// Says in a sentence what an answer of the IPs lacks. None: it lacks nothing.
    pub fn warning(&self) -> Option<String> {
        let [ips, hits] = self.left();
        (ips > 0).then(|| warning::say(warning::UNTRACKED, &[&ips, &hits]))
    }
}

/// One consistent state of the store: the result of one fold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// 0: nothing was ever recorded.
    pub root: u64,
    /// When the snapshot was taken. In every part of an answer, windows end at this moment.
    pub as_of_ms: u64,
    pub shards: u32,
    /// The best number of slices for a question about all paths.
    pub slices: u32,
    /// IPs that are tracked.
    pub ips: u64,
    /// Hits counted since the beginning, including those of evicted IPs.
    pub hits: u64,
    pub drops: Drops,
    pub repaired: Repairs,
    /// The IANA name of the time zone whose days are counted.
    pub time_zone: String,
    /// The UTC offsets of the time zone, as far back as days are kept, the oldest first.
    pub offsets: Vec<UtcOffset>,
    /// None: the snapshot holds everything that was acknowledged before it was taken.
    pub behind: Option<Behind>,
}

impl Snapshot {
    /// The ranges of the buckets.
    pub fn ranges(&self) -> Ranges {
        Ranges::at(self.as_of_ms, Calendar::new(&self.offsets))
    }
}

/// Some shards of a snapshot, numbered from 0, and conditions on their IPs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRange {
    pub root: u64,
    pub first_shard: u32,
    pub shard_count: u32,
    /// IPs that were last seen before this time are left out.
    pub since_ms: u64,
    pub as_of_ms: u64,
    /// An address or a network. IPs outside of it are left out. For a single address, only one
    /// shard is read.
    pub ip: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpRef {
    pub ip: String,
    /// The number of the fold that last wrote the IP's state.
    pub version: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpList {
    /// IPs seen since `since_ms`.
    pub ips: Vec<IpRef>,
    /// IPs of these shards that were seen within `active_days` and are in the address or network
    /// asked for.
    pub active: u64,
}

/// The state of the ledger. All numbers are the store's, not those of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    pub layout_version: u32,
    pub snapshot: Snapshot,
    pub folded_at_ms: u64,
    /// The newest number of the log, and the newest number in the snapshot.
    pub log_next: u64,
    pub log_folded: u64,
    /// Numbers that were taken and are not written. Some may never be.
    pub log_open: u64,
    /// How long ago the oldest batch came that is not in the snapshot. 0: there is none.
    pub lag_ms: u64,
    /// Folds begun since the one that made the snapshot. One may be under way. The others were
    /// lost.
    pub folds_lost: u64,
    /// The duration of the fold that made the snapshot, and its number of batches.
    pub last_fold_ms: u64,
    pub last_fold_batches: u64,
    /// Folds, including lost ones, that still have values to delete.
    pub folds_uncleaned: u64,
    /// All hits that were ever folded.
    pub traffic: Traffic,
}

/// The place of a value that the instances of the aggregator share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The answer to a question. The text has every parameter of the question.
    Answer(String),
    /// The notifications that were sent.
    Notifications,
    /// The time of the last check of the alerts.
    LastCheck,
    /// The result of the last fan-out.
    LastFanOut,
}

/// A value that the instances of the aggregator share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub place: Place,
    pub body: Vec<u8>,
    pub computed_at_ms: u64,
    /// How long the value is fresh.
    pub ttl_ms: u64,
}

/// The contents of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// None: the place has no value newer than the known one.
    pub kept: Option<Kept>,
    /// When the value in the place was computed. 0: the place is empty.
    pub generation: u64,
    /// Another instance has claimed to make the next value.
    pub is_claimed: bool,
}

/// The number of times that something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Lower-case letters and hyphens, at most 40.
    pub name: String,
    pub times: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_lacks_is_told_in_sentences() {
        let check = |batches, lag_ms, left_ms, expect: &str| {
            let behind = Behind {
                batches,
                lag_ms,
                left_ms,
            };
            assert_eq!(behind.to_string(), expect);
        };
        check(
            1_200,
            35_000,
            Some(89_001),
            "1200 recorded batches are not counted yet; the oldest came 35 s ago. Counting them takes about 90 s.",
        );
        check(
            1,
            1,
            None,
            "1 recorded batch is not counted yet; it came 1 s ago. How long that takes is not known.",
        );
        check(
            0,
            0,
            None,
            "The last batches are counted, but not yet confirmed. How long that takes is not known.",
        );
    }
}
