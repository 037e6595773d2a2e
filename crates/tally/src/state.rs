//! All that is known of one IP.
//!
//! The same hits in the same order give the same state, if both states are aged to the same moment.
//! The cut into segments does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::bucket::BucketId;
use crate::bucket::Ranges;
use crate::contract::{IpRows, PathRow, RecentActivity};
use crate::filter::Filter;
use crate::hit::{CompactHit, Hit, Names, OTHER_PATHS};
use crate::series::Series;
use crate::span::Span;
use crate::status::StatusFilter;
use crate::tally::Tally;
use crate::window::Window;

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

/// The country and the network of an IP, as the operator's files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// The version of the files. 0: the IP was never looked up.
    pub version: u64,
    pub country: Option<String>,
    pub network: Option<String>,
}

/// The country and the network that an IP's hits count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'o> {
    pub country: Option<&'o str>,
    pub network: Option<&'o str>,
}

/// What is known of one IP over all its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The country of the newest hit that has one, and the time of that hit.
    pub country: Option<(u64, String)>,
    pub located: Located,
    /// Sorted by time. The one seen last is at the end.
    pub user_agents: BTreeSet<(u64, String)>,
    pub first_seen_ms: u64,
    pub last_seen_ms: u64,
    /// The hits in each bucket. None is empty.
    pub hits: BTreeMap<BucketId, u64>,
    /// The number of path keys.
    pub path_keys: usize,
}

/// All that is known of one IP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpState {
    pub caller: Caller,
    /// By path key. While hits are counted, only the paths of these hits must be here: see
    /// [`IpState::needs_all_paths`].
    pub paths: BTreeMap<String, PathState>,
}

/// A hit, and the bucket that it lies in.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub hit: CompactHit,
    pub bucket: BucketId,
}

impl Placed {
    pub fn new(hit: CompactHit, ranges: &Ranges) -> Self {
        let bucket = BucketId::of(hit.timestamp_ms, ranges);
        Self { hit, bucket }
    }
}

impl Default for Caller {
    /// An IP without hits.
    fn default() -> Self {
        Self {
            country: None,
            located: Located::default(),
            user_agents: BTreeSet::new(),
            first_seen_ms: u64::MAX,
            last_seen_ms: 0,
            hits: BTreeMap::new(),
            path_keys: 0,
        }
    }
}

impl Located {
    /// A country that the IP told counts more than that of the files.
    fn origin<'o>(&'o self, told: Option<&'o str>) -> Origin<'o> {
        Origin {
            country: told.or(self.country.as_deref()),
            network: self.network.as_deref(),
        }
    }
}

impl Caller {
    /// Adds up what the paths know.
    pub fn of_paths(
        country: Option<(u64, String)>,
        user_agents: BTreeSet<(u64, String)>,
        paths: &BTreeMap<String, PathState>,
    ) -> Self {
        let mut caller = Self {
            country,
            user_agents,
            path_keys: paths.len(),
            ..Self::default()
        };
        for path in paths.values() {
            caller.first_seen_ms = caller.first_seen_ms.min(path.first_seen_ms);
            caller.last_seen_ms = caller.last_seen_ms.max(path.last_seen_ms);
            for (bucket, tally) in path.series.buckets() {
                *caller.hits.entry(bucket).or_default() += tally.count;
            }
        }
        caller
    }

    /// The country that the IP told last. If it told none: the one that the files say.
    pub fn country(&self) -> Option<&str> {
        self.origin().country
    }

    pub fn network(&self) -> Option<&str> {
        self.origin().network
    }

    pub fn origin(&self) -> Origin<'_> {
        let told = self.country.as_ref().map(|(_, country)| country.as_str());
        self.located.origin(told)
    }

    /// The origin after some hits more, if the IP is `located` then.
    pub fn origin_after<'c>(
        &'c self,
        hits: &[Placed],
        names: &'c Names,
        located: &'c Located,
    ) -> Origin<'c> {
        let known = self.country.as_ref();
        let known = known.map(|(at_ms, country)| (*at_ms, country.as_str()));
        let told = hits.iter().map(|placed| &placed.hit);
        let told = told.filter_map(|hit| Some((hit.timestamp_ms, names.text(hit.country()?))));
        located.origin(told.chain(known).max().map(|(_, country)| country))
    }

    /// The user agents seen last, the newest first.
    pub fn user_agents(&self) -> impl Iterator<Item = &str> {
        self.user_agents.iter().rev().map(|(_, name)| name.as_str())
    }

    /// The user agent seen last.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agents.last().map(|(_, name)| name.as_str())
    }

    fn count(&mut self, placed: &Placed, names: &Names) {
        let hit = &placed.hit;
        self.first_seen_ms = self.first_seen_ms.min(hit.timestamp_ms);
        self.last_seen_ms = self.last_seen_ms.max(hit.timestamp_ms);
        *self.hits.entry(placed.bucket).or_default() += 1;
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

    /// Whether a bucket has left its range.
    fn is_due(&self, ranges: &Ranges) -> bool {
        self.hits.keys().any(|bucket| bucket.is_due(ranges))
    }
}

