//! Numbers, each beside the number of the period before.

use rollcall_tally::report::{Metrics, Period, Timeline};
use rollcall_tally::tally::ratio;

use crate::dashboard::format::{self, Change, More};

/// A number, and its change since the period before.
pub struct Card {
    pub label: &'static str,
    pub value: String,
    pub note: String,
    pub change: Option<Change>,
}

impl Card {
    fn new(label: &'static str, value: String, note: String, change: Option<Change>) -> Self {
        Self {
            label,
            value,
            note,
            change,
        }
    }
}

/// Requests, errors and response times of a page, each with its change against the period before.
pub fn cards(metrics: Option<&Metrics>, timeline: &Timeline) -> Vec<Card> {
    let now = &timeline.current;
    let before = timeline.previous.as_ref();
    let change =
        |of: fn(&Period) -> Option<f64>, more| Change::new(of(now), before.and_then(of), more);
    let rate = |period: &Period| {
        let has_some = period.total_requests > 0;
        has_some.then(|| ratio(period.errors, period.total_requests))
    };
    let sent = metrics.and_then(|metrics| metrics.total_bytes);
    let p50 = now.response_times.p50_response_time;
    vec![
        Card::new(
            "Requests",
            format::count(now.total_requests),
            sent.map_or_else(String::new, |sent| {
                format!("{} sent", format::bytes(Some(sent)))
            }),
            change(|period| Some(period.total_requests as f64), More::IsNeutral),
        ),
        Card::new(
            "Error rate",
            format::share(rate(now)),
            format!("{} errors", format::count(now.errors)),
            change(rate, More::IsBad),
        ),
        Card::new(
            "Response time, p95",
            format::duration(now.response_times.p95_response_time),
            match p50 {
                Some(_) => format!("median {}", format::duration(p50)),
                None => "not known of these requests".to_owned(),
            },
            change(
                |period| period.response_times.p95_response_time,
                More::IsBad,
            ),
        ),
    ]
}

/// How many IPs called.
pub fn ips_card(timeline: &Timeline, note: String) -> Card {
    let now = timeline.current.unique_ips;
    let before = timeline.previous.as_ref();
    let before = before.map(|period| period.unique_ips as f64);
    let change = Change::new(Some(now as f64), before, More::IsNeutral);
    Card::new("Unique IPs", format::count(now), note, change)
}

pub fn plain_card(label: &'static str, value: String, note: String) -> Card {
    Card::new(label, value, note, None)
}
