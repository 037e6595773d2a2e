//! Under a filter, what is counted is what a plain count over the same hits gives.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use proptest::prelude::*;
use rollcall_tally::window::DAY_MS;
use rollcall_tally::{Details, Hit, IpOrder, StatusClass, StatusCount, StatusValue, Tally, Window};

proptest! {
    #[test]
    fn the_hits_that_a_filter_lets_through_are_counted_and_no_others(
        hits in proptest::collection::vec(any_hit(), 0..60),
        window in any_window(),
        filter in any_filter(),
        later_ms in 0..40 * DAY_MS,
    ) {
        let now_ms = NOW_MS + later_ms;
        let details = Details { paths: 1_000, callers: 1, ..Details::default() };
        let mut told = summary(1, &hits, &batch(now_ms, window, &filter, details));
        // Of the others, it tells when they were called.
        told.paths.retain(|path| path.tally.count > 0);
        let counted = let_through(&hits, &filter);
        let of = |window: Window| counted.iter().filter(move |hit| is_within(hit, window, now_ms));
        let count = |window: Window| of(window).count() as u64;
        prop_assert_eq!(told.tally.count, count(window));
        prop_assert_eq!(told.last_hour, count(Window::Hour));
        prop_assert_eq!(told.ips, u64::from(count(window) > 0));
        let keys: BTreeSet<String> = of(window).map(|hit| hit.path_key()).collect();
        prop_assert_eq!(told.path_keys, keys.len() as u64);
        prop_assert!(told.paths.iter().map(|path| &path.path_key).eq(&keys));
        let errors = of(window).filter(|hit| hit.status.is_some_and(|status| status >= 400));
        prop_assert_eq!(told.tally.errors(), errors.count() as u64);
        if let Some(caller) = told.callers.first() {
            let recent = [caller.recent.last24h, caller.recent.last7d, caller.recent.last30d];
            prop_assert_eq!(recent, [Window::Day, Window::Week, Window::Month].map(count));
        }
        let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
        for hit in of(window) {
            *statuses.entry(hit.status.unwrap_or(0)).or_default() += 1;
        }
        let told_statuses = told.tally.statuses.iter().map(|of| (of.code, of.count));
        prop_assert!(told_statuses.eq(statuses));
        let known = |sum: fn(&Hit) -> u64| match filter.status {
            Some(_) => 0,
            None => of(window).map(|hit| sum(hit)).sum::<u64>(),
        };
        prop_assert_eq!(told.tally.bytes, known(|hit| hit.bytes.unwrap_or(0)));
        prop_assert_eq!(told.tally.time_sum_us, known(|hit| hit.response_time_us.unwrap_or(0)));
    }

    #[test]
    fn a_few_callers_of_each_batch_are_enough_for_the_first_of_all(
        of_ips in proptest::collection::vec(proptest::collection::vec(any_hit(), 0..6), 0..12),
        order in proptest::sample::select(IpOrder::EVERY.to_vec()),
        cut in 1..5usize,
        callers in 1..5u32,
    ) {
        let ask = |callers| {
            let details = Details { callers, order, ..Details::default() };
            let batch = batch(NOW_MS, Window::All, &Default::default(), details.clone());
            let parts = of_ips.iter().enumerate().map(|(ip, hits)| summary(ip, hits, &batch));
            let parts: Vec<_> = parts.collect();
            let batches = parts.chunks(cut).map(|ips| merged(&details, ips.to_vec()));
            merged(&details, batches).callers
        };
        let mut all = ask(u32::MAX);
        all.truncate(callers as usize);
        prop_assert_eq!(ask(callers), all);
    }
}

#[test]
fn hits_of_which_only_the_class_is_known_match_their_class_and_no_code() {
    let of = |code, count| StatusCount { code, count };
    let known = Tally {
        count: 15,
        statuses: vec![of(0, 1), of(4, 2), of(404, 4), of(429, 8)],
        ..Tally::default()
    };
    for (filter, statuses) in [
        (
            StatusValue::Class(StatusClass::ClientError),
            vec![of(4, 2), of(404, 4), of(429, 8)],
        ),
        (StatusValue::Class(StatusClass::Unknown), vec![of(0, 1)]),
        (StatusValue::Code(404), vec![of(404, 4)]),
        (StatusValue::Code(400), vec![]),
    ] {
        let filter = &filter.into();
        let count = statuses.iter().map(|of| of.count).sum();
        assert_eq!(known.count_of(Some(filter)), count, "{filter:?}");
        let mut sum = Tally::default();
        sum.merge_status(&known, Some(filter));
        assert_eq!((sum.count, sum.statuses), (count, statuses), "{filter:?}");
    }
}
