//! What is noted of a history, for the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_ledger::Clock;
use rollcall_tally::{CountryDetail, Details, Drops, Filter, IpState, Slice, Summary, Window};

/// What a reader got.
pub struct Answer {
    /// It says that it lacks something.
    pub is_behind: bool,
    pub k: u64,
    pub log: u64,
    pub open: usize,
    pub ips: u64,
    pub hits: u64,
    pub traffic: u64,
    pub drops: Drops,
    /// What the sums over all IPs tell.
    pub sums: Summary,
    /// Who can have called most, and the most hits that any other can have.
    pub listed: BTreeSet<IpAddr>,
    pub others_at_most: Option<u64>,
    /// The keys of these sums.
    pub rollup_keys: Vec<String>,
    /// Address, version and last seen as the index has it, and the state.
    pub states: Vec<((IpAddr, u64, u64), IpState)>,
    /// The version of each shard.
    pub shards: Vec<u64>,
    /// Number and version of each chunk of batch ids.
    pub ids: Vec<(u64, u64)>,
}

/// What became of a hit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate {
    pub acknowledged_us: Option<u64>,
}

/// What the judge knows.
#[derive(Default)]
pub struct Record {
    /// By path: every hit has one of its own.
    pub hits: BTreeMap<String, Fate>,
    pub bad: Vec<String>,
    pub answers: usize,
    /// The most hits that a status told of so far.
    pub told: u64,
}

impl Record {
    pub fn blame(&mut self, what: &str) {
        if !self.bad.iter().any(|known| known == what) {
            self.bad.push(what.to_owned());
        }
    }
}

/// The question for everything that the sums over all IPs tell.
pub fn everything(root: u64, clock: &impl Clock, aged_ms: u64) -> Slice {
    Slice {
        root,
        as_of_ms: clock.wall_ms().max(aged_ms),
        window: Window::All,
        filter: Filter::default(),
        details: Details {
            paths: u32::MAX,
            countries: CountryDetail::All,
            ..Details::default()
        },
        number: 0,
        count: 1,
    }
}