impl IpState {
    /// Counts a single hit. For many hits, see [`Self::count`].
    pub fn add(&mut self, hit: &Hit, ranges: &Ranges) -> bool {
        let mut names = Names::default();
        let hit = names.compact(&hit.as_hit_ref());
        self.count(&Placed::new(hit, ranges), &names)
    }

    /// Whether counting these hits changes more than the paths of the hits: because buckets have
    /// left their range, or because the IP is in another country or network now. If not, only these
    /// paths and [`OTHER_PATHS`] must be in the state.
    pub fn needs_all_paths(
        caller: &Caller,
        hits: &[Placed],
        names: &Names,
        located: &Located,
        ranges: &Ranges,
    ) -> bool {
        caller.is_due(ranges) || caller.origin_after(hits, names, located) != caller.origin()
    }

    /// Counts a hit. Returns whether it was counted under [`OTHER_PATHS`].
    pub fn count(&mut self, placed: &Placed, names: &Names) -> bool {
        self.caller.count(placed, names);
        let path_key = names.text(placed.hit.path_key);
        if let Some(path) = self.paths.get_mut(path_key) {
            path.count(placed);
            return false;
        }
        let other = self.caller.path_keys >= PATH_KEYS_MAX;
        let path_key = if other { OTHER_PATHS } else { path_key };
        let path = self.paths.entry(path_key.to_owned()).or_insert_with(|| {
            self.caller.path_keys += 1;
            PathState::default()
        });
        path.count(placed);
        other
    }

    /// Ages every series to the moment of `ranges`.
    pub fn age(&mut self, ranges: &Ranges) {
        if !self.caller.is_due(ranges) {
            return;
        }
        for path in self.paths.values_mut() {
            path.series.age(ranges);
        }
        for (bucket, hits) in std::mem::take(&mut self.caller.hits) {
            *self.caller.hits.entry(bucket.aged(ranges)).or_default() += hits;
        }
    }

    /// All hits that were ever counted.
    pub fn hits(&self) -> u64 {
        self.caller.hits.values().sum()
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
        let mine = filter.lets_place(self.caller.country(), self.caller.network());
        let paths = self.paths.iter();
        paths
            .filter(move |(key, _)| mine && filter.lets_path(key))
            .map(|(key, path)| (key.as_str(), path))
    }

    /// The rows of this IP in an export: one for each path called in the span. Bytes and response
    /// times are not kept by status.
    pub fn rows(&self, ip: &str, span: &Span, filter: &Filter) -> IpRows {
        let starts = span.starts();
        let row = |(path_key, path): (&str, &PathState)| {
            let tally = path.within(&starts, filter.status.as_ref());
            let classes = tally.classes();
            (tally.count > 0).then(|| PathRow {
                path_key: path_key.to_owned(),
                count: tally.count,
                first_seen_ms: path.first_seen_ms,
                last_accessed_ms: path.last_seen_ms,
                client_errors: classes.client_error,
                server_errors: classes.server_error,
                bytes: filter.status.is_none().then_some(tally.bytes),
                timed: tally.timed,
                time_sum_us: tally.time_sum_us,
            })
        };
        IpRows {
            ip: ip.to_owned(),
            country: self.caller.country().map(str::to_owned),
            user_agent: self.caller.user_agent().map(str::to_owned),
            paths: self.paths(filter).filter_map(row).collect(),
        }
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
    fn count(&mut self, Placed { hit, bucket }: &Placed) {
        self.first_seen_ms = self.first_seen_ms.min(hit.timestamp_ms);
        self.last_seen_ms = self.last_seen_ms.max(hit.timestamp_ms);
        self.series.add(*bucket, hit.measures());
    }

    /// The hits, of one status or class or of all, in the buckets that start within `starts`.
    pub fn within(&self, starts: &Range<u64>, status: Option<&StatusFilter>) -> Tally {
        match self.is_within(starts) {
            true => self.series.within(starts, status),
            false => Tally::default(),
        }
    }

    /// Like [`Self::within`], but only the number of hits.
    pub fn count_within(&self, starts: &Range<u64>, status: Option<&StatusFilter>) -> u64 {
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
    pub fn recent(&self, ranges: &Ranges, status: Option<&StatusFilter>) -> RecentActivity {
        let count = |window: Window| self.count_within(&window.span(ranges).starts(), status);
        RecentActivity {
            last24h: count(Window::Day),
            last7d: count(Window::Week),
            last30d: count(Window::Month),
        }
    }
}
