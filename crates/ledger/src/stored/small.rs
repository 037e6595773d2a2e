//! The small values that are overwritten: `head`, `lease`, `cleaner`, `cleaned` and `meta`.

use rollcall_store::{LAYOUT, Stored};
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

/// `lease`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub owner: u64,
    pub until_ms: u64,
}

/// `meta`: what is true of the whole store. Its layout is the one that the value itself has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Shares of the IPs.
    pub shards: u32,
    /// The store is being brought up from this layout; values of it may still be there.
    pub upgrading_from: Option<u8>,
    /// The name of the time zone whose days the buckets are.
    pub zone: String,
}

/// The same up to layout 5: days were those of UTC.
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

/// `cleaned`: how far cleaning got. What is lost of it is done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cleaned {
    /// The log is deleted up to this number.
    pub log: u64,
    /// Nothing is left of what confirmed folds below this one replaced; of what it replaced itself, the first so many keys are deleted.
    pub replaced: (u64, u64),
    /// Nothing is left of void folds below this one; likewise.
    pub void: (u64, u64),
    /// Of the root with this number, nothing is due before this time.
    pub settled: (u64, u64),
}

impl Stored for Head {
    const SINCE: u8 = 4;
}

impl Stored for Lease {
    const SINCE: u8 = 4;
}

impl Stored for Meta {
    const SINCE: u8 = LAYOUT;
}

impl Stored for Meta5 {
    const SINCE: u8 = 4;
}

impl Stored for Cleaned {
    const SINCE: u8 = 4;
}
