//! The backtest of a rate limit: a form for the limit, the hits that it lets through and refuses,
//! and the callers that it refuses.

use askama::Template;
use rollcall_tally::question::{self, AnySurvey, MAX_MAX, Survey as _};
use rollcall_tally::report::{Period, ResponseTimes, Timeline, TimelineBucket};
use rollcall_tally::reports::{BacktestReport, LimitBucket, SparingLimit};
use rollcall_tally::{Dimension, Grouping, Per, RefusedCaller, StatusCounts};

use super::breakdown::{noun, title};
use crate::dashboard::format::{self, Moment};
use crate::dashboard::link;
use crate::dashboard::parts::{self, Card, Frame, Link, Plots};
use crate::texts::Text;

#[derive(Template)]
#[template(path = "backtest.html")]
pub struct BacktestPage {
    frame: Frame,
    tabs: Vec<Link>,
    form: link::Form,
    max: u32,
    max_max: u32,
    /// The limit, in words.
    max_said: String,
    lengths: Vec<Length>,
    /// The length of the limit, in words.
    length: Text,
    /// One caller, and all of them, in words.
    caller: Text,
    callers: Text,
    since: Option<Moment>,
    cards: Vec<Card>,
    plots: Plots,
    said: Text,
    sparing: Vec<Sparing>,
    rows: Vec<Row>,
    has_more: bool,
    notes: Vec<Text>,
    is_empty: bool,
}

/// A length that the limit may have.
struct Length {
    value: &'static str,
    text: Text,
    is_current: bool,
}

/// A limit that refuses few callers, with the page that tests it.
struct Sparing {
    share: String,
    max: String,
    refused: String,
    page: String,
}

struct Row {
    name: String,
    /// None: the caller has no page.
    page: Option<String>,
    refused: String,
    /// The length of the bar, if the longest bar has 100.
    bar: u64,
    requests: String,
    buckets: String,
    worst_requests: String,
    /// The first bucket with a refused request, the last one, and the one with the most requests.
    starts: [Moment; 3],
}

impl BacktestPage {
    pub fn new(frame: Frame, of: &question::Backtest, report: &BacktestReport) -> Self {
        let survey = AnySurvey::from(of.clone());
        let mut plots = Plots::new(&survey, &timeline(report), report.provenance.as_of_ms);
        // No other page is about one bucket of a limit.
        for (row, bucket) in plots.rows.iter_mut().zip(&report.buckets) {
            row.href = None;
            row.classes = vec![format::count(bucket.refused)];
            row.said = t!(
                "{}: {} requests, {} refused",
                row.start.text,
                row.requests,
                format::count(bucket.refused)
            );
        }
        let by_day = plots.by_day;
        let moment = |start_ms: u64| match by_day {
            true => day(&report.buckets, start_ms),
            false => Moment::short(start_ms),
        };
        let page = |of: question::Backtest| link::page(&AnySurvey::from(of));
        let tab = |by: Grouping| {
            let mut tab = question::Backtest { by, ..of.clone() };
            tab.rewind();
            Link {
                text: title(by),
                is_current: by == of.by,
                href: page(tab),
            }
        };
        let is_kept = |per: &Per| Some(*per) >= Per::finest_of(of.scope.window);
        let length = |per: Per| Length {
            value: per.name(),
            text: length_of(per),
            is_current: per == report.per,
        };
        let sparing = |limit: &SparingLimit| {
            let max = u32::try_from(limit.max)
                .ok()
                .filter(|max| *max <= MAX_MAX)?;
            Some(Sparing {
                share: format::percent(limit.share),
                max: format::count(limit.max),
                refused: format::count(limit.refused_callers),
                page: page(question::Backtest {
                    max,
                    per: Some(report.per),
                    ..of.clone()
                }),
            })
        };
        let most = report.callers.iter().map(|of| of.refused_requests).max();
        let row = |caller: &RefusedCaller| Row {
            page: match of.by {
                Grouping::Ip => parts::ip_page(&of.scope, &caller.name),
                _ => None,
            },
            refused: format::count(caller.refused_requests),
            bar: parts::bar(caller.refused_requests, most),
            requests: format::count(caller.total_requests),
            buckets: format::count(caller.refused_buckets),
            worst_requests: format::count(caller.worst_requests),
            starts: [
                caller.first_bucket_ms,
                caller.last_bucket_ms,
                caller.worst_bucket_ms,
            ]
            .map(moment),
            name: caller.name.clone(),
        };
        Self {
            tabs: CALLERS.map(tab).into(),
            form: link::limit_form(&of.clone().into()),
            max: of.max,
            max_max: MAX_MAX,
            max_said: format::count(of.max.into()),
            length: length_of(report.per),
            lengths: Per::EVERY.into_iter().filter(is_kept).map(length).collect(),
            caller: noun(of.by),
            callers: callers(of.by, report.total_callers),
            since: report.provenance.from_ms.map(Moment::new),
            cards: cards(of.by, report),
            said: t!(
                "{} requests, {} of them refused; the table below has the numbers",
                format::count(report.total_requests),
                format::count(report.refused_requests),
            ),
            plots,
            sparing: report.sparing.iter().filter_map(sparing).collect(),
            rows: report.callers.iter().map(row).collect(),
            has_more: report.refused_callers > report.callers.len() as u64,
            notes: notes(of.by, report),
            is_empty: report.total_requests == 0,
            frame,
        }
    }
}

