//! The record of a history. The judge reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_ledger::Clock;
use rollcall_tally::{
    BatchState, CountryDetail, Details, Drops, Filter, IpState, Slice, Summary, Window,
};

/// The answer that a reader got.
pub struct Answer {
    /// The answer says that it is behind.
    pub is_behind: bool,
    pub k: u64,
    pub log: u64,
    pub open: usize,
    pub ips: u64,
    pub hits: u64,
    pub traffic: u64,
    pub drops: Drops,
    /// What became of the batches, from number 1 to `log`.
    pub batches: Vec<BatchState>,
    /// The sums over all IPs.
    pub sums: Summary,
    /// The IPs in the list of the heaviest. `others_at_most` is the most hits that any other IP can
    /// have.
    pub listed: BTreeSet<IpAddr>,
    pub others_at_most: u64,
    /// The keys of the rollups, and that of the documents.
    pub rollup_keys: Vec<String>,
    /// The documents: names and texts.
    pub documents: BTreeMap<String, String>,
    /// For each IP: its address, its version and the time of its last hit, from the index. Then its
    /// state.
    pub states: Vec<((IpAddr, u64, u64), IpState)>,
    /// The version of each shard.
    pub shards: Vec<u64>,
    /// Number and version of each chunk of batch ids.
    pub ids: Vec<(u64, u64)>,
}

/// The facts that the judge knows of a hit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate {
    pub timestamp_ms: u64,
    /// The hit is of the last batch. It may come so late that no erasure is remembered.
    pub is_last: bool,
    pub acknowledged_us: Option<u64>,
}

/// An acknowledged erasure.
#[derive(Clone, Copy, Debug)]
pub struct Erasure {
    pub ip: IpAddr,
    pub asked_us: u64,
    pub acknowledged_us: u64,
    /// Hits up to this time are erased.
    pub until_ms: u64,
}

/// An acknowledged change of a document.
#[derive(Clone, Debug)]
pub struct Changed {
    pub name: &'static str,
    /// No other change has this text.
    pub text: String,
    pub asked_us: u64,
    pub acknowledged_us: u64,
}

/// The facts that the judge knows of a history.
#[derive(Default)]
pub struct Record {
    /// By path. Every hit has a path of its own.
    pub hits: BTreeMap<String, Fate>,
    pub erasures: Vec<Erasure>,
    pub changes: Vec<Changed>,
    /// An erasure or a change of a document was asked for. It may have a number in the log, even if
    /// it was not acknowledged.
    pub has_other_segments: bool,
    /// By number: the paths of each acknowledged batch.
    pub receipts: BTreeMap<u64, Vec<String>>,
    pub bad: Vec<String>,
    pub answers: usize,
    /// The most hits that a status has counted so far.
    pub told: u64,
}

impl Record {
    pub fn blame(&mut self, what: &str) {
        if !self.bad.iter().any(|known| known == what) {
            self.bad.push(what.to_owned());
        }
    }
}

/// The question for all sums over all IPs.
pub fn everything(root: u64, clock: &impl Clock, aged_ms: u64) -> Slice {
    Slice {
        root,
        as_of_ms: clock.wall_ms().max(aged_ms),
        window: Window::All,
        filter: Filter::default(),
        details: Details {
            paths: u32::MAX,
            path_keys: true,
            countries: CountryDetail::All,
            ..Details::default()
        },
        number: 0,
        count: 1,
    }
}
