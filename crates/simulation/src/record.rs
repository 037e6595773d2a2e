//! What is noted of a history, for the judge.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_tally::{Drops, IpState};

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
