//! Answers a question about all IPs from the rollups.

use std::collections::{BTreeMap, HashMap};

use super::{IpSet, PathSums, Totals};
use crate::bucket::{BucketId, Tier};
use crate::summary::{
    CountryDetail, CountrySummary, MethodCount, PathSummary, RecentActivity, Slice, Summary,
    TimeSlot,
};
use crate::tally::Tally;
use crate::window::{Ranges, Span, Window};

/// The parts of the question that one bucket matters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    bucket: BucketId,
    in_window: bool,
    in_previous: bool,
    is_older: bool,
    is_active: bool,
    in_last_hour: bool,
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
    /// Only under a condition on paths: IPs seen before the window.
    known_ips: IpSet,
    active_ips: IpSet,
    timeline: BTreeMap<u64, Tally>,
    countries: BTreeMap<String, (Tally, IpSet)>,
    /// The position of each path in `sums`.
    places: HashMap<String, usize>,
    sums: Vec<PathSums>,
}

impl<'s> Sums<'s> {
    /// An IP is active if it was seen in a bucket from `active_from_ms` on.
    pub fn new(slice: &'s Slice, ranges: &'s Ranges, active_from_ms: u64) -> Self {
        Self {
            slice,
            ranges,
            span: slice.window.span(ranges),
            active_from_ms,
            sum: Summary::default(),
            ips: IpSet::default(),
            previous_ips: IpSet::default(),
            known_ips: IpSet::default(),
            active_ips: IpSet::default(),
            timeline: BTreeMap::new(),
            countries: BTreeMap::new(),
            places: HashMap::new(),
            sums: Vec::new(),
        }
    }

    /// The parts of the question that a bucket matters for. A fold wrote the bucket.
    pub fn wanted(&self, stored: BucketId) -> Wanted {
        let bucket = stored.aged(self.ranges);
        let last_hour = Window::Hour.span(self.ranges);
        Wanted {
            bucket,
            in_window: self.span.has(bucket),
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
        is_first && (of.is_active || of_all && (of.in_window || of.in_previous || of.in_last_hour))
    }

    /// Whether the paths of this bucket matter.
    pub fn wants_paths(&self, of: Wanted) -> bool {
        if self.slice.filter.is_on_paths() {
            // The older buckets tell which IPs are new on these paths. Buckets that matter for
            // nothing are not asked for.
            return of.in_window || of.is_older || of.in_last_hour;
        }
        self.slice.details.paths > 0 && of.in_window
    }

    pub fn add_totals(&mut self, of: Wanted, totals: &Totals) {
        if of.is_active {
            for country in totals.countries.values() {
                self.active_ips.union(&country.ips);
            }
        }
        if self.slice.filter.is_on_paths() {
            return;
        }
        let tally = totals.tally();
        self.add_tally(of, &tally);
        if of.in_previous {
            self.previous_ips.union(&totals.ips());
        }
        if !of.in_window {
            return;
        }
        self.sum.new_ips += totals.new_ips;
        for (country, sums) in &totals.countries {
            self.ips.union(&sums.ips);
            if self.slice.details.countries != CountryDetail::Nothing {
                let known = self.countries.entry(country.clone()).or_default();
                known.0.merge(&sums.tally);
                known.1.union(&sums.ips);
            }
        }
    }

    /// The place to add the sums of a path in the window. None: the question needs them in other
    /// places, too. Then use [`Self::add_path`].
    pub fn path(&mut self, of: Wanted, path_key: &str) -> Option<&mut PathSums> {
        if self.slice.filter.is_on_paths() || !of.in_window {
            return None;
        }
        self.sums_of(path_key)
    }

    fn sums_of(&mut self, path_key: &str) -> Option<&mut PathSums> {
        let place = self.places.get(path_key).copied();
        let place = place.unwrap_or_else(|| {
            self.places.insert(path_key.to_owned(), self.sums.len());
            self.sums.push(PathSums::default());
            self.sums.len() - 1
        });
        self.sums.get_mut(place)
    }

    /// Adds a path that the filter lets through.
    pub fn add_path(&mut self, of: Wanted, path_key: &str, sums: &PathSums) {
        self.add_tally(of, &sums.tally);
        if of.in_previous {
            self.previous_ips.union(&sums.ips);
        }
        if of.is_older {
            self.known_ips.union(&sums.ips);
        }
        if !of.in_window {
            return;
        }
        self.ips.union(&sums.ips);
        if let Some(known) = self.sums_of(path_key) {
            known.merge(sums);
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
        if of.in_window {
            self.sum.tally.merge(tally);
        }
        if of.in_last_hour {
            self.sum.last_hour += tally.count;
        }
        let is_shown = of.in_window || of.in_previous;
        // The bucket for all time before the days kept has no place in a timeline.
        if self.slice.details.timeline && is_shown && of.bucket.tier != Tier::Before {
            let at_ms = of.bucket.start_ms.min(self.ranges.now_ms);
            let slot_ms = self.ranges.calendar.start_ms(self.span.cut, at_ms);
            self.timeline.entry(slot_ms).or_default().merge(tally);
        }
    }

    /// The answer. The buckets do not know a path's first and last hit and its recent hits. So the
    /// answer lacks them.
    pub fn finish(mut self) -> Summary {
        let (details, is_on_paths) = (self.slice.details, self.slice.filter.is_on_paths());
        let mut sum = self.sum;
        sum.ips = self.ips.count();
        sum.previous_ips = self.previous_ips.count();
        if is_on_paths {
            self.ips.subtract(self.known_ips);
            sum.new_ips = self.ips.count();
        }
        let mut methods: BTreeMap<String, u64> = BTreeMap::new();
        let mut paths = Vec::with_capacity(self.sums.len());
        for (path_key, place) in self.places {
            let Some(sums) = self.sums.get_mut(place) else {
                continue;
            };
            let mut sums = std::mem::take(sums);
            let ips = sums.ips.count();
            sum.path_keys += ips;
            sum.unique_paths += 1;
            let method = path_key.split(' ').next().unwrap_or_default();
            match methods.get_mut(method) {
                Some(known) => *known += sums.tally.count,
                None => _ = methods.insert(method.to_owned(), sums.tally.count),
            }
            if is_on_paths && details.countries == CountryDetail::Requests {
                for of in &sums.countries {
                    let known = self.countries.entry(of.country.clone()).or_default();
                    known.0.count += of.requests;
                }
            }
            if details.paths > 0 {
                paths.push(PathSummary {
                    path_key,
                    tally: sums.tally,
                    ips,
                    countries: sums.countries,
                    first_seen_ms: u64::MAX,
                    last_seen_ms: 0,
                    recent: RecentActivity::default(),
                });
            }
        }
        sum.paths = details.path_order.sort(paths);
        sum.paths.truncate(details.paths as usize);
        let method = |(method, requests)| MethodCount { method, requests };
        sum.methods = methods.into_iter().map(method).collect();
        let country = |(country, (tally, mut ips)): (String, (Tally, IpSet))| CountrySummary {
            country,
            tally,
            ips: ips.count(),
        };
        sum.countries = self.countries.into_iter().map(country).collect();
        let slot = |(start_ms, tally)| TimeSlot { start_ms, tally };
        sum.timeline = self.timeline.into_iter().map(slot).collect();
        sum.active = self.active_ips.count();
        sum
    }
}
