//! The types of `wit/rollcall.wit`'s interface `types`, under the same names: `wit-bindgen` maps that interface onto this module
//! and does not compile where the two differ. Between components they travel as postcard.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calendar::Calendar;
use crate::window::Ranges;

pub use crate::calendar::UtcOffset;
pub use crate::filter::Filter;
pub use crate::histogram::Bucket;
pub use crate::hit::RawHit;
pub use crate::interval::{Interval, Moment};
pub use crate::order::{IpOrder, PathOrder};
pub use crate::status::{StatusClass, StatusCount, StatusCounts};
pub use crate::summary::{
    Batch, CallerSummary, Candidates, CountryCount, CountryDetail, CountrySummary, Details,
    HeaviestQuery, MethodCount, PathSummary, RecentActivity, Slice, Summary, TimeSlot,
};
pub use crate::tally::Tally;
pub use crate::traffic::{MethodCounts, Traffic};
pub use crate::window::Window;

/// Why a hit was not taken.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its place in the batch, from 1: in the array, or by line.
    pub number: u64,
    /// Left out if no field can be blamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub field: Option<String>,
    pub reason: String,
}

/// What became of a batch of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Hits that are durable now.
    pub accepted: u64,
    /// Hits that were not taken.
    pub rejected: u64,
    /// Why, of the first of them.
    pub rejections: Vec<Rejection>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Failure {
    /// The request makes no sense; the same request fails again.
    #[error("{0}")]
    Invalid(String),
    /// The store did not answer in time, or is too busy. Nothing is known of what was asked; ask again.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The snapshot asked for was replaced long ago. Take a new one.
    #[error("the snapshot was replaced")]
    Gone,
    /// A stored value cannot be read; says which key and why.
    #[error("unreadable: {0}")]
    Corrupt(String),
    /// What was asked about is not known; says what.
    #[error("{0}")]
    NotFound(String),
    /// What was recorded is not folded yet, and an answer without it would be no answer. Ask again in so long.
    #[error("{0}")]
    Behind(Behind),
}

/// What an answer lacks of what was recorded before it was asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behind {
    /// Batches that are not counted yet.
    pub batches: u64,
    /// How long ago the oldest of them came.
    pub lag_ms: u64,
    /// How long it takes until they are counted, at the present pace. `null`: not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub left_ms: Option<u64>,
}

impl fmt::Display for Behind {
    /// For people, as sentences.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms.div_ceil(1_000);
        match self.batches {
            0 => write!(out, "The last batches are counted, but not yet confirmed.")?,
            1 => write!(out, "1 recorded batch is not counted yet; it came")?,
            n => write!(
                out,
                "{n} recorded batches are not counted yet; the oldest came"
            )?,
        }
        if self.batches > 0 {
            write!(out, " {} s ago.", seconds(self.lag_ms))?;
        }
        match self.left_ms {
            Some(ms) => write!(out, " Counting them takes about {} s.", seconds(ms)),
            None => write!(out, " How long that takes is not known."),
        }
    }
}

/// What one IP did on one path in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRow {
    pub ip: String,
    pub path_key: String,
    pub method: String,
    pub path: String,
    pub count: u64,
    pub first_seen_ms: u64,
    pub last_accessed_ms: u64,
    pub country: Option<String>,
    /// The one seen last.
    pub user_agent: Option<String>,
    pub client_errors: u64,
    pub server_errors: u64,
    /// None under a filter by status: bytes and response times are not kept by class.
    pub bytes: Option<u64>,
    pub timed: u64,
    pub time_sum_us: u64,
}

