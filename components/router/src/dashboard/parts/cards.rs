//! Numbers, each beside the number of the period before.

use rollcall_tally::report::{Metrics, Period, Timeline};
use rollcall_tally::tally::ratio;

use crate::dashboard::format::{self, Change, More};
use crate::texts::Text;

/// If the period before has this many times fewer requests, nothing is compared with it.
const FEW: u64 = 20;

/// A number, and its change since the period before.
pub struct Card {
    pub label: Text,
    pub value: String,
    pub note: Text,
    pub change: Option<Change>,
}

impl Card {
    fn new(label: Text, value: String, note: Text, change: Option<Change>) -> Self {
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
    let few = before.filter(|before| is_few(before, now));
    let before = before.filter(|_| few.is_none());
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
            t!("Requests"),
            format::count(now.total_requests),
            sent.map_or(Text::EMPTY, |sent| t!("{} sent", format::bytes(Some(sent)))),
            few.map(|few| Change::only(few.total_requests))
                .or_else(|| change(|period| Some(period.total_requests as f64), More::IsNeutral)),
        ),
        Card::new(
            t!("Error rate"),
            format::share(rate(now)),
            t!("{} errors", format::count(now.errors)),
            change(rate, More::IsBad),
        ),
        Card::new(
            t!("Response time, p95"),
            format::duration(now.response_times.p95_response_time),
            match p50 {
                Some(_) => t!("median {}", format::duration(p50)),
                None => t!("not known of these requests"),
            },
            change(
                |period| period.response_times.p95_response_time,
                More::IsBad,
            ),
        ),
    ]
}

/// Whether the period before has so few requests that no change against it says anything.
fn is_few(before: &Period, now: &Period) -> bool {
    before.total_requests.saturating_mul(FEW) < now.total_requests
}

/// How many IPs called.
pub fn ips_card(timeline: &Timeline, note: Text) -> Card {
    let now = timeline.current.unique_ips;
    let change = timeline.previous.as_ref().and_then(|before| {
        let ips = before.unique_ips;
        match is_few(before, &timeline.current) {
            true => Some(Change::only(ips)),
            false => Change::new(Some(now as f64), Some(ips as f64), More::IsNeutral),
        }
    });
    Card::new(t!("Unique IPs"), format::count(now), note, change)
}

pub fn plain_card(label: Text, value: String, note: Text) -> Card {
    Card::new(label, value, note, None)
}

#[cfg(test)]
mod tests {
    use rollcall_tally::report::ResponseTimes;
    use rollcall_tally::status::StatusCounts;

    use super::*;

    #[test]
    fn nothing_is_compared_with_a_period_of_few_requests() {
        let period = |total_requests| Period {
            total_requests,
            unique_ips: 1,
            errors: 1,
            status_classes: StatusCounts::default(),
            response_times: ResponseTimes::default(),
            buckets: Vec::new(),
        };
        let timeline = |now, before| Timeline {
            bucket_minutes: 60,
            current: period(now),
            before: None,
            previous: Some(period(before)),
        };
        for (now, before, expect) in [
            (1_000, 50, ["20 times as much", "−95 %"]),
            (1_001, 50, ["50", ""]),
            (7, 0, ["0", ""]),
        ] {
            let changes = cards(None, &timeline(now, before));
            let changes = changes.iter().take(2).map(|card| {
                let change = card.change.as_ref();
                change.map_or(String::new(), |change| change.text.to_string())
            });
            assert!(changes.eq(expect), "{now} {before}");
        }
    }
}
