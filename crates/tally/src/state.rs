//! All that is known of one IP.
//!
//! The same hits in the same order give the same state, if both states are aged to the same moment.
//! The cut into segments does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::contract::{ExportRow, RecentActivity};
use crate::filter::Filter;
use crate::hit::{CompactHit, Hit, Names, OTHER_PATHS};
use crate::series::Series;
use crate::status::StatusFilter;
use crate::tally::Tally;
use crate::window::{Ranges, Span, Window};

/// The most distinct path keys kept of one IP. Hits on further path keys are counted under
/// [`OTHER_PATHS`], and count as dropped from their path.
pub const PATH_KEYS_MAX: usize = 1_000;
/// The most user agents kept of one IP. The ones seen last are kept.
pub const USER_AGENTS_MAX: usize = 5;

/// The hits of one IP on one path key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathState {
    pub first_seen_ms: u64,
    pub last_seen_ms: u64,
    pub series: Series,
}

/// All that is known of one IP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpState {
    /// The country of the newest hit that has one, and the time of that hit.
    pub country: Option<(u64, String)>,
    /// Sorted by time. The one seen last is at the end.
    pub user_agents: BTreeSet<(u64, String)>,
    pub paths: BTreeMap<String, PathState>,
}

impl IpState {
    /// Counts a single hit. For many hits, see [`Self::count`].
    pub fn add(&mut self, hit: &Hit, ranges: &Ranges) -> bool {
        let mut names = Names::default();
        let hit = names.compact(&hit.as_hit_ref());
        self.count(&hit, &names, ranges)
    }

    /// Counts a hit. Returns whether it was counted under [`OTHER_PATHS`].
    pub fn count(&mut self, hit: &CompactHit, names: &Names, ranges: &Ranges) -> bool {
        if let Some(country) = hit.country() {
            let told = (hit.timestamp_ms, names.text(country));
            let known = self.country.as_ref();
            if known.is_none_or(|(at_ms, known)| (*at_ms, known.as_str()) < told) {
                self.country = Some((told.0, told.1.to_owned()));
            }
        }
        if let Some(user_agent) = hit.user_agent() {
            self.add_user_agent(hit.timestamp_ms, names.text(user_agent));
        }
        let path_key = names.text(hit.path_key);
        if let Some(path) = self.paths.get_mut(path_key) {
            path.count(hit, ranges);
            return false;
        }
        let other = self.paths.len() >= PATH_KEYS_MAX;
        let path_key = if other { OTHER_PATHS } else { path_key };
        let path = self.paths.entry(path_key.to_owned()).or_default();
        path.count(hit, ranges);
        other
    }

    fn add_user_agent(&mut self, at_ms: u64, name: &str) {
        let known = self
            .user_agents
            .iter()
            .find(|(_, known)| known == name)
            .cloned();
        if let Some(known) = known {
            if known.0 >= at_ms {
                return;
            }
            self.user_agents.remove(&known);
        }
        self.user_agents.insert((at_ms, name.to_owned()));
        if self.user_agents.len() > USER_AGENTS_MAX {
            self.user_agents.pop_first();
        }
    }

    /// Ages every series to the moment of `ranges`.
    pub fn age(&mut self, ranges: &Ranges) {
        for path in self.paths.values_mut() {
            path.series.age(ranges);
        }
    }

    pub fn country(&self) -> Option<&str> {
        self.country.as_ref().map(|(_, country)| country.as_str())
    }

    /// The user agents seen last, the newest first.
    pub fn user_agents(&self) -> impl Iterator<Item = &str> {
        self.user_agents.iter().rev().map(|(_, name)| name.as_str())
    }

