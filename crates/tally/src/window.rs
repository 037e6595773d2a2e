//! Windows and buckets: how time is cut.
//!
//! A hit lies in exactly one bucket. Buckets are 5 minutes for the last 2 hours, hours for the last
//! 48 hours, days for the last 90 days, and one bucket for all before. A finer bucket is merged
//! into the coarser one only when all of the coarser bucket has left the finer range. So no stretch
//! of time is ever cut in two ways. Days begin according to the store's calendar.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bucket::{BucketId, Tier};
use crate::calendar::Calendar;
use crate::interval::Interval;

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// The finest bucket.
pub const FINE_MS: u64 = 5 * MINUTE_MS;
/// How long 5-minute buckets are kept, at least.
pub const FINE_KEPT_MS: u64 = 2 * HOUR_MS;
/// How long hours are kept, at least.
pub const HOURS_KEPT_MS: u64 = 48 * HOUR_MS;
/// How long days are kept, at least. Older hits are counted in one bucket.
pub const DAYS_KEPT_MS: u64 = 90 * DAY_MS;
/// The window of the alerts: the current bucket and the one before it.
pub const RECENT_MS: u64 = 2 * FINE_MS;

/// A stretch of time. It ends now, or it is between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// The last two 5-minute buckets: 5 to 10 minutes. It is for alerts. The API does not offer it.
    #[serde(rename = "10m")]
    Recent,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
    #[serde(rename = "all")]
    All,
    #[serde(rename = "between")]
    Between(Interval),
}

impl Window {
    /// The windows with a name.
    pub const EVERY: [Self; 6] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::All,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recent => "10m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::All => "all",
            Self::Between(_) => "between",
        }
    }

    /// The interval, if the window is one. Else an interval without bounds.
    pub fn interval(self) -> Interval {
        match self {
            Self::Between(interval) => interval,
            _ => Interval::default(),
        }
    }

    /// The window, if it has a name.
    pub fn named(self) -> Option<Self> {
        Self::EVERY.contains(&self).then_some(self)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|window| window.name() == name)
    }

    /// The length of the window, if its name says it.
    pub fn length_ms(self) -> Option<u64> {
        match self {
            Self::Recent => Some(RECENT_MS),
            Self::Hour => Some(HOUR_MS),
            Self::Day => Some(DAY_MS),
            Self::Week => Some(7 * DAY_MS),
            Self::Month => Some(30 * DAY_MS),
            Self::Quarter => Some(90 * DAY_MS),
            Self::All | Self::Between(_) => None,
        }
    }

    /// The buckets of the window, as seen at one moment.
    pub fn span(self, ranges: &Ranges) -> Span {
        let Some(length_ms) = self.length_ms() else {
            return match self {
                Self::Between(interval) => Span::between(interval, ranges),
                _ => Span::ALL,
            };
        };
        let now_ms = ranges.now_ms;
        let start_ms = now_ms.saturating_sub(length_ms);
        Span {
            from_ms: match self {
                Self::Recent => recent_from_ms(now_ms),
                _ => start_ms,
            },
            previous_from_ms: match self {
                Self::Hour | Self::Day | Self::Week | Self::Month => {
                    Some(start_ms.saturating_sub(length_ms))
                }
                _ => None,
            },
            cut: match self {
                Self::Recent | Self::Hour => Tier::Fine,
                Self::Day => Tier::Hour,
                _ => Tier::Day,
            },
            ..Span::ALL
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Window {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let names = Self::EVERY.map(Self::name);
        utoipa::openapi::Object::builder()
            .schema_type(utoipa::openapi::Type::String)
            .enum_values(Some(names))
            .description(Some("A stretch of time that ends now."))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Window {}

/// The start of [`Window::Recent`]. It is the start of a bucket, so that rates are divided by an
/// exact time.
pub fn recent_from_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(RECENT_MS).next_multiple_of(FINE_MS)
}

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
    fn between(interval: Interval, ranges: &Ranges) -> Self {
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
    use super::*;
    use crate::interval::Moment;
    use crate::time_zone::Zone;

    #[test]
    fn every_window_has_a_name_that_finds_it() {
        for window in Window::EVERY {
            assert_eq!(Window::from_name(window.name()), Some(window));
            assert_eq!(
                serde_json::to_value(window).unwrap(),
                serde_json::json!(window.name())
            );
        }
        assert_eq!(Window::from_name("2h"), None);
        assert_eq!(Window::from_name(Window::Recent.name()), None);
    }

    #[test]
    fn what_is_recent_begins_with_a_bucket_and_takes_5_to_10_minutes() {
        let at = 400 * DAY_MS;
        for (now_ms, start_ms) in [
            (at, at - 10 * MINUTE_MS),
            (at + 1, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS - 1, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS + 1, at),
        ] {
            let ranges = Ranges::utc(now_ms);
            assert_eq!(Window::Recent.span(&ranges).from_ms, start_ms);
            assert!(start_ms >= ranges.fine_from_ms);
        }
        assert_eq!(Window::Recent.span(&Ranges::utc(0)).from_ms, 0);
    }

    #[test]
    fn each_window_is_made_of_buckets_finer_than_itself() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::utc(now);
            let span = |window: Window| window.span(&ranges);
            assert!(span(Window::Hour).from_ms >= ranges.fine_from_ms);
            assert!(span(Window::Day).from_ms >= ranges.hours_from_ms);
            assert!(span(Window::Quarter).from_ms >= ranges.days_from_ms);
        }
    }

    #[test]
    fn the_period_before_a_window_is_made_of_buckets_no_coarser_than_its_buckets() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::utc(now);
            let span = |window: Window| window.span(&ranges);
            for window in Window::EVERY {
                let kept_from = match span(window).cut {
                    Tier::Fine => ranges.fine_from_ms,
                    Tier::Hour => ranges.hours_from_ms,
                    _ => ranges.days_from_ms,
                };
                let previous = span(window).previous_from_ms;
                assert!(previous.is_none_or(|start| start >= kept_from));
            }
        }
    }

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
        let span = Window::Between(interval).span(&ranges);
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
