//! Adds up states and summaries, in any order.
//!
//! Each IP is in only one state or summary. So counts of IPs may be summed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::backtest::Backtest;
use crate::bucket::BucketId;
use crate::bucket::Ranges;
use crate::filter::{Filter, UNKNOWN};
use crate::hit::{Dimension, Grouping, OTHER_PATHS};
use crate::span::Span;
use crate::state::{IpState, PathState};
use crate::summary::{
    Batch, BucketCount, CallerSummary, CountryCount, CountryDetail, CountrySummary, Details,
    GroupList, GroupSummary, MethodCount, PathSummary, RecentActivity, Summary, TimeSlot, count_in,
    merge_buckets,
};
use crate::tally::Tally;
use crate::window::Window;

/// If there are this many more callers than the question wants, all but the first are dropped.
const SPARE: usize = 1_000;

/// The question that each state is asked.
#[derive(Clone, Debug)]
pub struct StateQuery<'q> {
    pub filter: &'q Filter,
    pub ranges: &'q Ranges,
    pub span: Span,
}

impl<'q> StateQuery<'q> {
    pub fn new(batch: &'q Batch, ranges: &'q Ranges) -> Self {
        Self {
            filter: &batch.filter,
            ranges,
            span: batch.details.span(batch.window, ranges),
        }
    }
}

/// Adds up states and summaries.
pub struct Accumulator {
    details: Details,
    sum: Summary,
    paths: BTreeMap<String, PathSummary>,
    methods: BTreeMap<String, u64>,
    countries: BTreeMap<String, CountrySummary>,
    callers: Vec<CallerSummary>,
    timeline: BTreeMap<u64, TimeSlot>,
    /// Groups that other IPs may have, too.
    groups: BTreeMap<String, GroupSummary>,
    /// Groups that no other summary has.
    list: GroupList,
    backtest: Option<Backtest>,
}

impl Accumulator {
    /// Everything that is added must have been asked for the same details.
    pub fn new(details: Details) -> Self {
        Self {
            backtest: details.backtest.as_ref().map(Backtest::new),
            details,
            sum: Summary::default(),
            paths: BTreeMap::new(),
            methods: BTreeMap::new(),
            countries: BTreeMap::new(),
            callers: Vec::new(),
            timeline: BTreeMap::new(),
            groups: BTreeMap::new(),
            list: GroupList::default(),
        }
    }

