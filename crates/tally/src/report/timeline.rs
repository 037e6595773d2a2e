//! Timelines: a window bucket by bucket, beside the period of the same length before it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bucket::Ranges;
use crate::bucket::Tier;
use crate::contract::{StatusCounts, Summary, Tally, TimeSlot};
use crate::report::{Provenance, ResponseTimes, rfc3339};
use crate::span::Span;

/// The numbers of one bucket.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineBucket {
    #[serde(rename = "start", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub start_ms: u64,
    /// How far the clocks of the time zone were ahead of UTC in this bucket. Absent if they were
    /// not ahead.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub utc_offset_minutes: i32,
    pub requests: u64,
    /// IPs with a hit in this bucket.
    #[serde(default, rename = "uniqueIPs")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unique_ips: u64,
    /// Of these, the IPs without a hit in an older bucket.
    #[serde(default, rename = "newIPs")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub new_ips: u64,
    /// Requests with a status of 400 and more.
    pub errors: u64,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status_classes: StatusCounts,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
}

/// Some buckets in a row, and their totals.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Hits in the window. If some of the window is before the first bucket, this is more than the
    /// buckets hold.
    pub total_requests: u64,
    /// IPs with a hit in the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// Requests with a status of 400 and more.
    pub errors: u64,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status_classes: StatusCounts,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
    /// The oldest first. Buckets without a hit are there, too.
    pub buckets: Vec<TimelineBucket>,
}

/// A window bucket by bucket, and the period of the same length before it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The length of a bucket: 5 for `1h`, 60 for `24h`, 1440 for the other windows. A bucket of
    /// 1440 is a day of `time_zone`. For an interval: the finest length that is kept. A day on
    /// which clocks are changed is shorter or longer.
    pub bucket_minutes: u32,
    #[serde(flatten)]
    pub current: Period,
    /// Requests older than the first bucket. Only if the window or interval has no beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub before: Option<u64>,
    /// The period of the same length before the window. `null` if no buckets are kept that begin
    /// and end with it, as for `90d` and `all`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub previous: Option<Period>,
}

impl Timeline {
    /// Makes the timeline from a summary that was asked for one.
    pub fn new(summary: &Summary, span: &Span, ranges: &Ranges) -> Self {
        let slots = summary.timeline.iter();
        let slots: Slots = slots.map(|slot| (slot.start_ms, slot)).collect();
        let is_from_the_beginning = span.from_ms == 0;
        let start_ms = first_ms(span, ranges);
        let current = Period::new(
            &summary.tally,
            summary.ips,
            &slots,
            bucket_starts(span, ranges),
            ranges,
        );
        let previous = |previous_ms| {
            let mut total = Tally::default();
            for slot in slots.range(previous_ms..start_ms).map(|(_, slot)| slot) {
                total.merge(&slot.tally);
            }
            let starts = starts(span.cut, previous_ms..start_ms, ranges);
            Period::new(&total, summary.previous_ips, &slots, starts, ranges)
        };
        Self {
            bucket_minutes: match span.cut {
                Tier::Fine => 5,
                Tier::Hour => 60,
                Tier::Day | Tier::Before => 1_440,
            },
            before: is_from_the_beginning.then(|| current.older_requests()),
            previous: span.previous_from_ms.map(previous),
            current,
        }
    }
}

type Slots<'a> = BTreeMap<u64, &'a TimeSlot>;

impl Period {
    fn new(
        total: &Tally,
        unique_ips: u64,
        slots: &Slots,
        starts: impl Iterator<Item = u64>,
        ranges: &Ranges,
    ) -> Self {
        let empty = TimeSlot::default();
        let bucket = |start_ms: u64| {
            let slot = slots.get(&start_ms).copied().unwrap_or(&empty);
            let tally = &slot.tally;
            TimelineBucket {
                start_ms,
                utc_offset_minutes: utc_offset_minutes(start_ms, ranges),
                requests: tally.count,
                unique_ips: slot.ips,
                new_ips: slot.new_ips,
                errors: tally.errors(),
                status_classes: tally.classes(),
                response_times: ResponseTimes::new(tally),
            }
        };
        Self {
            total_requests: total.count,
            unique_ips,
            errors: total.errors(),
            status_classes: total.classes(),
            response_times: ResponseTimes::new(total),
            buckets: starts.map(bucket).collect(),
        }
    }

    /// Requests that are in no bucket.
    fn older_requests(&self) -> u64 {
        let shown: u64 = self.buckets.iter().map(|bucket| bucket.requests).sum();
        self.total_requests.saturating_sub(shown)
    }
}

pub(crate) fn utc_offset_minutes(at_ms: u64, ranges: &Ranges) -> i32 {
    (ranges.calendar.offset_ms(at_ms) / 60_000) as i32
}

pub(crate) fn is_zero(minutes: &i32) -> bool {
    *minutes == 0
}

/// The starts of the buckets of a timeline, without the period before.
pub(crate) fn bucket_starts(span: &Span, ranges: &Ranges) -> impl Iterator<Item = u64> {
    let end_ms = span.until_ms.min(ranges.now_ms + 1);
    starts(span.cut, first_ms(span, ranges)..end_ms, ranges)
}

fn first_ms(span: &Span, ranges: &Ranges) -> u64 {
    match span.from_ms {
        0 => ranges.days_from_ms,
        from_ms => from_ms,
    }
}

/// The starts of buckets within a stretch of time.
pub(crate) fn starts(cut: Tier, within: Range<u64>, ranges: &Ranges) -> impl Iterator<Item = u64> {
    let calendar = &ranges.calendar;
    let first_ms = match calendar.start_ms(cut, within.start) {
        start_ms if start_ms == within.start => start_ms,
        _ => calendar.next_ms(cut, within.start),
    };
    let next = move |start_ms: &u64| Some(calendar.next_ms(cut, *start_ms));
    std::iter::successors(Some(first_ms), next).take_while(move |start_ms| *start_ms < within.end)
}

/// A timeline of all hits that the filter lets through.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeseries {
    #[serde(flatten)]
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}
