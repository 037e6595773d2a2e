//! A timeline, as plots and as a table.

use rollcall_tally::report::{Timeline, TimelineBucket};

use crate::dashboard::chart::{self, Chart};
use crate::dashboard::format::{self, Moment};

/// A timeline as two plots and one table.
pub struct Plots {
    pub requests: Chart,
    pub requests_said: String,
    /// None if no response time is known.
    pub response_times: Option<Chart>,
    pub has_previous: bool,
    /// The last bucket is not over.
    pub unfinished: bool,
    pub ticks: Vec<Moment>,
    /// A bucket is a day: one of the operator's time zone, wherever the viewer is.
    pub by_day: bool,
    pub rows: Vec<TimeRow>,
    pub bucket: &'static str,
    pub before: Option<String>,
}

pub struct TimeRow {
    pub start: Moment,
    pub requests: String,
    pub errors: String,
    pub p50: String,
    pub p95: String,
    pub p99: String,
}

impl Plots {
    pub fn new(timeline: &Timeline, as_of_ms: u64) -> Self {
        let buckets = &timeline.current.buckets;
        let by_day = timeline.bucket_minutes >= 24 * 60;
        let row = |bucket: &TimelineBucket| TimeRow {
            start: match by_day {
                true => day(bucket),
                false => Moment::short(bucket.start_ms),
            },
            requests: format::count(bucket.requests),
            errors: format::count(bucket.errors),
            p50: format::duration(bucket.response_times.p50_response_time),
            p95: format::duration(bucket.response_times.p95_response_time),
            p99: format::duration(bucket.response_times.p99_response_time),
        };
        let most = buckets.iter().map(|bucket| bucket.requests).max();
        let bucket = match timeline.bucket_minutes {
            5 => "5 minutes",
            60 => "hour",
            _ => "day",
        };
        let last = buckets.last().map_or(0, |bucket| bucket.start_ms);
        let unfinished = last + u64::from(timeline.bucket_minutes) * 60_000 > as_of_ms;
        let has_times = timeline.current.response_times.p50_response_time.is_some();
        Self {
            unfinished,
            requests: chart::requests(timeline, unfinished),
            requests_said: format!(
                "{} requests, {} of them errors; at most {} in a {bucket}",
                format::count(timeline.current.total_requests),
                format::count(timeline.current.errors),
                format::count(most.unwrap_or(0)),
            ),
            response_times: has_times.then(|| chart::response_times(timeline)),
            has_previous: timeline.previous.is_some(),
            ticks: ticks(timeline, by_day),
            by_day,
            rows: buckets.iter().map(row).collect(),
            bucket,
            before: timeline
                .before
                .filter(|before| *before > 0)
                .map(format::count),
        }
    }
}

/// Labels below a plot, each where its bucket begins. Their number divides the buckets evenly.
fn ticks(timeline: &Timeline, by_day: bool) -> Vec<Moment> {
    let buckets = &timeline.current.buckets;
    let parts = [6, 5, 4, 7]
        .into_iter()
        .find(|parts| buckets.len().is_multiple_of(*parts));
    let step = (buckets.len() / parts.unwrap_or(1)).max(1);
    let label = |bucket: &TimelineBucket| match by_day {
        true => day(bucket),
        false => Moment::time(bucket.start_ms),
    };
    buckets.iter().step_by(step).map(label).collect()
}

/// The day that the calendar has when the bucket begins.
fn day(bucket: &TimelineBucket) -> Moment {
    let offset_ms = i64::from(bucket.utc_offset_minutes) * 60_000;
    Moment::day(bucket.start_ms.saturating_add_signed(offset_ms))
}
