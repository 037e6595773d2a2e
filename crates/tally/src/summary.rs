//! Summaries: the numbers of a set of IPs in a window, and the queries for them.

use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestDetail, BacktestSummary};
use crate::bucket::Ranges;
use crate::change::{ChangeCounts, Comparison};
use crate::contract::IpRef;
use crate::filter::Filter;
use crate::hit::Grouping;
use crate::order::{IpOrder, Metric, PathOrder};
use crate::span::Span;
use crate::tally::Tally;
use crate::window::Window;

/// The details of each country that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountryDetail {
    #[default]
    Nothing,
    /// Only its requests.
    Requests,
    All,
}

/// The details asked for, besides the totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The number of paths: the first in the order of [`Self::path_order`]. A batch of IPs tells
    /// all of its paths, because other IPs may call these paths, too.
    pub paths: u32,
    pub path_order: PathOrder,
    /// [`Summary::path_keys`]. If it is not asked for, the sums over all IPs may tell less.
    pub path_keys: bool,
    pub countries: CountryDetail,
    /// The number of callers: the first in the order of [`Self::order`]. An IP is in one batch
    /// only. So an IP that is not among the first of its batch is not among the first of all.
    pub callers: u32,
    pub order: IpOrder,
    /// The buckets of the window and of the period before it.
    pub timeline: bool,
    /// The hits of each path, caller and group by bucket of the window.
    pub buckets: bool,
    /// The callers' user agents, and callers that did nothing in the window.
    pub profiles: bool,
    /// The groups of the hits.
    pub groups: Option<GroupDetail>,
    /// The backtest of a rate limit. An IP is a caller, and is in one batch only. Not beside
    /// `groups`.
    pub backtest: Option<BacktestDetail>,
}

/// The groups that are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDetail {
    pub by: Grouping,
    /// The number of groups: the first in this order.
    pub limit: u32,
    pub order: Metric,
    pub ascending: bool,
    /// A part of the names, in lower case. Groups without it are left out. Empty: there are all.
    pub search: String,
    /// Whether [`GroupSummary::new_ips`] is asked for.
    pub new_ips: bool,
    /// Lists only groups that changed, the highest score first. Then `order` and `ascending` do not
    /// matter.
    pub comparison: Option<Comparison>,
    /// Asks for the totals and the timeline of this group of a dimension, and for no list.
    pub only: Option<String>,
}

impl GroupDetail {
    /// The groups with the most hits.
    pub fn new(by: Grouping, limit: u32) -> Self {
        Self {
            by,
            limit,
            order: Metric::Requests,
            ascending: false,
            search: String::new(),
            new_ips: false,
            comparison: None,
            only: None,
        }
    }

    /// Whether a group is in the list.
    pub fn lets(&self, name: &str) -> bool {
        self.search.is_empty() || name.to_lowercase().contains(&self.search)
    }
}

impl Details {
    /// The buckets that the question is about.
    pub fn span(&self, window: Window, ranges: &Ranges) -> Span {
        match &self.backtest {
            Some(backtest) => backtest.span(window, ranges),
            None => window.span(ranges),
        }
    }

    /// IPs that were last seen before this time have nothing to add.
    pub fn since_ms(&self, span: &Span) -> u64 {
        let groups = self.groups.as_ref();
        // The first hit, last hit and recent hits of a path are over all IPs.
        if self.profiles || self.paths > 0 {
            0
        } else if self.timeline {
            span.timeline_starts().start
        } else if let Some(other) = groups.and_then(|groups| groups.comparison.as_ref()) {
            span.from_ms.min(other.from_ms)
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
    /// The hits that count. The IPs are chosen already. So its `ip` is not looked at.
    pub filter: Filter,
    pub details: Details,
    pub ips: Vec<IpRef>,
}

/// A question about the sums over all IPs. It is about one share of the paths. The first share also
/// has the sums over all paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub root: u64,
    pub as_of_ms: u64,
    pub window: Window,
    /// The hits that count. Only conditions on paths are looked at.
    pub filter: Filter,
    pub details: Details,
    /// The number of this share, from 0, and the number of shares, which is a power of two. If
    /// there is one share, it has everything.
    pub number: u32,
    pub count: u32,
}

/// Asks for the IPs that called most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaviestQuery {
    pub root: u64,
    pub as_of_ms: u64,
    pub window: Window,
    /// The number of IPs that are wanted.
    pub count: u32,
}

/// The IPs that may be among those that called most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    pub ips: Vec<IpRef>,
    /// No other tracked IP has more hits than this.
    pub others_at_most: u64,
    /// If another tracked IP has exactly that many hits, its address as text is not before this one.
    /// None: it may have any address.
    pub others_from: Option<String>,
}

/// Hits of the last 24 hours, 7 days and 30 days. The window asked for does not matter.
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

/// Hits by country. The empty string is an unknown country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryCount {
    pub country: String,
    pub requests: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSummary {
    pub path_key: String,
    pub tally: Tally,
    /// IPs that called the path.
    pub ips: u64,
    /// Sorted by country.
    pub countries: Vec<CountryCount>,
    /// Over all IPs, in any window and with any status.
    pub first_seen_ms: u64,
    pub last_seen_ms: u64,
    pub recent: RecentActivity,
    /// The hits by bucket of the window. Empty unless asked for.
    pub buckets: Vec<BucketCount>,
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
    pub network: Option<String>,
    /// On paths that the filter lets through, in any window and with any status.
    pub first_seen_ms: Option<u64>,
    pub last_seen_ms: Option<u64>,
    pub recent: RecentActivity,
    /// The newest first. Empty unless asked for.
    pub user_agents: Vec<String>,
    /// The names that admins gave the caller. The collector leaves it empty.
    pub labels: Vec<String>,
    /// The hits by bucket of the window. Empty unless asked for.
    pub buckets: Vec<BucketCount>,
}

