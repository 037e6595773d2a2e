//! Timelines: each bucket holds what a plain count gives, and all of them what the totals say, at any phase of the clock.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use proptest::prelude::*;
use rollcall_tally::report::{Period, Timeline};
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS, MINUTE_MS, Ranges};
use rollcall_tally::{Details, Filter, Hit, Summary, Window};

/// What is told of some hits at a moment.
fn told(hits: &[Hit], window: Window, filter: &Filter, now_ms: u64) -> (Summary, Timeline) {
    let details = Details {
        timeline: true,
        ..Details::default()
    };
    let summary = summary(1, hits, &batch(now_ms, window, filter, details));
    let ranges = Ranges::utc(now_ms);
    let timeline = Timeline::new(&summary, &window.span(&ranges), &ranges);
    (summary, timeline)
}

fn sum(period: &Period) -> u64 {
    period.buckets.iter().map(|bucket| bucket.requests).sum()
}

/// Buckets follow each other without a gap.
fn is_whole(period: &Period, bucket_ms: u64) -> bool {
    let starts: Vec<u64> = period
        .buckets
        .iter()
        .map(|bucket| bucket.start_ms)
        .collect();
    starts.windows(2).all(|pair| pair[1] - pair[0] == bucket_ms)
        && starts.iter().all(|start| start % bucket_ms == 0)
}

fn any_moment() -> impl Strategy<Value = u64> {
    let at = prop_oneof![
        0..DAY_MS,
        // On the edges of buckets and beside them.
        (0..3u64 * 288, 0..3u64).prop_map(|(bucket, beside)| bucket * FINE_MS + beside),
        0..40 * DAY_MS
    ];
    // Aligned to a day, so that the edges are edges.
    at.prop_map(|at| NOW_MS / DAY_MS * DAY_MS + DAY_MS + at)
}

proptest! {
    #[test]
    fn the_buckets_of_a_window_add_up_to_its_total(
        hits in proptest::collection::vec(any_hit(), 0..80),
        window in any_window(),
        filter in prop_oneof![Just(Filter::default()), any_filter()],
        now_ms in any_moment(),
    ) {
        let (summary, timeline) = told(&hits, window, &filter, now_ms);
        let before = timeline.before.unwrap_or(0);
        prop_assert_eq!(timeline.current.total_requests, summary.tally.count);
        prop_assert_eq!(sum(&timeline.current) + before, summary.tally.count);
        let span = window.span(&Ranges::utc(now_ms));
        prop_assert_eq!(timeline.before.is_some(), span.from_ms == 0);
        let errors: u64 = timeline.current.buckets.iter().map(|bucket| bucket.errors).sum();
        prop_assert!(errors == summary.tally.errors() || span.from_ms == 0);
        prop_assert!(is_whole(&timeline.current, u64::from(timeline.bucket_minutes) * MINUTE_MS));
    }

    #[test]
    fn each_bucket_holds_the_hits_of_the_buckets_that_start_within_it(
        hits in proptest::collection::vec(any_hit(), 0..80),
        window in any_window(),
        filter in prop_oneof![Just(Filter::default()), any_filter()],
        now_ms in any_moment(),
    ) {
        let (_, timeline) = told(&hits, window, &filter, now_ms);
        let counted = let_through(&hits, &filter);
        let buckets = || counted.iter().filter_map(|hit| bucket_start(hit.timestamp_ms, now_ms));
        let bucket_ms = u64::from(timeline.bucket_minutes) * MINUTE_MS;
        let span = window.span(&Ranges::utc(now_ms));
        let is_within = |start: &u64| *start >= span.from_ms && *start < span.until_ms;
        for bucket in &timeline.current.buckets {
            let within = buckets().filter(is_within).filter(|start| start / bucket_ms * bucket_ms == bucket.start_ms);
            prop_assert_eq!(bucket.requests, within.count() as u64);
        }
        let previous_ms = span.previous_from_ms;
        prop_assert_eq!(timeline.previous.is_some(), previous_ms.is_some());
        let Some((previous, previous_ms)) = timeline.previous.zip(previous_ms) else {
            return Ok(());
        };
        prop_assert!(is_whole(&previous, bucket_ms));
        prop_assert_eq!(sum(&previous), previous.total_requests);
        let within = buckets().filter(|bucket| (previous_ms..span.from_ms).contains(bucket));
        prop_assert_eq!(previous.total_requests, within.count() as u64);
        for bucket in &previous.buckets {
            let within = buckets().filter(|start| start / bucket_ms * bucket_ms == bucket.start_ms);
            prop_assert_eq!(bucket.requests, within.count() as u64);
        }
    }
}

#[test]
fn a_timeline_has_every_bucket_of_its_window_at_every_minute_of_two_days() {
    for minute in 0..2 * 24 * 60 {
        let now_ms = NOW_MS / DAY_MS * DAY_MS + minute * MINUTE_MS + 1;
        for (window, bucket_minutes, count) in [
            (Window::Hour, 5, 12),
            (Window::Day, 60, 24),
            (Window::Week, 24 * 60, 7),
            (Window::Month, 24 * 60, 30),
            (Window::Quarter, 24 * 60, 90),
            (Window::All, 24 * 60, 91),
        ] {
            let (_, timeline) = told(&[], window, &Filter::default(), now_ms);
            assert_eq!(timeline.bucket_minutes, bucket_minutes);
            assert_eq!(
                timeline.current.buckets.len(),
                count,
                "{window:?}, {minute}"
            );
            let previous = timeline.previous.map(|previous| previous.buckets.len());
            let kept = !matches!(window, Window::Quarter | Window::All);
            assert_eq!(previous, kept.then_some(count), "{window:?}, {minute}");
        }
    }
}

#[test]
fn a_hit_from_the_future_counts_in_the_newest_bucket() {
    let now_ms = NOW_MS / HOUR_MS * HOUR_MS + HOUR_MS - MINUTE_MS;
    let hit = plain_hit([192, 0, 2, 1].into(), now_ms + 4 * MINUTE_MS);
    for window in Window::EVERY {
        let (_, timeline) = told(
            std::slice::from_ref(&hit),
            window,
            &Filter::default(),
            now_ms,
        );
        let newest = timeline.current.buckets.last().unwrap();
        assert_eq!(newest.requests, 1, "{window:?}");
        assert!(newest.start_ms <= now_ms);
    }
}
