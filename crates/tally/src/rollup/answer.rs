//! Answers a question about all IPs from the rollups.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::sums::change_group;
use super::{GroupSums, Groups, IpSet, OTHER_GROUPS, PathSums};
use crate::backtest::Backtest;
use crate::bucket::Ranges;
use crate::bucket::{BucketId, Tier};
use crate::filter::UNKNOWN;
use crate::hit::{Dimension, Grouping, OTHER_PATHS};
use crate::hour_of_week::HourOfWeek;
use crate::order::{Metric, PathOrder};
use crate::span::Span;
use crate::summary::{
    BucketCount, CountryDetail, CountrySummary, GroupDetail, GroupList, GroupSummary, MethodCount,
    PathSummary, RecentActivity, Slice, Summary, TimeSlot, count_in, merge_buckets,
};
use crate::tally::Tally;
use crate::window::Window;

/// If there are this many more paths than the question wants, all but the first are dropped.
const PATHS_SPARE: usize = 1_000;

/// The parts of the question that one bucket matters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    bucket: BucketId,
    /// If groups are hours of the week: the one that all of the bucket is in. None: the bucket is
    /// not shorter than a day.
    hour: Option<HourOfWeek>,
    pub in_window: bool,
    /// It is in the stretch of time that groups are compared with.
    pub in_other: bool,
    in_previous: bool,
    is_older: bool,
    is_active: bool,
    in_last_hour: bool,
}

/// The parts of a question that a set of IPs matters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SetParts {
    in_window: bool,
    in_previous: bool,
    is_active: bool,
}

/// Adds up the parts of the buckets that a question needs.
pub struct Sums<'s> {
    slice: &'s Slice,
    ranges: &'s Ranges,
    span: Span,
    active_from_ms: u64,
    sum: Summary,
    ips: IpSet,
    previous_ips: IpSet,
    /// Only under a condition on paths, or if new IPs are asked for: IPs seen before the window.
    known_ips: IpSet,
    /// The IPs of all paths together, by the parts of the question that they matter for.
    sets: BTreeMap<SetParts, IpSet>,
    /// By start of the slot, and whether it is in the window. If it is, it is not in the sum yet.
    timeline: BTreeMap<(u64, bool), Tally>,
    /// By start of the slot: its IPs, and those of them that the totals say are new.
    slots: BTreeMap<u64, (IpSet, u64)>,
    /// Only under a condition on paths, or in a group: IPs seen before the timeline.
    before_timeline: IpSet,
    countries: BTreeMap<String, (Tally, IpSet)>,
    /// The groups that the question is about, if they are not paths.
    groups: Groups,
    /// The hits of these groups by bucket of the window.
    buckets: BTreeMap<String, Vec<BucketCount>>,
    /// The hits of these groups in the stretch of time that is compared with.
    before: BTreeMap<String, Tally>,
    /// All hits in that stretch.
    all_before: Tally,
    /// Only if the question is about one group: all hits in the window.
    all_hits: u64,
    /// The groups of a question about groups of paths.
    list: GroupList,
    /// Only under a condition on paths: the sums of each path.
    sums: HashMap<String, Compared>,
    /// The paths that may be among the first.
    paths: Vec<PathSummary>,
    methods: BTreeMap<String, u64>,
    /// The most hits that a path had so far, as many as the question has paths. The fewest of these
    /// come first.
    most: BinaryHeap<Reverse<u64>>,
    backtest: Option<Backtest>,
    /// The callers that the backtest judges: the hits of each, by bucket of the limit.
    callers: BTreeMap<String, BTreeMap<u64, u64>>,
}

/// The sums of a path in the window, and its hits in the stretch of time that is compared with.
#[derive(Default)]
pub struct Compared {
    pub now: PathSums,
    /// The hits by bucket of the window. Empty unless asked for.
    pub buckets: Vec<BucketCount>,
    pub before: Tally,
}

/// The sums of a path that the answer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    All,
    /// Only its IPs. The path is not among the first.
    Ips,
    Nothing,
}

