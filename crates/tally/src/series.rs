//! A sparse time series: the buckets of [`crate::window`] that hold hits.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::bucket::{BucketId, Tier};
use crate::hit::Hit;
use crate::status::StatusClass;
use crate::tally::Tally;
use crate::window::Ranges;

/// Buckets of one length, by their start.
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
    /// Counts a hit in the one bucket that it lies in.
    pub fn add(&mut self, hit: &Hit, ranges: &Ranges) {
        self.bucket(BucketId::of(hit.timestamp_ms, ranges)).add(hit);
    }

    /// Pours buckets that are out of their range into the coarser ones. Answers are given of an aged series only.
    pub fn age(&mut self, ranges: &Ranges) {
        let old = [
            (Tier::Fine, take_before(&mut self.fine, ranges.fine_from_ms)),
            (
                Tier::Hour,
                take_before(&mut self.hours, ranges.hours_from_ms),
            ),
            (Tier::Day, take_before(&mut self.days, ranges.days_from_ms)),
        ];
        for (tier, buckets) in old {
            for (start_ms, tally) in buckets {
                let aged = BucketId { tier, start_ms }.aged(ranges);
                self.bucket(aged).merge(&tally);
            }
        }
    }

    fn bucket(&mut self, id: BucketId) -> &mut Tally {
        let buckets = match id.tier {
            Tier::Fine => &mut self.fine,
            Tier::Hour => &mut self.hours,
            Tier::Day => &mut self.days,
            Tier::Before => return &mut self.before,
        };
        buckets.entry(id.start_ms).or_default()
    }

    /// What the buckets that start within a stretch of time hold of a class of status, or of all. From 0 on is from the beginning.
    pub fn within(&self, starts: &Range<u64>, class: Option<StatusClass>) -> Tally {
        let mut sum = Tally::default();
        for tally in self.tallies(starts) {
            sum.merge_class(tally, class);
        }
        sum
    }

    /// The same, hits alone.
    pub fn count_within(&self, starts: &Range<u64>, class: Option<StatusClass>) -> u64 {
        self.tallies(starts)
            .map(|tally| tally.count_of(class))
            .sum()
    }

    fn tallies(&self, starts: &Range<u64>) -> impl Iterator<Item = &Tally> {
        let before = starts.contains(&0).then_some(&self.before);
        let buckets = self.buckets_within(starts).map(|(_, tally)| tally);
        buckets.chain(before)
    }

    /// All that holds hits.
    pub fn buckets(&self) -> impl Iterator<Item = (BucketId, &Tally)> {
        let of = |tier| {
            move |(start_ms, tally): (&u64, _)| {
                (
                    BucketId {
                        tier,
                        start_ms: *start_ms,
                    },
                    tally,
                )
            }
        };
        let fine = self.fine.iter().map(of(Tier::Fine));
        let hours = self.hours.iter().map(of(Tier::Hour));
        let days = self.days.iter().map(of(Tier::Day));
        let before = (self.before.count > 0).then_some((&0, &self.before));
        fine.chain(hours)
            .chain(days)
            .chain(before.map(of(Tier::Before)))
    }

    /// The buckets that start within a stretch of time, each with its start. What is before all days has none.
    pub fn buckets_within(&self, starts: &Range<u64>) -> impl Iterator<Item = (u64, &Tally)> {
        let every = [&self.fine, &self.hours, &self.days].into_iter();
        let starts = match starts.is_empty() {
            true => 0..0,
            false => starts.clone(),
        };
        let within = every.flat_map(move |buckets| buckets.range(starts.clone()));
        within.map(|(start_ms, tally)| (*start_ms, tally))
    }
}

fn take_before(buckets: &mut Buckets, start_ms: u64) -> Buckets {
    let kept = buckets.split_off(&start_ms);
    std::mem::replace(buckets, kept)
}
