//! The buckets of time, and their names.

use crate::window::Ranges;

/// The length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// 5 minutes.
    Fine,
    Hour,
    Day,
    /// One bucket for all time before the days kept.
    Before,
}

/// A bucket of [`crate::window`]. A finer one sorts before a coarser one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId {
    pub tier: Tier,
    pub start_ms: u64,
}

impl BucketId {
    /// The one bucket that a hit at this time lies in.
    pub fn of(at_ms: u64, ranges: &Ranges) -> Self {
        let tier = if at_ms >= ranges.fine_from_ms {
            Tier::Fine
        } else if at_ms >= ranges.hours_from_ms {
            Tier::Hour
        } else if at_ms >= ranges.days_from_ms {
            Tier::Day
        } else {
            Tier::Before
        };
        Self::around(tier, at_ms, ranges)
    }

    /// The stretch of time of this length that the moment is in.
    pub fn around(tier: Tier, at_ms: u64, ranges: &Ranges) -> Self {
        let start_ms = ranges.calendar.start_ms(tier, at_ms);
        Self { tier, start_ms }
    }

    /// The coarser bucket that this bucket's hits move to. If they do not move yet, this bucket
    /// itself.
    pub fn aged(self, ranges: &Ranges) -> Self {
        let due = Self::of(self.start_ms, ranges);
        match self.tier {
            Tier::Before => self,
            tier if tier >= due.tier => self,
            _ => due,
        }
    }

    /// Whether [`Self::aged`] gives another bucket.
    pub fn is_due(self, ranges: &Ranges) -> bool {
        match self.tier {
            Tier::Fine => self.start_ms < ranges.fine_from_ms,
            Tier::Hour => self.start_ms < ranges.hours_from_ms,
            Tier::Day => self.start_ms < ranges.days_from_ms,
            Tier::Before => false,
        }
    }

    /// Whether all of the bucket starts at `from_ms` or later. 0 matches every bucket.
    pub fn starts_within(self, from_ms: u64) -> bool {
        from_ms == 0 || (self.tier != Tier::Before && self.start_ms >= from_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::window::MINUTE_MS;

    proptest! {
        #[test]
        fn a_bucket_that_ages_step_by_step_is_the_one_that_a_hit_comes_late_into(
            at in 0..200 * 24 * 60u64,
            mut ages in proptest::collection::vec(0..200 * 24 * 60u64, 1..5),
        ) {
            let at_ms = (1_000 * 24 * 60 + at) * MINUTE_MS;
            ages.sort_unstable();
            let ranges = |age: u64| Ranges::utc(at_ms + age * MINUTE_MS);
            let mut bucket = BucketId::of(at_ms, &ranges(0));
            for age in ages {
                let aged = bucket.aged(&ranges(age));
                prop_assert_eq!(aged, BucketId::of(at_ms, &ranges(age)));
                prop_assert_eq!(bucket.is_due(&ranges(age)), aged != bucket);
                bucket = aged;
            }
        }
    }
}