impl<'s> Sums<'s> {
    /// An IP is active if it was seen in a bucket from `active_from_ms` on.
    pub fn new(slice: &'s Slice, ranges: &'s Ranges, active_from_ms: u64) -> Self {
        Self {
            slice,
            ranges,
            span: slice.details.span(slice.window, ranges),
            active_from_ms,
            sum: Summary::default(),
            ips: IpSet::default(),
            previous_ips: IpSet::default(),
            known_ips: IpSet::default(),
            sets: BTreeMap::new(),
            timeline: BTreeMap::new(),
            slots: BTreeMap::new(),
            before_timeline: IpSet::default(),
            countries: BTreeMap::new(),
            groups: Groups::new(),
            buckets: BTreeMap::new(),
            before: BTreeMap::new(),
            all_before: Tally::default(),
            all_hits: 0,
            list: GroupList::default(),
            sums: HashMap::new(),
            paths: Vec::new(),
            methods: BTreeMap::new(),
            most: BinaryHeap::new(),
            backtest: slice.details.backtest.as_ref().map(Backtest::new),
            callers: BTreeMap::new(),
        }
    }

    /// The parts of the question that a bucket matters for. A fold wrote the bucket.
    pub fn wanted(&self, stored: BucketId) -> Wanted {
        let bucket = stored.aged(self.ranges);
        let last_hour = Window::Hour.span(self.ranges);
        let groups = self.slice.details.groups.as_ref();
        let other = groups.and_then(|groups| groups.comparison.as_ref());
        let has_hour = self.dimension() == Some(Dimension::HourOfWeek) && stored.tier < Tier::Day;
        Wanted {
            bucket,
            hour: has_hour.then(|| HourOfWeek::of(stored.start_ms, &self.ranges.calendar)),
            in_window: self.span.has(bucket),
            in_other: other.is_some_and(|other| other.has(bucket.start_ms)),
            in_previous: self.slice.details.timeline && self.span.has_before(bucket),
            is_older: self.span.is_behind(bucket),
            is_active: bucket.starts_within(self.active_from_ms),
            in_last_hour: bucket.tier == Tier::Fine && last_hour.has(bucket),
        }
    }

    /// Whether the totals of this bucket matter.
    pub fn wants_totals(&self, of: Wanted) -> bool {
        let is_first = self.slice.number == 0;
        let of_all = !self.slice.filter.is_on_paths();
        let is_of_time = of.in_window
            || of.in_other
            || of.in_previous
            || of.in_last_hour
            || of.is_older && self.wants_known();
        is_first && (of.is_active || of_all && is_of_time)
    }

    /// Whether the IPs seen before the window matter.
    fn wants_known(&self) -> bool {
        let groups = self.slice.details.groups.as_ref();
        groups.is_some_and(|groups| groups.new_ips || groups.only.is_some())
    }

