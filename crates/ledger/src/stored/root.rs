//! `root:{k}`: the record of one fold, from which everything is reached.

use std::collections::BTreeMap;

use rollcall_tally::{Drops, Traffic};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub k: u64,
    /// When its fold looked at the log.
    pub folded_at_ms: u64,
    /// The newest number of the log that is folded.
    pub log: u64,
    /// Numbers below it that were not written yet, and since when a later one was.
    pub open: BTreeMap<u64, u64>,
    /// The version of each shard; 0 is an empty one.
    pub shards: Vec<u64>,
    pub ids: Vec<IdChunk>,
    pub ips: u64,
    pub hits: u64,
    #[serde(with = "super::counts::drops")]
    pub drops: Drops,
    /// All hits that were ever folded, whatever became of their IPs.
    #[serde(with = "super::counts::traffic")]
    pub traffic: Traffic,
    /// How the fold went.
    pub pace: Pace,
    /// Folds whose plans name replaced values that queries may still read, in their order.
    pub(crate) replaced: Vec<Replaced>,
    /// Folds that never committed and may have left values behind, in their order.
    pub(crate) void: Vec<Void>,
}

/// How a fold went: what the next one may take, and how long what waits will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How often the limits of a fold were halved for it.
    pub(crate) halvings: u32,
    /// Segments that it took.
    pub segments: u64,
    /// It left some for the next.
    pub is_full: bool,
    pub took_ms: u64,
}

/// A fold that replaced values, and when it wrote its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub k: u64,
    pub since_ms: u64,
}

/// Fold numbers that never committed, and since when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Void {
    pub first: u64,
    pub last: u64,
    pub since_ms: u64,
}

/// Where a share of the batch ids is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdChunk {
    pub number: u64,
    pub version: u64,
    pub count: u64,
    /// The newest stamp of a batch in it.
    pub newest_ms: u64,
}
