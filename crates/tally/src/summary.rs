//! What a set of IPs did in a window, and how two such sets add up.
//!
//! Each IP is in one set only, so that counts of IPs may be summed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::contract::IpRef;
use crate::state::IpState;
use crate::tally::Tally;
use crate::window::Window;

/// What a batch is asked for, beside its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    Totals,
    Paths,
    Callers,
}

/// A question about some IPs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub as_of_ms: u64,
    pub window: Window,
    pub detail: Detail,
    pub ips: Vec<IpRef>,
}

/// How much of the recent past: three windows at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentActivity {
    #[serde(rename = "last24h")]
    pub last24h: u64,
    #[serde(rename = "last7d")]
    pub last7d: u64,
    #[serde(rename = "last30d")]
    pub last30d: u64,
}

impl RecentActivity {
    pub fn merge(&mut self, other: Self) {
        self.last24h += other.last24h;
        self.last7d += other.last7d;
        self.last30d += other.last30d;
    }
}

/// Hits by country; the empty string is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryCount {
    pub country: String,
    pub requests: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSummary {
    pub path_key: String,
    pub tally: Tally,
    /// IPs that called it.
    pub ips: u64,
    /// Sorted by country.
    pub countries: Vec<CountryCount>,
    pub recent: RecentActivity,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerSummary {
    pub ip: String,
    pub tally: Tally,
    pub path_keys: u64,
    pub country: Option<String>,
    pub first_seen_ms: u64,
    pub last_seen_ms: u64,
    pub recent: RecentActivity,
}

/// What a set of IPs did in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// IP states read.
    pub answered: u64,
    /// IP states that are there and cannot be read.
    pub unreadable: u64,
    /// ... of which called in the window.
    pub ips: u64,
    /// Path keys that each IP called in the window, added up over the IPs.
    pub path_keys: u64,
    /// The oldest hit of these IPs, in the window or before it.
    pub first_seen_ms: Option<u64>,
    pub tally: Tally,
    /// Sorted by path key; empty unless asked for.
    pub paths: Vec<PathSummary>,
    /// Sorted by IP; empty unless asked for.
    pub callers: Vec<CallerSummary>,
}

impl PathSummary {
    fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.ips += other.ips;
        self.recent.merge(other.recent);
        for theirs in other.countries {
            match self
                .countries
                .binary_search_by(|ours| ours.country.cmp(&theirs.country))
            {
                Ok(at) => {
                    if let Some(ours) = self.countries.get_mut(at) {
                        ours.requests += theirs.requests;
                    }
                }
                Err(at) => self.countries.insert(at, theirs),
            }
        }
    }
}

/// Adds up states and summaries, in any order.
#[derive(Default)]
pub struct Adder {
    sum: Summary,
    paths: BTreeMap<String, PathSummary>,
    callers: BTreeMap<String, CallerSummary>,
}

impl Adder {
    /// Adds the state of an IP that is in no other state or summary added.
    pub fn add_state(&mut self, ip: &str, mut state: IpState, batch: &Batch) {
        let now_ms = batch.as_of_ms;
        state.age(now_ms);
        let mut of_ip = Tally::default();
        let mut path_keys = 0;
        for (path_key, path, tally) in state.paths_since(batch.window.start_ms(now_ms)) {
            path_keys += 1;
            of_ip.merge(&tally);
            if batch.detail == Detail::Paths {
                let requests = tally.count;
                let country = state.country().unwrap_or_default().to_owned();
                self.add_path(PathSummary {
                    path_key: path_key.to_owned(),
                    tally,
                    ips: 1,
                    countries: vec![CountryCount { country, requests }],
                    recent: path.recent(now_ms),
                });
            }
        }
        self.see_first(Some(state.first_seen_ms()));
        self.sum.answered += 1;
        self.sum.path_keys += path_keys;
        self.sum.ips += u64::from(of_ip.count > 0);
        self.sum.tally.merge(&of_ip);
        if batch.detail == Detail::Callers && of_ip.count > 0 {
            let caller = state.caller(ip, of_ip, path_keys, now_ms);
            self.callers.insert(ip.to_owned(), caller);
        }
    }

    /// Counts an IP whose state cannot be read.
    pub fn add_unreadable(&mut self) {
        self.sum.unreadable += 1;
    }

    /// Adds a summary of other IPs.
    pub fn add(&mut self, summary: Summary) {
        self.see_first(summary.first_seen_ms);
        self.sum.answered += summary.answered;
        self.sum.unreadable += summary.unreadable;
        self.sum.ips += summary.ips;
        self.sum.path_keys += summary.path_keys;
        self.sum.tally.merge(&summary.tally);
        for path in summary.paths {
            self.add_path(path);
        }
        for caller in summary.callers {
            self.callers.insert(caller.ip.clone(), caller);
        }
    }

    fn see_first(&mut self, at_ms: Option<u64>) {
        let known = self.sum.first_seen_ms;
        self.sum.first_seen_ms = known.into_iter().chain(at_ms).min();
    }

    fn add_path(&mut self, path: PathSummary) {
        match self.paths.entry(path.path_key.clone()) {
            Entry::Occupied(mut known) => known.get_mut().merge(path),
            Entry::Vacant(free) => {
                free.insert(path);
            }
        }
    }

    /// The sum of all that was added.
    pub fn finish(self) -> Summary {
        Summary {
            paths: self.paths.into_values().collect(),
            callers: self.callers.into_values().collect(),
            ..self.sum
        }
    }
}
