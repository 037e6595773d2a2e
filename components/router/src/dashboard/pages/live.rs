//! The live page: the last hour, in buckets of 5 minutes. The script has it written anew all the
//! time.

use askama::Template;
use rollcall_tally::question::AnySurvey;
use rollcall_tally::report::{Overview, Timeline, TimelineBucket};
use rollcall_tally::tally::ratio;
use rollcall_tally::window::MINUTE_MS;

use crate::dashboard::format;
use crate::dashboard::parts::{self, Card, Frame, IpRow, PathRow, Plots};

/// The buckets that count for the numbers of this moment: the one that is not over, and the one
/// before it.
const NEWEST: usize = 2;

#[derive(Template)]
#[template(path = "live.html")]
pub struct LivePage {
    frame: Frame,
    cards: Vec<Card>,
    plots: Plots,
    paths: Vec<PathRow>,
    ips: Vec<IpRow>,
}

impl LivePage {
    pub fn new(frame: Frame, survey: &AnySurvey, overview: &Overview) -> Self {
        let as_of_ms = overview.stats.provenance.as_of_ms;
        let mut cards = newest(&overview.timeline, as_of_ms);
        let of_hour = parts::plain_card(
            t!("Requests"),
            format::count(overview.timeline.current.total_requests),
            t!("in this hour"),
        );
        let new = t!("{} never seen before", format::count(overview.new_ips));
        cards.extend([of_hour, parts::ips_card(&overview.timeline, new)]);
        Self {
            cards,
            plots: Plots::new(survey, &overview.timeline, as_of_ms),
            paths: parts::path_rows(survey, &overview.stats.top_paths),
            ips: parts::ip_rows(survey, &overview.top_ips),
            frame,
        }
    }
}

/// The numbers of the newest buckets.
fn newest(timeline: &Timeline, as_of_ms: u64) -> Vec<Card> {
    let buckets = &timeline.current.buckets;
    let newest = buckets.get(buckets.len().saturating_sub(NEWEST)..);
    let newest = newest.unwrap_or_default();
    let sum = |of: fn(&TimelineBucket) -> u64| newest.iter().map(of).sum::<u64>();
    let since_ms = newest.first().map_or(as_of_ms, |bucket| bucket.start_ms);
    // At the beginning of a bucket, the bucket before it is whole: this is never zero.
    let minutes = (as_of_ms.saturating_sub(since_ms) as f64 / MINUTE_MS as f64).max(1.0);
    let requests = sum(|bucket| bucket.requests);
    let errors = sum(|bucket| bucket.errors);
    vec![
        parts::plain_card(
            t!("Requests a minute"),
            format::compact(requests as f64 / minutes),
            t!("in the last {} minutes", format!("{minutes:.0}")),
        ),
        parts::plain_card(
            t!("Error rate"),
            format::share((requests > 0).then(|| ratio(errors, requests))),
            t!(
                "{} 4xx, {} 5xx",
                format::count(sum(|bucket| bucket.status_classes.client_error)),
                format::count(sum(|bucket| bucket.status_classes.server_error)),
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::report::{Period, ResponseTimes};
    use rollcall_tally::status::StatusCounts;

    #[test]
    fn the_newest_numbers_are_those_of_the_last_two_buckets() {
        let bucket = |number: u64, requests, server_error| TimelineBucket {
            start_ms: number * 5 * MINUTE_MS,
            utc_offset_minutes: 0,
            requests,
            unique_ips: 0,
            new_ips: 0,
            errors: server_error,
            status_classes: StatusCounts {
                server_error,
                ..StatusCounts::default()
            },
            response_times: ResponseTimes::default(),
        };
        let said = |buckets: Vec<TimelineBucket>, as_of_ms| {
            let timeline = Timeline {
                bucket_minutes: 5,
                current: Period {
                    total_requests: 0,
                    unique_ips: 0,
                    errors: 0,
                    status_classes: StatusCounts::default(),
                    response_times: ResponseTimes::default(),
                    buckets,
                },
                before: None,
                previous: None,
            };
            let cards = newest(&timeline, as_of_ms).into_iter();
            let texts = cards.map(|card| format!("{} | {}", card.value, card.note));
            texts.collect::<Vec<_>>()
        };
        let three = vec![bucket(0, 700, 700), bucket(1, 60, 0), bucket(2, 10, 7)];
        assert_eq!(
            said(three, 12 * MINUTE_MS),
            ["10 | in the last 7 minutes", "10 % | 0 4xx, 7 5xx"]
        );
        assert_eq!(
            said(Vec::new(), 0),
            ["0 | in the last 1 minutes", "– | 0 4xx, 0 5xx"]
        );
    }
}
