//! A sparse time series: the buckets of [`crate::window`] that hold hits.

use std::collections::BTreeMap;

use crate::bucket::{BucketId, Tier};
use crate::hit::Hit;
use crate::status::StatusClass;
use crate::tally::Tally;
use crate::window::{DAY_MS, FINE_MS, HOUR_MS, Ranges};

/// Buckets of one length, by their start in units of that length since 1970.
pub type Buckets = BTreeMap<u64, Tally>;

/// Holds no empty bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    pub fine: Buckets,
    pub hours: Buckets,
    pub days: Buckets,
    /// All that is older than the days kept.
    pub before: Tally,
}

impl Series {
    /// Counts a hit in the one bucket that it lies in, as seen at `now_ms`.
    pub fn add(&mut self, hit: &Hit, now_ms: u64) {
        let at = hit.timestamp_ms;
        let tally = match BucketId::of(at, &Ranges::at(now_ms)).tier {
            Tier::Fine => self.fine.entry(at / FINE_MS).or_default(),
            Tier::Hour => self.hours.entry(at / HOUR_MS).or_default(),
            Tier::Day => self.days.entry(at / DAY_MS).or_default(),
            Tier::Before => &mut self.before,
        };
        tally.add(hit);
    }

    /// Pours buckets that are out of their range into the coarser ones. Answers are given of an aged series only.
    pub fn age(&mut self, now_ms: u64) {
        let ranges = Ranges::at(now_ms);
        for (start, tally) in take_before(&mut self.fine, ranges.fine_from_ms / FINE_MS) {
            let hour = self.hours.entry(start * FINE_MS / HOUR_MS);
            hour.or_default().merge(&tally);
        }
        for (start, tally) in take_before(&mut self.hours, ranges.hours_from_ms / HOUR_MS) {
            let day = self.days.entry(start * HOUR_MS / DAY_MS);
            day.or_default().merge(&tally);
        }
        for tally in take_before(&mut self.days, ranges.days_from_ms / DAY_MS).values() {
            self.before.merge(tally);
        }
    }

    /// What the buckets that start at `from_ms` or later hold of a class of status, or of all; 0 is everything.
    pub fn since(&self, from_ms: u64, class: Option<StatusClass>) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.buckets_since(from_ms) {
            sum.merge_class(tally, class);
        }
        if from_ms == 0 {
            sum.merge_class(&self.before, class);
        }
        sum
    }

    /// How many hits of a class, or of all, the buckets that start at `from_ms` or later hold; 0 is everything.
    pub fn count_since(&self, from_ms: u64, class: Option<StatusClass>) -> u64 {
        let buckets = self.buckets_since(from_ms);
        let count: u64 = buckets.map(|(_, tally)| tally.count_of(class)).sum();
        if from_ms == 0 {
            count + self.before.count_of(class)
        } else {
            count
        }
    }

    /// All that holds hits.
    pub fn buckets(&self) -> impl Iterator<Item = (BucketId, &Tally)> {
        let of = |tier, unit_ms: u64| {
            move |(start, tally): (&u64, _)| (BucketId::new(tier, start * unit_ms), tally)
        };
        let fine = self.fine.iter().map(of(Tier::Fine, FINE_MS));
        let hours = self.hours.iter().map(of(Tier::Hour, HOUR_MS));
        let days = self.days.iter().map(of(Tier::Day, DAY_MS));
        let before = (self.before.count > 0).then_some(&self.before);
        let before = before.map(|tally| (BucketId::new(Tier::Before, 0), tally));
        fine.chain(hours).chain(days).chain(before)
    }

    /// The buckets that start at `from_ms` or later, each with its start. What is before all days has none.
    pub fn buckets_since(&self, from_ms: u64) -> impl Iterator<Item = (u64, &Tally)> {
        let of = move |buckets, unit_ms| buckets_of(buckets, unit_ms, from_ms);
        let fine = of(&self.fine, FINE_MS);
        fine.chain(of(&self.hours, HOUR_MS))
            .chain(of(&self.days, DAY_MS))
    }
}

fn buckets_of(
    buckets: &Buckets,
    unit_ms: u64,
    from_ms: u64,
) -> impl Iterator<Item = (u64, &Tally)> {
    let within = buckets.range(from_ms.div_ceil(unit_ms)..);
    within.map(move |(start, tally)| (start * unit_ms, tally))
}

fn take_before(buckets: &mut Buckets, start: u64) -> Buckets {
    let kept = buckets.split_off(&start);
    std::mem::replace(buckets, kept)
}
