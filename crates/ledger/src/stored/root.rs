//! `root:{k}`: the record of one fold. All other values of the fold are reached from it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_store::value::{decode, layout_of};
use rollcall_store::{Stored, Unreadable};
use rollcall_tally::window::HOUR_MS;
use rollcall_tally::{BatchState, Drops, Repairs, Traffic};
use serde::{Deserialize, Deserializer, Serialize};

use super::numbers::Uncounted;
use super::rollup::{Bucket, KnownRef, RollupRef};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub k: u64,
    /// The time at which the fold looked at the log.
    pub folded_at_ms: u64,
    /// The newest number of the log that is folded.
    pub log: u64,
    /// Numbers below `log` that were not written yet, and the time from which the age of each
    /// counts.
    pub open: BTreeMap<u64, u64>,
    /// The version of each shard. 0: the shard is empty.
    pub shards: Vec<u64>,
    pub ids: Vec<IdChunk>,
    pub ips: u64,
    pub hits: u64,
    /// All but the erased IPs: see [`Self::dropped`].
    #[serde(with = "super::counts::drops")]
    pub drops: Drops,
    /// All hits that were ever folded, also those of evicted IPs.
    #[serde(with = "super::counts::traffic")]
    pub traffic: Traffic,
    /// The newest time by which buckets were cut. They are never cut by an older one.
    pub aged_ms: u64,
    /// The time of the oldest hit that was ever folded.
    pub first_seen_ms: Option<u64>,
    /// The number that the next new IP gets.
    pub next_ip: u32,
    /// The rollups, sorted by bucket.
    pub(crate) rollups: Vec<RollupRef>,
    /// The parts of the facts known of every path. Their number is 0 or a power of two.
    pub(crate) known: Vec<KnownRef>,
    /// The lists of the IPs that called most, and the version of each. Sorted.
    pub(crate) heaviest: Vec<(Bucket, u64)>,
    pub pace: Pace,
    /// Folds whose plans name replaced values that queries may still read. In the order of the
    /// folds.
    pub(crate) replaced: Vec<Replaced>,
    /// Void folds that may have left values behind. In the order of the folds.
    pub(crate) void: Vec<Void>,
    /// What was unknown or cut in all hits that were ever folded. Up to layout 7 it is missing.
    #[serde(with = "super::counts::repairs")]
    pub repaired: Repairs,
    /// IPs that were erased. Up to layout 8 it is missing.
    #[serde(deserialize_with = "or_default")]
    pub(crate) erased: Erased,
    /// Up to layout 9 it is missing: see [`Self::decode`].
    #[serde(deserialize_with = "or_default")]
    pub(crate) newest_drops: NewestDrops,
    /// Up to layout 9 it is missing: see [`Self::decode`].
    #[serde(deserialize_with = "or_default")]
    pub(crate) uncounted: Uncounted,
    /// The version of the documents. 0: there are none. Up to layout 10 it is missing.
    #[serde(deserialize_with = "or_default")]
    pub(crate) documents: u64,
}

/// The time of the newest hit that is not where it could be looked for, by the reason. 0: there is
/// no such hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewestDrops {
    /// Of an IP that was evicted.
    pub evicted_ms: u64,
    /// Of an IP whose state could not be read.
    pub unreadable_ms: u64,
    /// Of an IP that was erased.
    pub erased_ms: u64,
    /// Counted by its IP under `(other)`.
    pub other_path_ms: u64,
    /// In no sum over all IPs: the store was of a layout without sums, and its IP had left before.
    pub unsummed_ms: u64,
}

/// The oldest layout of a root with [`NewestDrops`] and [`Uncounted`].
const SINCE_NEWEST_DROPS: u8 = 10;

/// IPs that were erased on request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erased {
    pub ips: u64,
    /// Their hits. These stay in every sum.
    pub hits: u64,
    /// The newest stamp of a segment that was ever folded. Erasures are forgotten by it.
    pub newest_ms: u64,
    /// The last erasures, as long as an old hit of their IPs may still come.
    pub recent: BTreeMap<IpAddr, Erasure>,
}

/// The last erasure of an IP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erasure {
    /// The stamp of the erasure. Hits up to this time are erased.
    pub until_ms: u64,
    /// The number of the erasure in the log. Hits of smaller numbers are erased, too.
    pub log: u64,
    /// None: the IP had no hits yet.
    pub had: Option<Had>,
}

/// All that further sums need of an IP without a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Had {
    /// Its number in the rollups.
    pub number: u32,
    pub first_seen_ms: u64,
    /// The country that its hits count for. Empty: it is not known.
    pub country: String,
    pub network: Option<String>,
}