    /// The group that the question is about.
    fn only(&self) -> Option<&'s str> {
        let groups = self.slice.details.groups.as_ref()?;
        groups.only.as_deref()
    }

    fn grouping(&self) -> Option<Grouping> {
        let details = &self.slice.details;
        let groups = details.groups.as_ref().map(|groups| groups.by);
        groups.or(details.backtest.as_ref().map(|backtest| backtest.by))
    }

    /// Whether the paths of this bucket matter.
    pub fn wants_paths(&self, of: Wanted) -> bool {
        if self.slice.filter.is_on_paths() {
            // The older buckets tell which IPs are new on these paths. Buckets that matter for
            // nothing are not asked for.
            return of.in_window || of.in_other || of.is_older || of.in_last_hour;
        }
        let by_path = matches!(self.grouping(), Some(Grouping::Path | Grouping::Method));
        (self.slice.details.paths > 0 || by_path) && (of.in_window || of.in_other)
    }

    /// Adds the sums of all paths of a bucket, but for the countries.
    pub fn add_totals(&mut self, of: Wanted, new_ips: u64, time_max_us: u64) {
        if self.slice.filter.is_on_paths() || self.only().is_some() {
            return;
        }
        if of.in_window {
            self.sum.new_ips += new_ips;
        }
        if let Some(slot_ms) = self.slot_ms(of) {
            self.slots.entry(slot_ms).or_default().1 += new_ips;
        }
        let longest = Tally {
            time_max_us,
            ..Tally::default()
        };
        self.add_tally(of, &longest);
    }

    /// Adds a country of a bucket, for all paths together.
    pub fn add_country(&mut self, of: Wanted, country: &str, tally: &mut Tally, ips: IpSet) {
        if let Some(hour) = of.hour {
            let sums = GroupSums {
                tally: tally.clone(),
                ips: ips.clone(),
            };
            self.add_group(of, &hour.name(), &sums);
        }
        if self.only().is_some() {
            self.all_hits += if of.in_window { tally.count } else { 0 };
            return;
        }
        let is_on_paths = self.slice.filter.is_on_paths();
        let all_countries = self.slice.details.countries != CountryDetail::Nothing;
        if of.in_window && all_countries && !is_on_paths {
            let known = self.countries.entry(country.to_owned()).or_default();
            known.0.merge(tally);
            known.1.union(&ips);
        }
        if !is_on_paths && self.grouping() == Some(Grouping::Country) {
            let name = if country.is_empty() { UNKNOWN } else { country };
            if of.in_window {
                self.count_group(of, name, tally.count);
                change_group(&mut self.groups, name, |known| {
                    known.tally.merge(tally);
                    known.ips.union(&ips);
                });
            }
            if of.in_other {
                add_before(&mut self.before, name, tally);
            }
        }
        if !is_on_paths && of.is_older && self.wants_known() {
            self.known_ips.union(&ips);
        }
        if !is_on_paths {
            // A country has no exact longest response time. The totals have it.
            tally.time_max_us = 0;
            self.add_tally(of, tally);
            self.add_to_slot(of, &ips);
        }
        // Most buckets matter for the same parts of the question. So their IPs are added up once.
        let parts = SetParts {
            in_window: of.in_window && !is_on_paths,
            in_previous: of.in_previous && !is_on_paths,
            is_active: of.is_active,
        };
        self.sets.entry(parts).or_default().union(&ips);
    }

    /// The dimension that the question is about.
    pub fn dimension(&self) -> Option<Dimension> {
        match self.grouping()? {
            Grouping::Of(dimension) if !self.slice.filter.is_on_paths() => Some(dimension),
            _ => None,
        }
    }

    /// Adds a group of this dimension in a bucket.
    pub fn add_group(&mut self, of: Wanted, name: &str, sums: &GroupSums) {
        if let Some(only) = self.only() {
            if name == only {
                self.add_sums(of, sums);
            }
            if name == OTHER_GROUPS && of.in_window {
                self.list.other_hits += sums.tally.count;
            }
            return;
        }
        if of.in_other {
            add_before(&mut self.before, name, &sums.tally);
        }
        if !of.in_window {
            return;
        }
        if self.backtest.is_none() {
            self.count_group(of, name, sums.tally.count);
            change_group(&mut self.groups, name, |known| known.merge(sums));
            return;
        }
        let slot_ms = self.span.slot_ms(of.bucket.start_ms, self.ranges);
        let caller = self.callers.entry(name.to_owned()).or_default();
        *caller.entry(slot_ms).or_default() += sums.tally.count;
    }

    /// Counts the hits of a group in a bucket of the window.
    fn count_group(&mut self, of: Wanted, name: &str, hits: u64) {
        if let Some(start_ms) = self.listed_bucket_ms(of) {
            count_in(
                self.buckets.entry(name.to_owned()).or_default(),
                start_ms,
                hits,
            );
        }
    }

    /// The bucket of a timeline that hits in a bucket count in, if the question asks for the hits
    /// of each path, caller or group by bucket.
    pub fn listed_bucket_ms(&self, of: Wanted) -> Option<u64> {
        let has_place = of.in_window && of.bucket.tier != Tier::Before;
        (self.slice.details.buckets && has_place)
            .then(|| self.span.slot_ms(of.bucket.start_ms, self.ranges))
    }

    /// Adds a bucket of the group that the question is about.
    fn add_sums(&mut self, of: Wanted, sums: &GroupSums) {
        self.add_tally(of, &sums.tally);
        self.add_to_slot(of, &sums.ips);
        if of.in_window {
            self.ips.union(&sums.ips);
        }
        if of.in_previous {
            self.previous_ips.union(&sums.ips);
        }
        if of.is_older {
            self.known_ips.union(&sums.ips);
        }
    }

    /// Counts a path without a condition on paths: the hits that it has in all buckets of the
    /// window, and in those of the stretch of time that is compared with. Then give [`Self::add_path`] or [`Self::add_ips`] the sums that this returns.
    pub fn count_path(&mut self, path_key: &str, hits: u64, before_hits: u64) -> Needed {
        let method = path_key.split(' ').next().unwrap_or_default();
        if hits > 0 {
            self.sum.unique_paths += 1;
            match self.methods.get_mut(method) {
                Some(known) => *known += hits,
                None => _ = self.methods.insert(method.to_owned(), hits),
            }
        }
        let details = &self.slice.details;
        let (wanted, is_by_requests) = match &details.groups {
            Some(GroupDetail {
                by: Grouping::Method,
                ..
            }) => return Needed::All,
            Some(groups) if groups.by == Grouping::Path => {
                if path_key == OTHER_PATHS {
                    self.list.other_hits += hits;
                    self.list.before_other_hits += before_hits;
                    return Needed::Nothing;
                }
                if !groups.lets(path_key) {
                    return Needed::Nothing;
                }
                let is_by_requests = groups.order == Metric::Requests
                    && !groups.ascending
                    && groups.comparison.is_none();
                (groups.limit, is_by_requests)
            }
            _ => (details.paths, details.path_order == PathOrder::Requests),
        };
        let wanted = wanted as usize;
        if is_by_requests {
            let is_light = |least: &Reverse<u64>| hits < least.0;
            if self.most.len() >= wanted && self.most.peek().is_none_or(is_light) {
                // The list of groups counts it, too.
                self.list.count += 1;
                return match details.path_keys {
                    true => Needed::Ips,
                    false => Needed::Nothing,
                };
            }
            self.most.push(Reverse(hits));
            if self.most.len() > wanted {
                self.most.pop();
            }
        }
        Needed::All
    }

    /// Takes a path with the sums of all buckets.
    pub fn add_path(&mut self, path_key: &str, compared: Compared) {
        let (mut sums, before, buckets) = (compared.now, compared.before, compared.buckets);
        match &self.slice.details.groups {
            Some(groups) if groups.by == Grouping::Path => {
                let new_ips = match groups.new_ips {
                    true => sums.ips.count_outside(&mut self.known_ips),
                    false => 0,
                };
                let group = GroupSummary {
                    name: path_key.to_owned(),
                    ips: sums.ips.count(),
                    tally: sums.tally,
                    new_ips,
                    before,
                    buckets,
                    ..GroupSummary::default()
                };
                self.list.add(group, groups);
                return;
            }
            Some(groups) if groups.by == Grouping::Method => {
                let method = path_key.split(' ').next().unwrap_or_default();
                if sums.tally.count > 0 {
                    change_group(&mut self.groups, method, |known| {
                        known.tally.merge(&sums.tally);
                        known.ips.union(&sums.ips);
                    });
                    if !buckets.is_empty() {
                        let known = self.buckets.entry(method.to_owned()).or_default();
                        merge_buckets(known, &buckets);
                    }
                }
                add_before(&mut self.before, method, &before);
                return;
            }
            _ => {}
        }
        let ips = self.add_ips(&mut sums.ips);
        self.paths.push(PathSummary {
            path_key: path_key.to_owned(),
            tally: sums.tally,
            ips,
            countries: sums.countries,
            first_seen_ms: u64::MAX,
            last_seen_ms: 0,
            recent: RecentActivity::default(),
            buckets,
        });
        let most = (self.slice.details.paths as usize).saturating_add(PATHS_SPARE);
        if self.paths.len() >= most {
            self.keep_first();
        }
    }

    /// Counts the IPs of a path in the window. Returns their number.
    pub fn add_ips(&mut self, ips: &mut IpSet) -> u64 {
        let count = ips.count();
        self.sum.path_keys += count;
        count
    }

    fn keep_first(&mut self) {
        let details = &self.slice.details;
        self.paths = details.path_order.sort(std::mem::take(&mut self.paths));
        self.paths.truncate(details.paths as usize);
    }

    /// Adds one bucket of a path that the filter lets through. For a question with a condition on
    /// paths.
    pub fn add_bucket(&mut self, of: Wanted, path_key: &str, sums: &PathSums) {
        self.add_tally(of, &sums.tally);
        self.add_to_slot(of, &sums.ips);
        if of.in_previous {
            self.previous_ips.union(&sums.ips);
        }
        if of.is_older {
            self.known_ips.union(&sums.ips);
        }
        if !of.in_window && !of.in_other {
            return;
        }
        let start_ms = self.listed_bucket_ms(of);
        let known = match self.sums.get_mut(path_key) {
            Some(known) => known,
            None => self.sums.entry(path_key.to_owned()).or_default(),
        };
        if of.in_other {
            known.before.merge(&sums.tally);
            self.all_before.merge(&sums.tally);
        }
        if of.in_window {
            known.now.merge(sums);
            self.ips.union(&sums.ips);
        }
        if let Some(start_ms) = start_ms {
            count_in(&mut known.buckets, start_ms, sums.tally.count);
        }
    }

    /// Counts hits on paths that are counted as one, if some of them may be on paths that the
    /// filter lets through.
    pub fn add_other_paths(&mut self, of: Wanted, hits: u64) {
        if of.in_window {
            self.sum.other_path_hits += hits;
        }
    }

    fn add_tally(&mut self, of: Wanted, tally: &Tally) {
        if of.in_last_hour {
            self.sum.last_hour += tally.count;
        }
        if of.in_other && !self.slice.filter.is_on_paths() {
            self.all_before.merge(tally);
        }
        if let Some(backtest) = &mut self.backtest
            && of.in_window
            && tally.count > 0
        {
            let slot_ms = self.span.slot_ms(of.bucket.start_ms, self.ranges);
            backtest.count(slot_ms, tally.count);
        }
        if let Some(slot_ms) = self.slot_ms(of) {
            let slot = self.timeline.entry((slot_ms, of.in_window)).or_default();
            slot.merge(tally);
        } else if of.in_window {
            self.sum.tally.merge(tally);
        }
    }

    /// The slot of the timeline that a bucket is in.
    fn slot_ms(&self, of: Wanted) -> Option<u64> {
        let is_shown = of.in_window || of.in_previous;
        // The bucket for all time before the days kept has no place in a timeline.
        let has_slot = self.slice.details.timeline && is_shown && of.bucket.tier != Tier::Before;
        has_slot.then(|| self.span.slot_ms(of.bucket.start_ms, self.ranges))
    }

    /// Adds the IPs of a bucket to its slot of the timeline.
    fn add_to_slot(&mut self, of: Wanted, ips: &IpSet) {
        match self.slot_ms(of) {
            Some(slot_ms) => self.slots.entry(slot_ms).or_default().0.union(ips),
            None if !self.slice.details.timeline => {}
            None if of.is_older || of.in_window => self.before_timeline.union(ips),
            None => {}
        }
    }

    /// The answer. The buckets do not know a path's first and last hit and its recent hits. So the
    /// answer lacks them.
    pub fn finish(mut self) -> Summary {
        let (details, is_on_paths) = (&self.slice.details, self.slice.filter.is_on_paths());
        let mut active_ips = IpSet::default();
        for (parts, ips) in std::mem::take(&mut self.sets) {
            if parts.in_window {
                self.ips.union(&ips);
            }
            if parts.in_previous {
                self.previous_ips.union(&ips);
            }
            if parts.is_active {
                active_ips.union(&ips);
            }
        }
        self.sum.active = active_ips.count();
        self.sum.ips = self.ips.count();
        self.sum.previous_ips = self.previous_ips.count();
        let only = self.only();
        if is_on_paths || only.is_some() {
            self.ips.subtract(self.known_ips.clone());
            self.sum.new_ips = self.ips.count();
        }
        for (path_key, compared) in std::mem::take(&mut self.sums) {
            let sums = &compared.now;
            if details.countries == CountryDetail::Requests {
                for of in &sums.countries {
                    let known = self.countries.entry(of.country.clone()).or_default();
                    known.0.count += of.requests;
                }
            }
            match self.count_path(&path_key, sums.tally.count, compared.before.count) {
                Needed::All => self.add_path(&path_key, compared),
                Needed::Ips => _ = self.add_ips(&mut { compared.now.ips }),
                Needed::Nothing => {}
            }
        }
        self.keep_first();
        let mut sum = self.sum;
        sum.paths = self.paths;
        let method = |(method, requests)| MethodCount { method, requests };
        sum.methods = self.methods.into_iter().map(method).collect();
        let country = |(country, (tally, mut ips)): (String, (Tally, IpSet))| CountrySummary {
            country,
            tally,
            ips: ips.count(),
        };
        sum.countries = self.countries.into_iter().map(country).collect();
        let mut seen = self.before_timeline;
        for ((start_ms, in_window), tally) in self.timeline {
            if in_window {
                sum.tally.merge(&tally);
            }
            match sum.timeline.last_mut() {
                Some(slot) if slot.start_ms == start_ms => slot.tally.merge(&tally),
                _ => {
                    let (mut ips, mut new_ips) = self.slots.remove(&start_ms).unwrap_or_default();
                    // The totals know new IPs of all hits alone.
                    if is_on_paths || only.is_some() {
                        new_ips = ips.count_outside(&mut seen);
                        seen.union(&ips);
                    }
                    sum.timeline.push(TimeSlot {
                        start_ms,
                        tally,
                        ips: ips.count(),
                        new_ips,
                    });
                }
            }
        }
        if let Some(mut backtest) = self.backtest {
            let known: u64 = self.callers.values().flat_map(BTreeMap::values).sum();
            let other = self.callers.remove(OTHER_GROUPS).unwrap_or_default();
            for (name, hits) in &self.callers {
                backtest.judge(name, hits);
            }
            backtest.add_unjudged(other.values().sum(), sum.tally.count.saturating_sub(known));
            sum.backtest = Some(backtest.finish());
        }
        if let Some(asked) = &details.groups {
            sum.groups = match asked.by {
                _ if only.is_some() => Some(GroupList {
                    unknown_hits: self.all_hits.saturating_sub(sum.tally.count),
                    ..self.list
                }),
                Grouping::Path => Some(self.list.sorted(asked)),
                // Only the first slice has the sums over all paths.
                _ if self.slice.number > 0 => None,
                by if by.is_of_status() => {
                    let group = |(name, tally)| {
                        let ips = IpSet::default();
                        (name, GroupSums { tally, ips })
                    };
                    let now = sum.tally.by_status(by).into_iter().map(group).collect();
                    let before = self.all_before.by_status(by);
                    let buckets = BTreeMap::new();
                    let known = IpSet::default();
                    Some(first_groups(now, buckets, before, asked, &sum.tally, known))
                }
                _ => Some(first_groups(
                    self.groups,
                    self.buckets,
                    self.before,
                    asked,
                    &sum.tally,
                    self.known_ips,
                )),
            };
            if let Some(groups) = &mut sum.groups {
                groups.before_hits = self.all_before.count;
            }
        }
        sum
    }
}

