//! A sparse time series: the buckets of [`crate::bucket`] that hold hits.

use std::ops::Range;

use crate::bucket::Ranges;
use crate::bucket::{BucketId, Tier};
use crate::hit::Measures;
use crate::status::StatusFilter;
use crate::tally::Tally;

/// Buckets of one length, sorted by their start. Most series have very few.
pub type Buckets = Vec<(u64, Tally)>;

/// It holds no empty bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    pub fine: Buckets,
    pub hours: Buckets,
    pub days: Buckets,
    /// All hits that are older than the days kept.
    pub before: Tally,
}

impl Series {
    /// Counts a hit in its one bucket.
    pub fn add(&mut self, bucket: BucketId, hit: Measures) {
        self.change(bucket, |tally| tally.add(hit));
    }

    /// Moves buckets that have left their range into coarser buckets. A series is aged before it
    /// answers.
    pub fn age(&mut self, ranges: &Ranges) {
        self.age_tier(Tier::Fine, ranges.fine_from_ms, ranges);
        self.age_tier(Tier::Hour, ranges.hours_from_ms, ranges);
        self.age_tier(Tier::Day, ranges.days_from_ms, ranges);
    }

    fn age_tier(&mut self, tier: Tier, from_ms: u64, ranges: &Ranges) {
        let Some(buckets) = self.buckets_of(tier) else {
            return;
        };
        let end = first_from(buckets, from_ms);
        if end == 0 {
            return;
        }
        let old: Buckets = buckets.drain(..end).collect();
        for (start_ms, tally) in old {
            let aged = BucketId { tier, start_ms }.aged(ranges);
            self.change(aged, |known| known.merge(&tally));
        }
    }

    fn buckets_of(&mut self, tier: Tier) -> Option<&mut Buckets> {
        match tier {
            Tier::Fine => Some(&mut self.fine),
            Tier::Hour => Some(&mut self.hours),
            Tier::Day => Some(&mut self.days),
            Tier::Before => None,
        }
    }

    /// Changes one bucket. If the bucket does not exist, it is made.
    fn change(&mut self, id: BucketId, change: impl FnOnce(&mut Tally)) {
        let Some(buckets) = self.buckets_of(id.tier) else {
            return change(&mut self.before);
        };
        let at = first_from(buckets, id.start_ms);
        match buckets.get_mut(at) {
            Some((known, tally)) if *known == id.start_ms => change(tally),
            _ => {
                let mut tally = Tally::default();
                change(&mut tally);
                buckets.insert(at, (id.start_ms, tally));
            }
        }
    }

    /// The hits, of one status or class or of all, in the buckets that start within `starts`. A
    /// start of 0 means from the beginning.
    pub fn within(&self, starts: &Range<u64>, status: Option<&StatusFilter>) -> Tally {
        let mut sum = Tally::default();
        for tally in self.tallies(starts) {
            sum.merge_status(tally, status);
        }
        sum
    }

    /// Like [`Self::within`], but only the number of hits.
    pub fn count_within(&self, starts: &Range<u64>, status: Option<&StatusFilter>) -> u64 {
        let tallies = self.tallies(starts);
        tallies.map(|tally| tally.count_of(status)).sum()
    }

    fn tallies(&self, starts: &Range<u64>) -> impl Iterator<Item = &Tally> {
        let before = starts.contains(&0).then_some(&self.before);
        let buckets = self.buckets_within(starts).map(|(_, tally)| tally);
        buckets.chain(before)
    }

    /// All buckets. Each holds hits.
    pub fn buckets(&self) -> impl Iterator<Item = (BucketId, &Tally)> {
        let tiers = [
            (Tier::Fine, &self.fine),
            (Tier::Hour, &self.hours),
            (Tier::Day, &self.days),
        ];
        let kept = tiers.into_iter().flat_map(|(tier, buckets)| {
            buckets.iter().map(move |(start_ms, tally)| {
                let start_ms = *start_ms;
                (BucketId { tier, start_ms }, tally)
            })
        });
        let before = BucketId {
            tier: Tier::Before,
            start_ms: 0,
        };
        let before = (self.before.count > 0).then_some((before, &self.before));
        kept.chain(before)
    }

    /// The buckets that start within `starts`, each with its start. The bucket for all hits before
    /// the days kept has no start, and is left out.
    pub fn buckets_within(&self, starts: &Range<u64>) -> impl Iterator<Item = (u64, &Tally)> {
        let tiers = [&self.fine, &self.hours, &self.days].into_iter();
        let within = tiers.flat_map(move |buckets| {
            let first = first_from(buckets, starts.start);
            let end = first_from(buckets, starts.end).max(first);
            buckets.get(first..end).unwrap_or_default()
        });
        within.map(|(start_ms, tally)| (*start_ms, tally))
    }
}

fn first_from(buckets: &[(u64, Tally)], start_ms: u64) -> usize {
    buckets.partition_point(|(known, _)| *known < start_ms)
}
