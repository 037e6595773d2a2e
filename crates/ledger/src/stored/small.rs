//! The small values that are overwritten: `head`, `lease`, `cleaner`, `cleaned` and `meta`.

use rollcall_store::Stored;
use rollcall_tally::time_zone::UTC;
use serde::{Deserialize, Serialize};

/// `head`: the newest root known to be confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub k: u64,
    /// Every number of the log up to this one is folded or dropped.
    pub low: u64,
    /// The newest number that is folded.
    pub log: u64,
}

/// `lease`, and `cleaner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub owner: u64,
    pub until_ms: u64,
}

/// `meta`: facts about the whole store. The layout of the store is the layout of this value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The number of shards of the IPs.
    pub shards: u32,
    /// The layout that the store is being upgraded from. Values of that layout may still be there.
    pub upgrading_from: Option<u8>,
    /// The name of the time zone in which days begin.
    pub zone: String,
}

/// `meta` up to layout 5. Days began in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta5 {
    shards: u32,
    upgrading_from: Option<u8>,
}

impl From<Meta5> for Meta {
    fn from(meta: Meta5) -> Self {
        Self {
            shards: meta.shards,
            upgrading_from: meta.upgrading_from,
            zone: UTC.to_owned(),
        }
    }
}

/// `cleaned`: how far cleaning got. If the note is lost, the deletions are done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cleaned {
    /// The log is deleted up to this number.
    pub log: u64,
    /// A fold number, and a place in its plan. Everything that earlier confirmed folds replaced is
    /// deleted. The place says where the cleaning of this fold goes on.
    pub replaced: (u64, u64),
    /// A fold number, and a place in its plan. Everything that earlier void folds wrote is deleted.
    /// The place says where the cleaning of this fold goes on.
    pub void: (u64, u64),
    /// A fold number, and a time. For the root of this fold, nothing is due before this time.
    pub settled: (u64, u64),
}

impl Stored for Head {
    const SINCE: u8 = 4;
}

impl Stored for Lease {
    const SINCE: u8 = 4;
}

impl Stored for Meta {
    const SINCE: u8 = 6;
}

impl Stored for Meta5 {
    const SINCE: u8 = 4;
}

impl Stored for Cleaned {
    const SINCE: u8 = 4;
}