    /// The user agent seen last.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agents.last().map(|(_, name)| name.as_str())
    }

    pub fn first_seen_ms(&self) -> u64 {
        self.paths
            .values()
            .map(|path| path.first_seen_ms)
            .min()
            .unwrap_or(0)
    }

    pub fn last_seen_ms(&self) -> u64 {
        self.paths
            .values()
            .map(|path| path.last_seen_ms)
            .max()
            .unwrap_or(0)
    }

    /// All hits that were ever counted.
    pub fn hits(&self) -> u64 {
        self.hits_by_path().map(|(_, hits)| hits).sum()
    }

    /// The path keys, each with all hits that were ever counted.
    pub fn hits_by_path(&self) -> impl Iterator<Item = (&str, u64)> {
        let ever = Span::ALL.starts();
        let paths = self.paths.iter();
        paths.map(move |(key, path)| (key.as_str(), path.count_within(&ever, None)))
    }

    /// The path keys that the filter lets through. If the filter excludes the IP's country, there
    /// are none.
    pub fn paths(&self, filter: &Filter) -> impl Iterator<Item = (&str, &PathState)> {
        let mine = filter.lets_country(self.country());
        let paths = self.paths.iter();
        paths
            .filter(move |(key, _)| mine && filter.lets_path(key))
            .map(|(key, path)| (key.as_str(), path))
    }

    /// The rows of this IP in an export: one for each path called in the span. Bytes and response
    /// times are not kept by status.
    pub fn rows(&self, ip: &str, span: &Span, filter: &Filter) -> Vec<ExportRow> {
        let starts = span.starts();
        let row = |(key, path): (&str, &PathState)| {
            let tally = path.within(&starts, filter.status);
            let (method, target) = key.split_once(' ').unwrap_or(("", key));
            let classes = tally.classes();
            (tally.count > 0).then(|| ExportRow {
                ip: ip.to_owned(),
                path_key: key.to_owned(),
                method: method.to_owned(),
                path: target.to_owned(),
                count: tally.count,
                first_seen_ms: path.first_seen_ms,
                last_accessed_ms: path.last_seen_ms,
                country: self.country().map(str::to_owned),
                user_agent: self.user_agent().map(str::to_owned),
                client_errors: classes.client_error,
                server_errors: classes.server_error,
                bytes: filter.status.is_none().then_some(tally.bytes),
                timed: tally.timed,
                time_sum_us: tally.time_sum_us,
            })
        };
        self.paths(filter).filter_map(row).collect()
    }
}

impl Default for PathState {
    fn default() -> Self {
        Self {
            first_seen_ms: u64::MAX,
            last_seen_ms: 0,
            series: Series::default(),
        }
    }
}

impl PathState {
    fn count(&mut self, hit: &CompactHit, ranges: &Ranges) {
        self.first_seen_ms = self.first_seen_ms.min(hit.timestamp_ms);
        self.last_seen_ms = self.last_seen_ms.max(hit.timestamp_ms);
        self.series.add(hit.timestamp_ms, hit.measures(), ranges);
    }

    /// The hits, of one status or class or of all, in the buckets that start within `starts`.
    pub fn within(&self, starts: &Range<u64>, status: Option<StatusFilter>) -> Tally {
        match self.is_within(starts) {
            true => self.series.within(starts, status),
            false => Tally::default(),
        }
    }

    /// Like [`Self::within`], but only the number of hits.
    pub fn count_within(&self, starts: &Range<u64>, status: Option<StatusFilter>) -> u64 {
        match self.is_within(starts) {
            true => self.series.count_within(starts, status),
            false => 0,
        }
    }

    /// Whether a bucket of this path can start within `starts`.
    fn is_within(&self, starts: &Range<u64>) -> bool {
        self.last_seen_ms >= starts.start
    }

    /// The buckets that start within `starts`, each with its start.
    pub fn buckets_within(&self, starts: &Range<u64>) -> impl Iterator<Item = (u64, &Tally)> {
        self.series.buckets_within(starts)
    }

    /// The hits of the last 24 hours, 7 days and 30 days.
    pub fn recent(&self, ranges: &Ranges, status: Option<StatusFilter>) -> RecentActivity {
        let count = |window: Window| self.count_within(&window.span(ranges).starts(), status);
        RecentActivity {
            last24h: count(Window::Day),
            last7d: count(Window::Week),
            last30d: count(Window::Month),
        }
    }
}