/// Hits and IPs that are not in the answers, by reason.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// IPs that left because too many others were seen later.
    #[serde(rename = "evictedIPs")]
    pub evicted_ips: u64,
    /// Their hits.
    #[serde(rename = "evictedHits")]
    pub evicted_hits: u64,
    /// IPs whose state could not be read when they called again. They start anew.
    #[serde(rename = "unreadableIPs")]
    pub unreadable_ips: u64,
    /// The hits in it.
    #[serde(rename = "unreadableHits")]
    pub unreadable_hits: u64,
    /// Hits counted under `(other)`, because their IP had too many paths.
    #[serde(rename = "otherPathHits")]
    pub other_path_hits: u64,
    /// Batches that came again and were not counted again.
    #[serde(rename = "repeatedBatches")]
    pub repeated_batches: u64,
    /// Numbers of the log that were taken and never written; none of them was acknowledged.
    #[serde(rename = "skippedNumbers")]
    pub skipped_numbers: u64,
}

/// One consistent state of everything: what one fold wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// 0: nothing was ever recorded.
    pub root: u64,
    /// When it was taken. Every part of an answer counts its windows back from here.
    pub as_of_ms: u64,
    pub shards: u32,
    /// Into how many slices a question about all paths is best cut.
    pub slices: u32,
    /// IPs tracked.
    pub ips: u64,
    /// Hits counted since the beginning, evicted ones too.
    pub hits: u64,
    pub drops: Drops,
    /// The IANA's name of the time zone whose days are counted.
    pub time_zone: String,
    /// Its clocks, as far back as days are kept, the oldest first.
    pub offsets: Vec<UtcOffset>,
    /// None: it holds whatever was acknowledged before it was taken.
    pub behind: Option<Behind>,
}

impl Snapshot {
    /// How time is cut.
    pub fn ranges(&self) -> Ranges {
        Ranges::at(self.as_of_ms, Calendar::new(&self.offsets))
    }
}

/// Some shards of a snapshot, numbered from 0, and which of their IPs are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRange {
    pub root: u64,
    pub first_shard: u32,
    pub shard_count: u32,
    /// IPs that were not seen since then are left out.
    pub since_ms: u64,
    pub as_of_ms: u64,
    /// An address or a network: IPs outside of it are left out. A single address costs a single shard.
    pub ip: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpRef {
    pub ip: String,
    /// The fold that wrote its state last.
    pub version: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpList {
    /// IPs seen since the time asked for.
    pub ips: Vec<IpRef>,
    /// IPs of these shards, and of the address or network asked for, that were seen within `active_days`.
    pub active: u64,
}

/// How the ledger does. All numbers are the store's, not one instance's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    pub layout_version: u32,
    pub snapshot: Snapshot,
    pub folded_at_ms: u64,
    /// The newest number of the log, and the newest that is in the snapshot.
    pub log_next: u64,
    pub log_folded: u64,
    /// Numbers taken and not written yet, or never.
    pub log_open: u64,
    /// How long ago the oldest batch came that is not in the snapshot; 0: there is none.
    pub lag_ms: u64,
    /// Folds begun since the one that made the snapshot: one may be under way, the others were lost.
    pub folds_lost: u64,
    /// How long the fold took that made the snapshot, and how many batches it took.
    pub last_fold_ms: u64,
    pub last_fold_batches: u64,
    /// Folds, lost ones too, of which something is still to be deleted.
    pub folds_uncleaned: u64,
    /// All hits that were ever folded.
    pub traffic: Traffic,
}

/// Where the instances of the aggregator share a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The answer to a question, each of its parameters written out.
    Answer(String),
    /// Which notifications were sent.
    Notifications,
    /// When the alerts were last checked.
    LastCheck,
    /// How the last fan-out went.
    LastFanOut,
}

/// A value that they share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub place: Place,
    pub body: Vec<u8>,
    pub computed_at_ms: u64,
    /// How long it is fresh.
    pub ttl_ms: u64,
}

/// What is in a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// None: there is none that is newer than the one known.
    pub kept: Option<Kept>,
    /// When the value that is there was computed; 0: the place is empty.
    pub generation: u64,
    /// Somebody says to be making the next one.
    pub is_claimed: bool,
}

/// How often something happened.
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