    /// Adds the state of an IP. The IP must be in no other state or summary that is added.
    pub fn add_state(&mut self, ip: &str, mut state: IpState, asked: &StateQuery<'_>) {
        let StateQuery {
            filter,
            ranges,
            span,
        } = asked;
        let (status, starts) = (filter.status.as_ref(), span.starts());
        let last_hour = Window::Hour.span(ranges).starts();
        state.age(ranges);
        let mut caller = nobody(ip, &state);
        let mut called: BTreeSet<u64> = BTreeSet::new();
        let by = self.details.groups.as_ref().map(|groups| groups.by);
        let comparison = self.details.groups.as_ref();
        let comparison = comparison.and_then(|groups| groups.comparison.clone());
        // The hits of this IP: all of them, and by group.
        let mut all = Both::default();
        let mut groups: BTreeMap<String, Both> = BTreeMap::new();
        // The hits of this IP, by bucket of the limit.
        let mut slots: BTreeMap<u64, u64> = BTreeMap::new();
        for (path_key, path) in state.paths(filter) {
            caller.see(path);
            if self.details.callers > 0 {
                caller.recent.merge(path.recent(ranges, status));
            }
            self.add_buckets(path, asked, &mut called);
            if self.backtest.is_some() {
                each_slot(path, asked, |slot_ms, hits| {
                    *slots.entry(slot_ms).or_default() += hits;
                });
            }
            self.sum.last_hour += path.count_within(&last_hour, status);
            let tally = path.within(&starts, status);
            let requests = tally.count;
            let mut buckets = Vec::new();
            if self.details.buckets {
                each_slot(path, asked, |slot_ms, hits| {
                    count_in(&mut buckets, slot_ms, hits);
                });
                merge_buckets(&mut caller.buckets, &buckets);
            }
            caller.path_keys += u64::from(requests > 0);
            caller.tally.merge(&tally);
            let before = comparison.as_ref().map(|other| {
                let starts = other.from_ms..other.until_ms;
                path.within(&starts, status)
            });
            let before = before.unwrap_or_default();
            all.before.merge(&before);
            if let Some(by @ (Grouping::Path | Grouping::Method)) = by
                && requests + before.count > 0
            {
                let method = path_key.split(' ').next().unwrap_or_default();
                let name = if by == Grouping::Path {
                    path_key
                } else {
                    method
                };
                match path_key == OTHER_PATHS {
                    true => {
                        self.list.other_hits += requests;
                        self.list.before_other_hits += before.count;
                    }
                    false => {
                        let known = groups.entry(name.to_owned()).or_default();
                        known.now.merge(&tally);
                        known.before.merge(&before);
                        merge_buckets(&mut known.buckets, &buckets);
                    }
                }
            }
            if self.details.paths > 0 {
                let country = state.caller.country().unwrap_or_default().to_owned();
                self.add_path(PathSummary {
                    path_key: path_key.to_owned(),
                    tally,
                    ips: u64::from(requests > 0),
                    countries: match requests {
                        0 => Vec::new(),
                        _ => vec![CountryCount { country, requests }],
                    },
                    first_seen_ms: path.first_seen_ms,
                    last_seen_ms: path.last_seen_ms,
                    recent: path.recent(ranges, status),
                    buckets,
                });
            }
        }
        if filter.may_mean_other_paths()
            && filter.lets_place(state.caller.country(), state.caller.network())
            && let Some(path) = state.paths.get(OTHER_PATHS)
        {
            self.sum.other_path_hits += path.count_within(&starts, status);
        }
        self.sum.answered += 1;
        let last_seen_ms = caller.last_seen_ms.filter(|_| filter.is_on_paths());
        self.see(caller.first_seen_ms, last_seen_ms);
        self.sum.path_keys += caller.path_keys;
        let first_seen_ms = caller.first_seen_ms;
        let first = first_seen_ms.map(|ms| BucketId::of(ms, ranges));
        let is_new = first.is_some_and(|first| span.has(first));
        // A period before begins and ends with buckets of the timeline.
        let called_before = called.iter().any(|slot_ms| *slot_ms < span.from_ms);
        let first_slot_ms = first.map(|first| span.slot_ms(first.start_ms, ranges));
        for slot_ms in called {
            let slot = self.slot(slot_ms);
            slot.ips += 1;
            slot.new_ips += u64::from(first_slot_ms == Some(slot_ms));
        }
        self.sum.ips += u64::from(caller.tally.count > 0);
        self.sum.new_ips += u64::from(caller.tally.count > 0 && is_new);
        self.sum.previous_ips += u64::from(called_before);
        self.sum.tally.merge(&caller.tally);
        if self.details.countries != CountryDetail::Nothing && caller.tally.count > 0 {
            let mut tally = caller.tally.clone();
            // The longest response time as the sums over all IPs know it.
            tally.forget_max();
            self.add_country(CountrySummary {
                country: caller.country.clone().unwrap_or_default(),
                tally,
                ips: 1,
            });
        }
        if let Some(by) = by {
            all.now = caller.tally.clone();
            all.buckets = caller.buckets.clone();
            self.add_groups(by, groups, all, &caller, is_new);
        }
        if let Some(backtest) = &mut self.backtest {
            for (start_ms, hits) in &slots {
                backtest.count(*start_ms, *hits);
            }
            backtest.judge(ip, &slots);
        }
        if self.details.profiles {
            caller.user_agents = state.caller.user_agents().map(str::to_owned).collect();
        }
        let is_wanted = caller.tally.count > 0 || self.details.profiles;
        if self.details.callers > 0 && is_wanted {
            self.callers.push(caller);
        }
    }

    /// Counts an IP whose state cannot be read.
    pub fn add_unreadable(&mut self) {
        self.sum.unreadable += 1;
    }

    /// Adds a summary of other IPs.
    pub fn add(&mut self, summary: Summary) {
        self.see(summary.first_seen_ms, summary.last_seen_ms);
        self.sum.answered += summary.answered;
        self.sum.active += summary.active;
        self.sum.unreadable += summary.unreadable;
        self.sum.ips += summary.ips;
        self.sum.new_ips += summary.new_ips;
        self.sum.previous_ips += summary.previous_ips;
        self.sum.path_keys += summary.path_keys;
        self.sum.unique_paths += summary.unique_paths;
        self.sum.last_hour += summary.last_hour;
        self.sum.other_path_hits += summary.other_path_hits;
        self.sum.tally.merge(&summary.tally);
        for path in summary.paths {
            self.add_path(path);
        }
        for MethodCount { method, requests } in summary.methods {
            *self.methods.entry(method).or_default() += requests;
        }
        for country in summary.countries {
            self.add_country(country);
        }
        self.callers.extend(summary.callers);
        if self.callers.len() >= (self.details.callers as usize).saturating_add(SPARE) {
            self.callers = self.first_callers();
        }
        if let Some(groups) = summary.groups {
            self.add_list(groups);
        }
        if let (Some(backtest), Some(other)) = (&mut self.backtest, summary.backtest) {
            backtest.add(other);
        }
        for slot in summary.timeline {
            self.slot(slot.start_ms).merge(&slot);
        }
    }