const CALLERS: [Grouping; 2] = [Grouping::Ip, Grouping::Of(Dimension::Consumer)];

/// So many callers, in words.
fn callers(by: Grouping, count: u64) -> Text {
    match by {
        Grouping::Ip => t!("{} IPs", format::count(count)),
        _ => t!("{} consumers", format::count(count)),
    }
}

fn length_of(per: Per) -> Text {
    match per {
        Per::FiveMinutes => t!("5 minutes"),
        Per::Hour => t!("an hour"),
        Per::Day => t!("a day"),
    }
}

/// The hits as a timeline, so that it is drawn as others are. Refused hits have the colour of 4xx:
/// they would get a 429.
fn timeline(report: &BacktestReport) -> Timeline {
    let bucket = |bucket: &LimitBucket| TimelineBucket {
        start_ms: bucket.start_ms,
        utc_offset_minutes: bucket.utc_offset_minutes,
        requests: bucket.requests,
        unique_ips: 0,
        new_ips: 0,
        errors: bucket.refused,
        status_classes: classes(bucket.requests, bucket.refused),
        response_times: ResponseTimes::default(),
    };
    Timeline {
        bucket_minutes: match report.per {
            Per::FiveMinutes => 5,
            Per::Hour => 60,
            Per::Day => 1_440,
        },
        current: Period {
            total_requests: report.total_requests,
            unique_ips: report.total_callers,
            errors: report.refused_requests,
            status_classes: classes(report.total_requests, report.refused_requests),
            response_times: ResponseTimes::default(),
            buckets: report.buckets.iter().map(bucket).collect(),
        },
        before: None,
        previous: None,
    }
}

fn classes(requests: u64, refused: u64) -> StatusCounts {
    StatusCounts {
        success: requests.saturating_sub(refused),
        client_error: refused,
        ..StatusCounts::default()
    }
}

/// The day of the operator's time zone that begins then.
fn day(buckets: &[LimitBucket], start_ms: u64) -> Moment {
    let mut buckets = buckets.iter();
    let bucket = buckets.find(|bucket| bucket.start_ms == start_ms);
    let minutes = bucket.map_or(0, |bucket| i64::from(bucket.utc_offset_minutes));
    Moment::day(start_ms.saturating_add_signed(minutes * 60_000))
}

fn cards(by: Grouping, report: &BacktestReport) -> Vec<Card> {
    let buckets = report.buckets.len() as u64;
    vec![
        parts::plain_card(
            t!("Refused requests"),
            format::count(report.refused_requests),
            t!("of {} requests", format::count(report.total_requests)),
        ),
        parts::plain_card(
            t!("Share of the requests"),
            format::percent(report.refused_share),
            t!("refused"),
        ),
        parts::plain_card(
            t!("Refused callers"),
            format::count(report.refused_callers),
            t!("of {}", callers(by, report.total_callers)),
        ),
        parts::plain_card(
            t!("Stretches of time with a refusal"),
            format::count(report.refused_buckets),
            t!("of {} in the plot", format::count(buckets)),
        ),
    ]
}

/// The hits that no caller is judged by.
fn notes(by: Grouping, report: &BacktestReport) -> Vec<Text> {
    let unknown = report.unknown_requests;
    let note = || {
        t!(
            "{} requests tell no {}. The limit refuses none of them.",
            format::count(unknown),
            noun(by)
        )
    };
    (unknown > 0).then(note).into_iter().collect()
}
