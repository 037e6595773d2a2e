//! The buckets that a question is about, as seen at one moment.

use std::ops::Range;

use crate::bucket::{BucketId, Ranges};
use crate::interval::Interval;
use crate::time::Tier;

/// The buckets that a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest start of a bucket that counts. 0: the bucket for all time before the days kept
    /// counts, too.
    pub from_ms: u64,
    /// Buckets that start at this time or later do not count. `u64::MAX`: the span ends now.
    pub until_ms: u64,
    /// The earliest start of a bucket in the period of the same length before. None: its buckets
    /// are not kept, or it is not asked for.
    pub previous_from_ms: Option<u64>,
    /// The length of a bucket in a timeline. It is not finer than any bucket of this span and of
    /// the period before it.
    pub cut: Tier,
}

impl Span {
    /// All buckets.
    pub const ALL: Self = Self {
        from_ms: 0,
        until_ms: u64::MAX,
        previous_from_ms: None,
        cut: Tier::Day,
    };

    /// Every bucket that overlaps the interval.
    pub fn between(interval: Interval, ranges: &Ranges) -> Self {
        let (from_ms, to_ms) = interval.moments(&ranges.calendar);
        let first = BucketId::of(from_ms, ranges);
        let until_ms = match to_ms {
            Some(to_ms) if to_ms <= ranges.now_ms => {
                ranges.next_ms(BucketId::of(to_ms.saturating_sub(1), ranges))
            }
            _ => u64::MAX,
        };
        // The current bucket has no end yet.
        let until_ms = match until_ms > ranges.now_ms {
            true => u64::MAX,
            false => until_ms,
        };
        let from_ms = first.start_ms;
        let span = Self {
            from_ms,
            until_ms,
            previous_from_ms: None,
            cut: first.tier.min(Tier::Day),
        };
        span.with_previous(ranges)
    }

    /// Adds the period of the same length before, if there are buckets that begin and end with it.
    fn with_previous(self, ranges: &Ranges) -> Self {
        let length_ms = self.end_ms(ranges.now_ms).saturating_sub(self.from_ms);
        let start_ms = self.from_ms.saturating_sub(length_ms);
        let bucket = BucketId::of(start_ms, ranges);
        let is_exact = match self.until_ms {
            // The current bucket is not full. As with windows up to now, the buckets that start
            // within the same length count.
            u64::MAX => bucket.tier == self.cut,
            _ => bucket.start_ms == start_ms,
        };
        let tier = bucket.tier;
        let begins_here = ranges.calendar.start_ms(tier, self.from_ms) == self.from_ms;
        if tier == Tier::Before || self.from_ms == 0 || !is_exact || !begins_here {
            return self;
        }
        Self {
            previous_from_ms: Some(start_ms),
            cut: tier,
            ..self
        }
    }

    /// Whether a bucket counts.
    pub fn has(&self, bucket: BucketId) -> bool {
        bucket.starts_within(self.from_ms) && bucket.start_ms < self.until_ms
    }

    /// Whether a bucket is in the period before.
    pub fn has_before(&self, bucket: BucketId) -> bool {
        let from_ms = self.previous_from_ms.unwrap_or(u64::MAX);
        (from_ms..self.from_ms).contains(&bucket.start_ms) && bucket.tier != Tier::Before
    }

    /// Whether a bucket is older than the buckets that count.
    pub fn is_behind(&self, bucket: BucketId) -> bool {
        !bucket.starts_within(self.from_ms)
    }

    /// The range of the starts of its buckets.
    pub fn starts(&self) -> Range<u64> {
        self.from_ms..self.until_ms
    }

    /// The range of the starts, including the period before.
    pub fn timeline_starts(&self) -> Range<u64> {
        self.previous_from_ms.unwrap_or(self.from_ms)..self.until_ms
    }

    /// The start of the bucket of a timeline that hits count in. If a clock is ahead, its hits are
    /// from the future and count in the newest bucket.
    pub fn slot_ms(&self, at_ms: u64, ranges: &Ranges) -> u64 {
        let at_ms = at_ms.min(ranges.now_ms);
        ranges.calendar.start_ms(self.cut, at_ms)
    }

    /// The end of the span.
    pub fn end_ms(&self, now_ms: u64) -> u64 {
        self.until_ms.min(now_ms)
    }