/// The hits of the IPs that told this country last. The empty string is an unknown country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountrySummary {
    pub country: String,
    pub tally: Tally,
    /// IPs that called in the window.
    pub ips: u64,
}

/// The hits that are the same in one property: those for one host, or of one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSummary {
    pub name: String,
    pub tally: Tally,
    /// IPs that called in the window. From the sums over all IPs, a status has none.
    pub ips: u64,
    /// Those of them that had no hit before the window that the filter lets through. 0 unless asked
    /// for.
    pub new_ips: u64,
    /// The hits in the stretch of time that is compared with.
    pub before: Tally,
    /// Of an IP: the network that it belongs to.
    pub network: Option<String>,
    /// The names that admins gave the group. The collector leaves it empty.
    pub labels: Vec<String>,
    /// The hits by bucket of the window. Empty unless asked for.
    pub buckets: Vec<BucketCount>,
}

/// The groups of the hits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupList {
    /// The first in the order asked for. From a batch of IPs: all, if other IPs may have the same
    /// groups.
    pub first: Vec<GroupSummary>,
    /// Whether `first` has all groups.
    pub is_whole: bool,
    /// The number of groups with the text that is searched for. In a comparison, the number of these
    /// that changed in one of the ways asked for.
    pub count: u64,
    /// In a comparison, the number of groups with this text by the way in which they changed.
    pub changes: ChangeCounts,
    /// In a comparison, all hits in the stretch of time that is compared with.
    pub before_hits: u64,
    /// Those of them that are counted without their name, because there were too many names.
    pub before_other_hits: u64,
    /// Hits of groups that are counted as one, because there were too many.
    pub other_hits: u64,
    /// Hits without the property.
    pub unknown_hits: u64,
}

/// The hits of a path, caller or group in a bucket of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketCount {
    pub start_ms: u64,
    pub hits: u64,
}

/// Adds hits to their bucket. The buckets stay sorted by their start.
pub fn count_in(buckets: &mut Vec<BucketCount>, start_ms: u64, hits: u64) {
    match buckets.binary_search_by_key(&start_ms, |of| of.start_ms) {
        Ok(at) => {
            if let Some(known) = buckets.get_mut(at) {
                known.hits += hits;
            }
        }
        Err(at) => buckets.insert(at, BucketCount { start_ms, hits }),
    }
}

/// Adds other hits of the same path, caller or group.
pub fn merge_buckets(buckets: &mut Vec<BucketCount>, other: &[BucketCount]) {
    for of in other {
        count_in(buckets, of.start_ms, of.hits);
    }
}

/// A bucket of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSlot {
    pub start_ms: u64,
    pub tally: Tally,
    /// IPs that called in this bucket.
    pub ips: u64,
    /// Those of them that were first seen in it, on the paths that the filter lets through.
    pub new_ips: u64,
}

impl TimeSlot {
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.ips += other.ips;
        self.new_ips += other.new_ips;
    }
}

/// The numbers of a set of IPs in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// IP states that were read. From the sums over all IPs: the IPs that are tracked.
    pub answered: u64,
    /// IPs seen within `active_days`. The window does not matter. Only the sums over all IPs tell
    /// it.
    pub active: u64,
    /// IP states that exist and cannot be read.
    pub unreadable: u64,
    /// IPs that called in the window.
    pub ips: u64,
    /// IPs that called in the window, and were first seen in it, on the paths that the filter lets
    /// through.
    pub new_ips: u64,
    /// IPs that called in the period of the same length before. 0 unless a timeline was asked for.
    pub previous_ips: u64,
    /// Path keys that each IP called in the window, added up over the IPs. Not all of them unless
    /// asked for.
    pub path_keys: u64,
    /// Distinct path keys called in the window. 0 unless paths were asked for.
    pub unique_paths: u64,
    /// Only under a condition on paths: hits in the window on paths that are counted as one. It is
    /// not known which of them match the condition.
    pub other_path_hits: u64,
    /// The oldest hit of these IPs on paths that the filter lets through, in the window or before
    /// it.
    pub first_seen_ms: Option<u64>,
    /// Only under a condition on paths: the newest hit of these IPs on paths that the filter lets
    /// through, in any window.
    pub last_seen_ms: Option<u64>,
    /// Hits within the last hour. They say how fast the numbers change.
    pub last_hour: u64,
    pub tally: Tally,
    /// Empty unless asked for.
    pub paths: Vec<PathSummary>,
    /// Sorted by method. Empty unless paths were asked for.
    pub methods: Vec<MethodCount>,
    /// Sorted by country. Empty unless asked for.
    pub countries: Vec<CountrySummary>,
    /// The callers asked for, in the order asked for. Empty unless asked for.
    pub callers: Vec<CallerSummary>,
    /// Sorted by start, without empty buckets. Empty unless asked for.
    pub timeline: Vec<TimeSlot>,
    /// None unless asked for.
    pub groups: Option<GroupList>,
    /// None unless asked for.
    pub backtest: Option<BacktestSummary>,
}

impl GroupSummary {
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.ips += other.ips;
        self.new_ips += other.new_ips;
        self.before.merge(&other.before);
        merge_buckets(&mut self.buckets, &other.buckets);
    }
}

impl PathSummary {
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.ips += other.ips;
        self.first_seen_ms = self.first_seen_ms.min(other.first_seen_ms);
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
        self.recent.merge(other.recent);
        merge_buckets(&mut self.buckets, &other.buckets);
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
