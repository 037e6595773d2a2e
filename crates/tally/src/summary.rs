//! What a set of IPs did in a window.

use serde::{Deserialize, Serialize};

use crate::contract::IpRef;
use crate::filter::Filter;
use crate::order::{IpOrder, PathOrder};
use crate::tally::Tally;
use crate::window::{Span, Window};

/// What is asked of each country.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountryDetail {
    #[default]
    Nothing,
    /// Its requests alone.
    Requests,
    All,
}

/// What is asked for, beside the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// How many paths: the first of [`Self::path_order`]. A batch of IPs tells all of its paths: others may call them, too.
    pub paths: u32,
    pub path_order: PathOrder,
    pub countries: CountryDetail,
    /// How many callers: the first of [`Self::order`]. An IP is in one batch only, so that no other can be among the first of all.
    pub callers: u32,
    pub order: IpOrder,
    /// What the window and the one before it were made of.
    pub timeline: bool,
    /// The callers' user agents, too, and callers that did nothing in the window.
    pub profiles: bool,
}

impl Details {
    /// IPs that were not seen since then have nothing to tell.
    pub fn since_ms(self, span: &Span) -> u64 {
        // A path's first and last hit, and its recent past, are of all IPs.
        if self.profiles || self.paths > 0 {
            0
        } else if self.timeline {
            span.timeline_starts().start
        } else {
            span.from_ms
        }
    }
}

/// A question about some IPs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub as_of_ms: u64,
    pub window: Window,
    /// Which hits count. The IPs are chosen already, so that its `ip` is not looked at.
    pub filter: Filter,
    pub details: Details,
    pub ips: Vec<IpRef>,
}

/// A question about the sums over all IPs: about a share of the paths, and, if it is the first share, about all of them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub root: u64,
    pub as_of_ms: u64,
    pub window: Window,
    /// Which hits count. Only conditions on paths are looked at.
    pub filter: Filter,
    pub details: Details,
    /// Which share, from 0, of how many: a power of two. One share has everything.
    pub number: u32,
    pub count: u32,
}

/// Who called most, is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaviestQuery {
    pub root: u64,
    pub as_of_ms: u64,
    pub window: Window,
    /// How many are wanted.
    pub count: u32,
}

/// Who can be among those that called most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    pub ips: Vec<IpRef>,
    /// No other IP that is tracked has more hits. None: that is not known, and the candidates are none.
    pub others_at_most: Option<u64>,
}

/// Hits of the recent past, whatever the window asked for: three windows at once.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Of all IPs, whatever the window and the status.
    pub first_seen_ms: u64,
    pub last_seen_ms: u64,
    pub recent: RecentActivity,
}

/// Hits by method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCount {
    pub method: String,
    pub requests: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerSummary {
    pub ip: String,
    pub tally: Tally,
    pub path_keys: u64,
    pub country: Option<String>,
    /// On paths that the filter lets through, whatever the window and the status.
    pub first_seen_ms: Option<u64>,
    pub last_seen_ms: Option<u64>,
    pub recent: RecentActivity,
    /// The newest first; empty unless asked for.
    pub user_agents: Vec<String>,
}

/// What the IPs of a country did: those that told it last. The empty string is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountrySummary {
    pub country: String,
    pub tally: Tally,
    /// IPs that called in the window.
    pub ips: u64,
}

/// A piece of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSlot {
    pub start_ms: u64,
    pub tally: Tally,
}

/// What a set of IPs did in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// IP states read; of the sums over all IPs, the IPs that are tracked.
    pub answered: u64,
    /// IPs seen within `active_days`, whatever the window; only the sums over all IPs tell.
    pub active: u64,
    /// IP states that are there and cannot be read.
    pub unreadable: u64,
    /// ... of which called in the window.
    pub ips: u64,
    /// ... of which were first seen in it, on the paths that the filter lets through.
    pub new_ips: u64,
    /// IPs that called in the period of the same length before; 0 unless a timeline was asked for.
    pub previous_ips: u64,
    /// Path keys that each IP called in the window, added up over the IPs.
    pub path_keys: u64,
    /// Distinct path keys called in the window; 0 unless paths were asked for.
    pub unique_paths: u64,
    /// Under a condition on paths: hits in the window on paths that are counted as one. Which of them it means is not known.
    pub other_path_hits: u64,
    /// The oldest of these IPs' hits on paths that the filter lets through, in the window or before it.
    pub first_seen_ms: Option<u64>,
    /// Hits within the last hour: how fast this changes.
    pub last_hour: u64,
    pub tally: Tally,
    /// Empty unless asked for.
    pub paths: Vec<PathSummary>,
    /// Sorted by method; empty unless paths were asked for.
    pub methods: Vec<MethodCount>,
    /// Sorted by country; empty unless asked for.
    pub countries: Vec<CountrySummary>,
    /// In the order asked for, and no more than that; empty unless asked for.
    pub callers: Vec<CallerSummary>,
    /// Sorted by start, without empty ones; empty unless asked for.
    pub timeline: Vec<TimeSlot>,
}

impl PathSummary {
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.ips += other.ips;
        self.first_seen_ms = self.first_seen_ms.min(other.first_seen_ms);
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
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
