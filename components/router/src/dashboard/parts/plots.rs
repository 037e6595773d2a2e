//! A timeline, as plots and as a table.

use rollcall_tally::interval::{self, Interval};
use rollcall_tally::question::{AnySurvey, Scope, Timeseries};
use rollcall_tally::report::{Period, Timeline, TimelineBucket};
use rollcall_tally::{StatusClass, StatusFilter, StatusValue, Window};

use super::scope::{of_hits, rescoped};
use super::tone;
use crate::dashboard::chart::{self, Chart};
use crate::dashboard::format::{self, Moment};
use crate::dashboard::link::{self, Condition};
use crate::texts::{Say as _, Text};

const DAY_MS: u64 = 24 * 60 * 60_000;

/// A timeline as plots and one table.
pub struct Plots {
    pub requests: Chart,
    pub requests_said: Text,
    /// The classes of status that have a hit.
    pub classes: Vec<Class>,
    /// None if no response time is known.
    pub response_times: Option<Chart>,
    /// New and returning IPs. None if no bucket has several.
    pub callers: Option<Chart>,
    pub has_previous: bool,
    /// The last bucket is not over.
    pub unfinished: bool,
    pub ticks: Vec<Moment>,
    /// A bucket is a day: one of the operator's time zone, wherever the viewer is.
    pub by_day: bool,
    pub rows: Vec<TimeRow>,
    pub bucket: Text,
    pub before: Option<String>,
    /// The timeline, as the API gives it.
    pub json: String,
}

/// A class of status in the legend of a plot.
pub struct Class {
    pub name: &'static str,
    pub text: Text,
    /// See [`tone`].
    pub tone: &'static str,
    /// The page with this class alone. If it is that page: the page with every class.
    pub href: String,
    pub is_filter: bool,
}

pub struct TimeRow {
    pub start_ms: u64,
    /// The begin of the next bucket.
    pub end_ms: u64,
    pub start: Moment,
    /// The page of this bucket. None: the plot has no other.
    pub href: Option<String>,
    /// The bucket in a line, in UTC.
    pub said: Text,
    pub requests: String,
    /// As many as there are [`Plots::classes`].
    pub classes: Vec<String>,
    pub ips: String,
    pub new_ips: String,
    pub p50: String,
    pub p95: String,
    pub p99: String,
}

impl Plots {
    pub fn new(survey: &AnySurvey, timeline: &Timeline, as_of_ms: u64) -> Self {
        let period = &timeline.current;
        let buckets = &period.buckets;
        let by_day = timeline.bucket_minutes >= 24 * 60;
        let classes = classes(survey, period);
        let row = |bucket: &TimelineBucket| {
            let start = match by_day {
                true => day(bucket),
                false => Moment::short(bucket.start_ms),
            };
            let counts = classes.iter().filter_map(|class| {
                let class = StatusClass::from_name(class.name)?;
                Some(format::count(bucket.status_classes.of(class)))
            });
            let counts: Vec<String> = counts.collect();
            let requests = format::count(bucket.requests);
            let next = buckets.iter().find(|next| next.start_ms > bucket.start_ms);
            let length_ms = u64::from(timeline.bucket_minutes) * 60_000;
            TimeRow {
                start_ms: bucket.start_ms,
                end_ms: next.map_or(bucket.start_ms + length_ms, |next| next.start_ms),
                href: (buckets.len() > 1).then(|| zoomed(survey, timeline, bucket)),
                said: said(&start, &requests, &classes, &counts),
                start,
                requests,
                classes: counts,
                ips: format::count(bucket.unique_ips),
                new_ips: format::count(bucket.new_ips),
                p50: format::duration(bucket.response_times.p50_response_time),
                p95: format::duration(bucket.response_times.p95_response_time),
                p99: format::duration(bucket.response_times.p99_response_time),
            }
        };
        let most = buckets.iter().map(|bucket| bucket.requests).max();
        let bucket = match timeline.bucket_minutes {
            5 => t!("5 minutes"),
            60 => t!("hour"),
            _ => t!("day"),
        };
        let last = buckets.last().map_or(0, |bucket| bucket.start_ms);
        let unfinished = last + u64::from(timeline.bucket_minutes) * 60_000 > as_of_ms;
        let timeseries = Timeseries {
            scope: of_hits(survey),
        };
        let has_times = period.response_times.p50_response_time.is_some();
        let has_callers = buckets.iter().any(|bucket| bucket.unique_ips > 1);
        Self {
            unfinished,
            requests: chart::requests(timeline, unfinished),
            requests_said: t!(
                "{} requests, {} of them 4xx and {} of them 5xx; at most {} in a {}",
                format::count(period.total_requests),
                format::count(period.status_classes.client_error),
                format::count(period.status_classes.server_error),
                format::count(most.unwrap_or(0)),
                bucket,
            ),
            response_times: has_times.then(|| chart::response_times(timeline)),
            callers: has_callers.then(|| chart::callers(timeline, unfinished)),
            has_previous: timeline.previous.is_some(),
            ticks: ticks(timeline, by_day),
            by_day,
            rows: buckets.iter().map(row).collect(),
            classes,
            bucket,
            before: timeline
                .before
                .filter(|before| *before > 0)
                .map(format::count),
            json: link::api(&timeseries.into()),
        }
    }
}