/// The first groups in the order asked for. `all` are the hits that may be in a group.
fn first_groups(
    mut groups: Groups,
    mut buckets: BTreeMap<String, Vec<BucketCount>>,
    mut before: BTreeMap<String, Tally>,
    asked: &GroupDetail,
    all: &Tally,
    mut known: IpSet,
) -> GroupList {
    let grouped_hits: u64 = groups.values().map(|of| of.tally.count).sum();
    let other = groups.remove(OTHER_GROUPS).unwrap_or_default();
    let other_before = before.remove(OTHER_GROUPS).unwrap_or_default();
    let mut list = GroupList {
        before_other_hits: other_before.count,
        other_hits: other.tally.count,
        unknown_hits: all.count.saturating_sub(grouped_hits),
        ..GroupList::default()
    };
    for (name, GroupSums { tally, mut ips }) in groups {
        let group = GroupSummary {
            new_ips: match asked.new_ips {
                true => ips.count_outside(&mut known),
                false => 0,
            },
            ips: ips.count(),
            before: before.remove(&name).unwrap_or_default(),
            buckets: buckets.remove(&name).unwrap_or_default(),
            name,
            tally,
            ..GroupSummary::default()
        };
        list.add(group, asked);
    }
    for (name, before) in before {
        let group = GroupSummary {
            name,
            before,
            ..GroupSummary::default()
        };
        list.add(group, asked);
    }
    list.sorted(asked)
}

fn add_before(groups: &mut BTreeMap<String, Tally>, name: &str, tally: &Tally) {
    match groups.get_mut(name) {
        Some(known) => known.merge(tally),
        None => _ = groups.insert(name.to_owned(), tally.clone()),
    }
}