    /// Adds the groups of one IP. `groups` has its hits by path or method.
    fn add_groups(
        &mut self,
        by: Grouping,
        mut groups: BTreeMap<String, Both>,
        all: Both,
        caller: &CallerSummary,
        is_new: bool,
    ) {
        let Some(asked) = &self.details.groups else {
            return;
        };
        if all.now.count + all.before.count == 0 {
            return;
        }
        self.list.before_hits += all.before.count;
        let mut add = |name: &str, all: Both| _ = groups.insert(name.to_owned(), all);
        match by {
            Grouping::Path | Grouping::Method => {}
            Grouping::StatusCode | Grouping::StatusClass => {
                for (name, tally) in all.now.by_status(by) {
                    groups.entry(name).or_default().now = tally;
                }
                for (name, tally) in all.before.by_status(by) {
                    groups.entry(name).or_default().before = tally;
                }
            }
            Grouping::Ip => add(&caller.ip, all),
            Grouping::Country => add(caller.country.as_deref().unwrap_or(UNKNOWN), all),
            Grouping::Of(Dimension::Network) => match &caller.network {
                Some(network) => add(network, all),
                None => self.list.unknown_hits += all.now.count,
            },
            // The states do not know these.
            Grouping::Of(_) => self.list.unknown_hits += all.now.count,
        }
        let is_by_place = matches!(by, Grouping::Country | Grouping::Of(_));
        for (name, mut both) in groups {
            if is_by_place {
                // The longest response time as the sums over all IPs know it.
                both.now.forget_max();
                both.before.forget_max();
            }
            let is_called = both.now.count > 0;
            let group = GroupSummary {
                name,
                tally: both.now,
                ips: u64::from(is_called),
                new_ips: u64::from(is_called && is_new && asked.new_ips),
                before: both.before,
                network: match by {
                    Grouping::Ip => caller.network.clone(),
                    _ => None,
                },
                labels: Vec::new(),
                buckets: both.buckets,
            };
            match by {
                Grouping::Ip => self.list.add(group, asked),
                _ if asked.lets(&group.name) => add_group(&mut self.groups, group),
                _ => {}
            }
        }
    }

    fn add_list(&mut self, mut list: GroupList) {
        if list.is_whole {
            for group in std::mem::take(&mut list.first) {
                add_group(&mut self.groups, group);
            }
        }
        if let Some(asked) = &self.details.groups {
            self.list.merge(list, asked);
        }
    }

    fn groups(&mut self) -> Option<GroupList> {
        let asked = self.details.groups.as_ref()?;
        let list = std::mem::take(&mut self.list);
        if list.count > 0 {
            return Some(list.sorted(asked));
        }
        Some(GroupList {
            first: std::mem::take(&mut self.groups).into_values().collect(),
            is_whole: true,
            ..list
        })
    }

    fn first_callers(&mut self) -> Vec<CallerSummary> {
        let callers = std::mem::take(&mut self.callers);
        let mut callers = self.details.order.sort(callers);
        callers.truncate(self.details.callers as usize);
        callers
    }

    fn see(&mut self, first_ms: Option<u64>, last_ms: Option<u64>) {
        let known = self.sum.first_seen_ms;
        self.sum.first_seen_ms = known.into_iter().chain(first_ms).min();
        self.sum.last_seen_ms = self.sum.last_seen_ms.max(last_ms);
    }

    /// Adds a path to the timeline. `called` gets the starts of the buckets in which it has hits.
    fn add_buckets(
        &mut self,
        path: &PathState,
        asked: &StateQuery<'_>,
        called: &mut BTreeSet<u64>,
    ) {
        if !self.details.timeline {
            return;
        }
        let StateQuery { ranges, span, .. } = asked;
        let status = asked.filter.status.as_ref();
        for (start_ms, tally) in path.buckets_within(&span.timeline_starts()) {
            if tally.count_of(status) > 0 {
                let slot_ms = span.slot_ms(start_ms, ranges);
                called.insert(slot_ms);
                self.slot(slot_ms).tally.merge_status(tally, status);
            }
        }
    }

