//! `plan:{k}`: the values that the fold `k` is going to write, and the versions that they replace.

use std::net::IpAddr;

use rollcall_store::{Stored, Unreadable, value};
use serde::{Deserialize, Serialize};

use super::rollup::Bucket;
use crate::keys;

/// A part of the plan of a fold: `plan:{k}` is part 0, `plan:{k}:{part}` is any other. All parts but
/// the last have [`Limits::plan_changes`](crate::Limits::plan_changes) changes.
///
/// If the fold is confirmed, cleaning deletes the replaced versions. If it is never confirmed,
/// cleaning deletes the written values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The root that the fold builds on. 0: none.
    pub base: u64,
    pub changes: Vec<Change>,
}

/// The change of a fold to one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub of: Versioned,
    /// True: the fold writes a new version. False: the value is removed.
    pub is_written: bool,
    /// The replaced version. 0: there is none, or it stays.
    pub before: u64,
}

/// A value with versions. Each fold that writes it writes a version of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Versioned {
    Ip(IpAddr),
    Shard(usize),
    Ids(u64),
    /// The totals of a bucket.
    Totals(Bucket),
    /// A part of the paths of a bucket.
    Paths(Bucket, u16),
    /// A share of the facts known of every path.
    Known(u16),
    /// A list of the IPs that called most.
    Heaviest(Bucket),
    /// An IP in a plan of layout 6 or of an older one: its keys begin with the address.
    IpByAddress(IpAddr),
    Documents,
}

impl Stored for Plan {
    // The kinds that layout 4 has still have the same bytes.
    const SINCE: u8 = 4;
}

impl Plan {
    pub fn decode(key: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut plan: Self = value::decode(key, bytes)?;
        if value::layout_of(key, bytes)? < keys::FOLD_FIRST_SINCE {
            for change in &mut plan.changes {
                if let Versioned::Ip(ip) = change.of {
                    change.of = Versioned::IpByAddress(ip);
                }
            }
        }
        Ok(plan)
    }
}

impl Versioned {
    pub fn key(&self, k: u64) -> String {
        match self {
            Self::Ip(ip) => keys::ip(ip, k),
            Self::IpByAddress(ip) => keys::ip(ip, k | keys::ADDRESS_FIRST),
            Self::Shard(shard) => keys::shard(*shard, k),
            Self::Ids(chunk) => keys::ids(*chunk, k),
            Self::Totals(bucket) => keys::totals(*bucket, k),
            Self::Paths(bucket, part) => keys::paths(*bucket, *part, k),
            Self::Known(part) => keys::known(*part, k),
            Self::Heaviest(bucket) => keys::heaviest(*bucket, k),
            Self::Documents => keys::documents(k),
        }
    }
}

impl Change {
    /// The key that the fold `k` writes.
    pub fn written(&self, k: u64) -> Option<String> {
        self.is_written.then(|| self.of.key(k))
    }

    /// The key that nobody needs any more once the fold is confirmed and the queries before it are
    /// over.
    pub fn replaced(&self) -> Option<String> {
        (self.before > 0).then(|| self.of.key(self.before))
    }
}