impl Root {
    /// Reads a root of any layout since that of this type.
    pub(crate) fn decode(key: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut root: Self = decode(key, bytes)?;
        if layout_of(key, bytes)? < SINCE_NEWEST_DROPS {
            root.date_drops();
        }
        Ok(root)
    }

    /// Fills the fields that older layouts lack. If some hits were dropped, nobody knows when. So
    /// they count as dropped later than any hit of this root.
    fn date_drops(&mut self) {
        // A hit may be a few minutes in the future, and clocks differ.
        let at_ms = self.aged_ms.max(self.folded_at_ms).saturating_add(HOUR_MS);
        let if_any = |count: u64| if count > 0 { at_ms } else { 0 };
        let drops = self.drops;
        // Hits of layout 4 have the class of their status in place of the code.
        let mut statuses = self.traffic.total.statuses.iter();
        let was_of_layout_4 = statuses.any(|status| (1..=5).contains(&status.code));
        self.newest_drops = NewestDrops {
            evicted_ms: if_any(drops.evicted_ips),
            unreadable_ms: if_any(drops.unreadable_ips),
            erased_ms: if_any(self.erased.ips),
            other_path_ms: if_any(drops.other_path_hits),
            unsummed_ms: if_any(
                drops.evicted_ips + drops.unreadable_ips + u64::from(was_of_layout_4),
            ),
        };
        self.uncounted.listed_from = self.log + 1;
    }

    /// What became of the batch with this number.
    pub fn batch(&self, n: u64) -> BatchState {
        match n > self.log || self.open.contains_key(&n) {
            true => BatchState::Pending,
            false => self.uncounted.state(n),
        }
    }

    /// All that is not in the answers, by reason.
    pub fn dropped(&self) -> Drops {
        let newest = self.newest_drops;
        let if_any = |ms: u64| (ms > 0).then_some(ms);
        Drops {
            erased_ips: self.erased.ips,
            erased_hits: self.erased.hits,
            evicted_until_ms: if_any(newest.evicted_ms),
            unreadable_until_ms: if_any(newest.unreadable_ms),
            erased_until_ms: if_any(newest.erased_ms),
            other_paths_until_ms: if_any(newest.other_path_ms),
            unsummed_until_ms: if_any(newest.unsummed_ms),
            ..self.drops
        }
    }
}

/// The end of a value, which an older layout does not have.
fn or_default<'d, D: Deserializer<'d>, T: Deserialize<'d> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(T::deserialize(from).unwrap_or_default())
}

impl Stored for Root {
    const SINCE: u8 = 5;
}

/// The root of layout 4. It has no rollups.
#[derive(Deserialize)]
pub(crate) struct Root4 {
    k: u64,
    folded_at_ms: u64,
    log: u64,
    open: BTreeMap<u64, u64>,
    shards: Vec<u64>,
    ids: Vec<IdChunk>,
    ips: u64,
    hits: u64,
    #[serde(deserialize_with = "super::counts::drops::deserialize")]
    drops: Drops,
    #[serde(deserialize_with = "super::counts::traffic::deserialize_4")]
    traffic: Traffic,
    pace: Pace,
    replaced: Vec<Replaced>,
    void: Vec<Void>,
}

impl Root4 {
    pub const LAYOUT: u8 = 4;
}

impl Stored for Root4 {
    const SINCE: u8 = Self::LAYOUT;
}

impl From<Root4> for Root {
    /// The rollups are empty.
    fn from(root: Root4) -> Self {
        let mut upgraded = Self {
            k: root.k,
            folded_at_ms: root.folded_at_ms,
            log: root.log,
            open: root.open,
            shards: root.shards,
            ids: root.ids,
            ips: root.ips,
            hits: root.hits,
            drops: root.drops,
            traffic: root.traffic,
            pace: root.pace,
            replaced: root.replaced,
            void: root.void,
            ..Self::default()
        };
        upgraded.date_drops();
        upgraded
    }
}

/// The pace of a fold. It decides how much the next fold may take, and tells how long the pending
/// segments will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How often the limits of a fold were halved for it.
    pub(crate) halvings: u32,
    /// Segments that it took.
    pub segments: u64,
    /// The fold left some segments for the next.
    pub is_full: bool,
    pub took_ms: u64,
}

/// A fold that replaced values, and the time at which it wrote its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub k: u64,
    pub since_ms: u64,
}

/// Void fold numbers, and the time since which they are known to be void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Void {
    pub first: u64,
    pub last: u64,
    pub since_ms: u64,
}

/// A reference to a chunk of the batch ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdChunk {
    pub number: u64,
    pub version: u64,
    pub count: u64,
    /// The newest stamp of a batch in the chunk.
    pub newest_ms: u64,
}
