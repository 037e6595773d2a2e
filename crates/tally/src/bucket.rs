//! Buckets: how time is cut.
//!
//! A hit lies in exactly one bucket. Buckets are 5 minutes for the last 2 hours, hours for the last
//! 48 hours, days for the last 90 days, and one bucket for all before. A finer bucket is merged
//! into the coarser one only when all of the coarser bucket has left the finer range. So no stretch
//! of time is ever cut in two ways. Days begin according to the store's calendar.

use crate::calendar::Calendar;
pub use crate::time::Tier;
use crate::time::{DAY_MS, HOUR_MS};

/// How long 5-minute buckets are kept, at least.
pub const FINE_KEPT_MS: u64 = 2 * HOUR_MS;
/// How long hours are kept, at least.
pub const HOURS_KEPT_MS: u64 = 48 * HOUR_MS;
/// How long days are kept, at least. Older hits are counted in one bucket.
pub const DAYS_KEPT_MS: u64 = 90 * DAY_MS;

/// A bucket. A finer one sorts before a coarser one.
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

/// The ranges of 5-minute, hour and day buckets, as seen at one moment.
#[derive(Clone, Debug)]
pub struct Ranges {
    pub now_ms: u64,
    pub fine_from_ms: u64,
    pub hours_from_ms: u64,
    pub days_from_ms: u64,
    pub calendar: Calendar,
}

impl Ranges {
    pub fn at(now_ms: u64, calendar: Calendar) -> Self {
        let since = |kept_ms: u64, tier| calendar.start_ms(tier, now_ms.saturating_sub(kept_ms));
        Self {
            now_ms,
            fine_from_ms: since(FINE_KEPT_MS, Tier::Hour),
            hours_from_ms: since(HOURS_KEPT_MS, Tier::Day),
            days_from_ms: since(DAYS_KEPT_MS, Tier::Day),
            calendar,
        }
    }

    /// The ranges with days that begin at midnight UTC.
    pub fn utc(now_ms: u64) -> Self {
        Self::at(now_ms, Calendar::default())
    }

    /// The start of the bucket after this one.
    pub fn next_ms(&self, bucket: BucketId) -> u64 {
        match bucket.tier {
            Tier::Before => self.days_from_ms,
            tier => self.calendar.next_ms(tier, bucket.start_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::MINUTE_MS;

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