    /// When the first bucket that counts begins. None: the span has no beginning.
    pub fn begin_ms(&self, ranges: &Ranges) -> Option<u64> {
        let bucket = BucketId::of(self.from_ms, ranges);
        match (self.from_ms, bucket.start_ms == self.from_ms) {
            (0, _) => None,
            (_, true) => Some(self.from_ms),
            (_, false) => Some(ranges.next_ms(bucket)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Moment;
    use crate::time_zone::Zone;

    fn between(from: &str, to: &str, now: &str) -> (Option<String>, String, Option<String>, Tier) {
        let moment = |text: &str| (!text.is_empty()).then(|| Moment::read(text).unwrap());
        let interval = Interval {
            from: moment(from),
            to: moment(to),
        };
        let Some(Moment::At(now_ms)) = moment(now) else {
            panic!("{now}");
        };
        let zone = Zone::named("Europe/Berlin").unwrap();
        let ranges = Ranges::at(now_ms, zone.calendar(now_ms));
        let span = Span::between(interval, &ranges);
        let text = |ms: u64| Moment::At(ms).text().replace(":00.000Z", "Z");
        (
            span.begin_ms(&ranges).map(text),
            text(span.end_ms(now_ms)),
            span.previous_from_ms.map(text),
            span.cut,
        )
    }

    #[test]
    fn an_interval_is_widened_to_whole_buckets() {
        let now = "2026-11-26T13:07:00Z";
        for (from, to, begin, end, previous, cut) in [
            // The 5 minutes of the last 2 hours, from a full hour on.
            (
                "2026-11-26T12:31:00Z",
                "2026-11-26T12:44:00Z",
                "2026-11-26T12:30Z",
                "2026-11-26T12:45Z",
                "2026-11-26T12:15Z",
                Tier::Fine,
            ),
            // The current bucket has no end.
            (
                "2026-11-26T12:31:00Z",
                "2026-11-26T13:06:00Z",
                "2026-11-26T12:30Z",
                now,
                "2026-11-26T11:53Z",
                Tier::Fine,
            ),
            (
                "2026-11-26T12:31:00Z",
                "",
                "2026-11-26T12:30Z",
                now,
                "2026-11-26T11:53Z",
                Tier::Fine,
            ),
            (
                "2026-11-26T12:30:00Z",
                "2030-01-01",
                "2026-11-26T12:30Z",
                now,
                "2026-11-26T11:53Z",
                Tier::Fine,
            ),
            // The first half of the period before is kept in hours. These hours do not begin and
            // end with the period.
            (
                "2026-11-26T11:05:00Z",
                "2026-11-26T12:20:00Z",
                "2026-11-26T11:05Z",
                "2026-11-26T12:20Z",
                "",
                Tier::Fine,
            ),
            // The period before is kept in hours. They begin and end with the period.
            (
                "2026-11-26T11:00:00Z",
                "2026-11-26T12:00:00Z",
                "2026-11-26T11:00Z",
                "2026-11-26T12:00Z",
                "2026-11-26T10:00Z",
                Tier::Hour,
            ),
            // Hours.
            (
                "2026-11-25T10:10:00Z",
                "2026-11-25T12:00:00Z",
                "2026-11-25T10:00Z",
                "2026-11-25T12:00Z",
                "2026-11-25T08:00Z",
                Tier::Hour,
            ),
            // Today, and as long a part of yesterday.
            (
                "2026-11-26",
                "",
                "2026-11-25T23:00Z",
                now,
                "2026-11-25T08:53Z",
                Tier::Hour,
            ),
            (
                "2026-11-25",
                "2026-11-25",
                "2026-11-24T23:00Z",
                "2026-11-25T23:00Z",
                "2026-11-23T23:00Z",
                Tier::Hour,
            ),
            // Days, one with 25 hours because the clocks go back. The week before has the same
            // length, but does not begin with a day.
            (
                "2026-10-20",
                "2026-10-26",
                "2026-10-19T22:00Z",
                "2026-10-26T23:00Z",
                "",
                Tier::Day,
            ),
            (
                "2026-10-12",
                "2026-10-18",
                "2026-10-11T22:00Z",
                "2026-10-18T22:00Z",
                "2026-10-04T22:00Z",
                Tier::Day,
            ),
            (
                "2026-10-12T10:00:00Z",
                "2026-10-12T11:00:00Z",
                "2026-10-11T22:00Z",
                "2026-10-12T22:00Z",
                "2026-10-10T22:00Z",
                Tier::Day,
            ),
        ] {
            let some = |text: &str| (!text.is_empty()).then(|| text.replace(":07:00Z", ":07Z"));
            let expect = (some(begin), some(end).unwrap(), some(previous), cut);
            assert_eq!(between(from, to, now), expect, "{from} to {to}");
        }
    }

    #[test]
    fn what_is_older_than_the_days_kept_counts_as_one() {
        let now = "2026-11-26T13:07:00Z";
        // 90 days before is the 28th of August.
        for (from, to, end) in [
            ("", "2026-10-18", "2026-10-18T22:00Z"),
            ("2026-08-27", "2026-10-18", "2026-10-18T22:00Z"),
            ("2020-01-01", "2020-01-31", "2026-08-27T22:00Z"),
        ] {
            let expect = (None, end.to_owned(), None, Tier::Day);
            assert_eq!(between(from, to, now), expect, "{from} to {to}");
        }
        let first = between("2026-08-28", "2026-08-28", now);
        assert_eq!(first.0.as_deref(), Some("2026-08-27T22:00Z"));
    }
}
