//! What a history allows, and what is noted of it for the judge.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_tally::{Drops, IpState};

use crate::faults::IN_FLIGHT_MS_MAX;

/// The longest lease.
pub const LEASE_MS_MAX: u64 = 60_000;
/// While healing somebody folds this often, until nothing has changed for so long that nobody can have anything left to do.
const HEAL_EVERY_MS: u64 = 2_700;
/// ... in a store that stays slow, where a fold may take minutes.
const SLOW_QUIET_MS: u64 = 200_000;
/// Longer than a folder lives.
const SLOW_HEAL_EVERY_MS: u64 = 190_000;

/// What a history allows, drawn from its seed.
#[derive(Clone, Copy, Debug)]
pub struct Tight {
    pub fold_segments: usize,
    pub chunk: usize,
    pub ips: usize,
    /// At its edge, or long enough that not even garbage is left.
    pub skip_after_ms: u64,
    /// Any two nodes' clocks differ by at most this.
    pub skew_ms: u64,
    /// Every folder has a lease of its own: it is a hint, and nothing may depend on it.
    pub own_leases: bool,
    /// Keys deleted by one round of cleaning.
    pub clean_keys: usize,
    /// The store stays slow.
    pub is_slow: bool,
}

impl Tight {
    /// How long it takes until the last thing that waits for its time is done, by whichever clock.
    pub fn quiet_rounds(&self) -> u64 {
        let longest_ms = self.skip_after_ms.max(self.clean_after_ms()) + self.skew_ms;
        let slow_ms = if self.is_slow { SLOW_QUIET_MS } else { 0 };
        (longest_ms + slow_ms) / self.heal_every_ms() + 5
    }

    /// Where nobody sees another's lease, slow folds come to their end only where they do not meet.
    pub fn heal_every_ms(&self) -> u64 {
        match self.is_slow && self.own_leases {
            true => SLOW_HEAL_EVERY_MS,
            false => HEAL_EVERY_MS,
        }
    }

    /// As the ledger's own limit: longer than it may take until a folder notices that it is void, and then a write is in flight.
    pub fn clean_after_ms(&self) -> u64 {
        LEASE_MS_MAX / 2 + IN_FLIGHT_MS_MAX + 19_000 + self.skew_ms
    }
}

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