    /// A bucket of the timeline. If it does not exist, it is made.
    fn slot(&mut self, start_ms: u64) -> &mut TimeSlot {
        let slot = self.timeline.entry(start_ms).or_default();
        slot.start_ms = start_ms;
        slot
    }

    fn add_path(&mut self, path: PathSummary) {
        match self.paths.entry(path.path_key.clone()) {
            Entry::Occupied(mut known) => known.get_mut().merge(path),
            Entry::Vacant(free) => {
                free.insert(path);
            }
        }
    }

    fn add_country(&mut self, country: CountrySummary) {
        match self.countries.entry(country.country.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.tally.merge(&country.tally);
                known.ips += country.ips;
            }
            Entry::Vacant(free) => {
                free.insert(country);
            }
        }
    }

    /// The sum of all IPs, if every IP was added: the number of paths that they called, and the
    /// first of these paths.
    pub fn finish_ips(mut self) -> Summary {
        self.paths.retain(|_, path| path.tally.count > 0);
        self.sum.unique_paths = self.paths.len() as u64;
        for path in self.paths.values() {
            let method = path.path_key.split(' ').next().unwrap_or_default();
            *self.methods.entry(method.to_owned()).or_default() += path.tally.count;
        }
        // There are no more IPs that may have the same groups.
        let groups = std::mem::take(&mut self.groups).into_values();
        if let Some(asked) = &self.details.groups {
            for group in groups {
                self.list.add(group, asked);
            }
        }
        self.finish_slices()
    }

    /// The sum of all slices, if every slice was added: the first of the paths. A slice itself says
    /// how many paths it has.
    pub fn finish_slices(self) -> Summary {
        let (order, limit) = (self.details.path_order, self.details.paths);
        let mut summary = self.finish();
        summary.paths = order.sort(summary.paths);
        summary.paths.truncate(limit as usize);
        summary
    }

    /// The sum of everything that was added. It can be added to another accumulator.
    pub fn finish(mut self) -> Summary {
        let groups = self.groups();
        let callers = self.first_callers();
        let method = |(method, requests)| MethodCount { method, requests };
        Summary {
            paths: self.paths.into_values().collect(),
            methods: self.methods.into_iter().map(method).collect(),
            countries: self.countries.into_values().collect(),
            callers,
            timeline: self.timeline.into_values().collect(),
            groups,
            backtest: self.backtest.map(Backtest::finish),
            ..self.sum
        }
    }
}

/// The hits in the window, and in the stretch of time that is compared with.
#[derive(Clone, Debug, Default)]
struct Both {
    now: Tally,
    before: Tally,
    /// Those in the window, by bucket. Empty unless asked for.
    buckets: Vec<BucketCount>,
}

/// Gives the hits of a path in the window, each time with the start of the slot that they are in.
fn each_slot(path: &PathState, asked: &StateQuery<'_>, mut give: impl FnMut(u64, u64)) {
    let StateQuery { ranges, span, .. } = asked;
    for (start_ms, tally) in path.buckets_within(&span.starts()) {
        let hits = tally.count_of(asked.filter.status.as_ref());
        if hits > 0 {
            give(span.slot_ms(start_ms, ranges), hits);
        }
    }
}

fn add_group(groups: &mut BTreeMap<String, GroupSummary>, group: GroupSummary) {
    match groups.get_mut(&group.name) {
        Some(known) => known.merge(&group),
        None => _ = groups.insert(group.name.clone(), group),
    }
}

/// An IP without any counted hit.
fn nobody(ip: &str, state: &IpState) -> CallerSummary {
    CallerSummary {
        ip: ip.to_owned(),
        tally: Tally::default(),
        path_keys: 0,
        country: state.caller.country().map(str::to_owned),
        network: state.caller.network().map(str::to_owned),
        first_seen_ms: None,
        last_seen_ms: None,
        recent: RecentActivity::default(),
        user_agents: Vec::new(),
        labels: Vec::new(),
        buckets: Vec::new(),
    }
}

impl CallerSummary {
    fn see(&mut self, path: &PathState) {
        let first = self.first_seen_ms.into_iter().chain([path.first_seen_ms]);
        self.first_seen_ms = first.min();
        self.last_seen_ms = self.last_seen_ms.max(Some(path.last_seen_ms));
    }
}
