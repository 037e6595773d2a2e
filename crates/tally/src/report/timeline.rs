//! Timelines: a window bucket by bucket, beside the period of the same length before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{Summary, Tally, Window};
use crate::report::{Provenance, ResponseTimes, rfc3339};
use crate::window::{MINUTE_MS, Ranges};

/// What is told of each stretch of time.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineBucket {
    #[serde(rename = "start", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub start_ms: u64,
    pub requests: u64,
    /// Requests with a status of 400 and more.
    pub errors: u64,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
}

/// Some buckets in a row, and what they add up to.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Of the window; more than the buckets hold where some of it is before them.
    pub total_requests: u64,
    /// IPs with such a request.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// Requests with a status of 400 and more.
    pub errors: u64,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
    /// The oldest first; those without a hit, too.
    pub buckets: Vec<TimelineBucket>,
}

/// A window bucket by bucket, beside the period of the same length before it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The length of a bucket: 5 for `1h`, 60 for `24h`, 1440 for the others, which are days in UTC.
    pub bucket_minutes: u32,
    #[serde(flatten)]
    pub current: Period,
    /// Requests older than the first bucket: of `all` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub before: Option<u64>,
    /// The period before. `null` where it is not kept: of `90d` and `all`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub previous: Option<Period>,
}

impl Timeline {
    /// Of a summary that was asked for its timeline.
    pub fn new(summary: &Summary, provenance: &Provenance) -> Self {
        let (window, now_ms) = (provenance.time_range, provenance.as_of_ms);
        let slots = summary.timeline.iter();
        let slots: Slots = slots.map(|slot| (slot.start_ms, &slot.tally)).collect();
        let bucket_ms = window.bucket_ms();
        let start_ms = match window {
            Window::All => Ranges::at(now_ms).days_from_ms,
            _ => window.start_ms(now_ms),
        };
        let current = Period::new(
            &summary.tally,
            summary.ips,
            &slots,
            starts(start_ms, now_ms + 1, bucket_ms),
        );
        let before = match window {
            Window::All => Some(current.older_requests()),
            _ => None,
        };
        let previous = |previous_ms| {
            let mut total = Tally::default();
            for tally in slots.range(previous_ms..start_ms).map(|(_, tally)| tally) {
                total.merge(tally);
            }
            let starts = starts(previous_ms, start_ms, bucket_ms);
            Period::new(&total, summary.previous_ips, &slots, starts)
        };
        Self {
            bucket_minutes: (bucket_ms / MINUTE_MS) as u32,
            before,
            previous: window.previous_start_ms(now_ms).map(previous),
            current,
        }
    }
}

type Slots<'a> = BTreeMap<u64, &'a Tally>;

impl Period {
    fn new(
        total: &Tally,
        unique_ips: u64,
        slots: &Slots,
        starts: impl Iterator<Item = u64>,
    ) -> Self {
        let empty = Tally::default();
        let bucket = |start_ms: u64| {
            let tally = slots.get(&start_ms).copied().unwrap_or(&empty);
            TimelineBucket {
                start_ms,
                requests: tally.count,
                errors: tally.errors(),
                response_times: ResponseTimes::new(tally),
            }
        };
        Self {
            total_requests: total.count,
            unique_ips,
            errors: total.errors(),
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

/// The starts of buckets within a stretch of time.
fn starts(from_ms: u64, to_ms: u64, bucket_ms: u64) -> impl Iterator<Item = u64> {
    let first = from_ms.div_ceil(bucket_ms);
    (first..to_ms.div_ceil(bucket_ms)).map(move |number| number * bucket_ms)
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