fn classes(survey: &AnySurvey, period: &Period) -> Vec<Class> {
    let Scope { window, filter, .. } = survey.scope();
    let class = |class: StatusClass| {
        let only = StatusFilter::from(StatusValue::Class(class));
        let is_filter = filter.status.as_ref() == Some(&only);
        let status = (!is_filter).then(|| class.name());
        Class {
            name: class.name(),
            text: match class {
                StatusClass::Unknown => t!("no status"),
                _ => class.name().text(),
            },
            tone: tone(class.name()),
            href: rescoped(survey, *window, Condition::Status.set(filter, status)),
            is_filter,
        }
    };
    let has_some = |class: &StatusClass| period.status_classes.of(*class) > 0;
    let classes = StatusClass::EVERY.into_iter().filter(has_some);
    classes.map(class).collect()
}

/// `Nov 28, 10:00: 100 requests, 2xx 75, 5xx 25`.
fn said(start: &Moment, requests: &str, classes: &[Class], counts: &[String]) -> Text {
    let by_class = classes.iter().zip(counts);
    let all = t!("{}: {} requests", start.text, requests);
    by_class.fold(all, |said, (class, count)| {
        t!("{}, {} {}", said, class.text, count)
    })
}

/// The same page for one bucket.
fn zoomed(survey: &AnySurvey, timeline: &Timeline, bucket: &TimelineBucket) -> String {
    let (from, to) = match timeline.bucket_minutes {
        minutes if minutes < 24 * 60 => {
            let end_ms = bucket.start_ms + u64::from(minutes) * 60_000;
            (
                interval::Moment::At(bucket.start_ms),
                interval::Moment::At(end_ms),
            )
        }
        _ => {
            let number = u32::try_from(clock_ms(bucket) / DAY_MS).unwrap_or(u32::MAX);
            (interval::Moment::Day(number), interval::Moment::Day(number))
        }
    };
    let interval = Interval {
        from: Some(from),
        to: Some(to),
    };
    let filter = survey.scope().filter.clone();
    rescoped(survey, Window::Between(interval), filter)
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
    Moment::day(clock_ms(bucket))
}

/// What clocks of the store's time zone show when the bucket begins.
fn clock_ms(bucket: &TimelineBucket) -> u64 {
    let offset_ms = i64::from(bucket.utc_offset_minutes) * 60_000;
    bucket.start_ms.saturating_add_signed(offset_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::question::Question;
    use rollcall_tally::report::ResponseTimes;
    use rollcall_tally::status::StatusCounts;

    const HOUR_MS: u64 = 60 * 60_000;

    fn survey(query: &str) -> AnySurvey {
        match Question::read("overview", query) {
            Ok(Question::Survey(survey)) => survey,
            other => panic!("{query}: {other:?}"),
        }
    }

    fn plots(query: &str, bucket_minutes: u32, starts: &[u64], utc_offset_minutes: i32) -> Plots {
        let status_classes = StatusCounts {
            success: 1_000,
            server_error: 2,
            ..StatusCounts::default()
        };
        let bucket = |start_ms: &u64| TimelineBucket {
            start_ms: *start_ms,
            utc_offset_minutes,
            requests: 1_002,
            unique_ips: 1,
            new_ips: 1,
            errors: 2,
            status_classes,
            response_times: ResponseTimes::default(),
        };
        let current = Period {
            total_requests: 1_002,
            unique_ips: 1,
            errors: 2,
            status_classes,
            response_times: ResponseTimes::default(),
            buckets: starts.iter().map(bucket).collect(),
        };
        let timeline = Timeline {
            bucket_minutes,
            current,
            before: None,
            previous: None,
        };
        Plots::new(&survey(query), &timeline, 0)
    }

    fn hrefs(plots: &Plots) -> Vec<&str> {
        let hrefs = plots.rows.iter().filter_map(|row| row.href.as_deref());
        hrefs.collect()
    }

    #[test]
    fn each_bucket_leads_to_its_own_page_if_there_are_several() {
        let hours = plots("method=GET", 60, &[0, HOUR_MS], 0);
        let second =
            "/admin/?method=GET&from=1970-01-01T01%3A00%3A00.000Z&to=1970-01-01T02%3A00%3A00.000Z";
        assert_eq!(hrefs(&hours)[1], second);
        assert_eq!(
            hours.rows[1].said.to_string(),
            "Jan 1, 01:00: 1,002 requests, 2xx 1,000, 5xx 2"
        );
        // A day of Kolkata begins at 18:30 of the day before.
        let days = plots("", 1_440, &[0, 24 * HOUR_MS - 330 * 60_000], 330);
        assert_eq!(hrefs(&days)[1], "/admin/?from=1970-01-02&to=1970-01-02");
        assert!(hrefs(&plots("", 60, &[0], 0)).is_empty());
    }

    #[test]
    fn the_legend_has_the_classes_with_a_hit_and_filters_by_them() {
        let legend = |query: &str| {
            let classes = plots(query, 60, &[0], 0).classes.into_iter();
            let links = classes.map(|class| (class.text.to_string(), class.href, class.is_filter));
            links.collect::<Vec<_>>()
        };
        let link = |query: &str| format!("/admin/?{query}timeRange=24h");
        assert_eq!(
            legend(""),
            [
                ("2xx".to_owned(), link("status=2xx&"), false),
                ("5xx".to_owned(), link("status=5xx&"), false)
            ]
        );
        assert_eq!(legend("status=5xx")[1], ("5xx".to_owned(), link(""), true));
    }
}
