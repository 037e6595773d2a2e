//! Merging is associative and commutative, and windows are exact.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use proptest::prelude::*;
use rollcall_tally::Summary;
use rollcall_tally::window::{DAY_MS, Ranges};

proptest! {
    #[test]
    fn merging_is_associative_and_commutative(
        of_ips in proptest::collection::vec(proptest::collection::vec(any_hit(), 0..20), 3..6),
        window in any_window(),
        filter in prop_oneof![Just(Default::default()), any_filter()],
        details in any_details(),
        shift in 0..6usize,
    ) {
        let batch = batch(NOW_MS, window, &filter, details.clone());
        let parts: Vec<Summary> = of_ips.iter().enumerate().map(|(ip, hits)| summary(ip, hits, &batch)).collect();
        let in_order = merged(&details, parts.clone());
        let mut turned = parts.clone();
        turned.rotate_left(shift % parts.len());
        turned.reverse();
        prop_assert_eq!(&merged(&details, turned), &in_order);
        for cut in 0..=parts.len() {
            let (left, right) = parts.split_at(cut);
            let grouped = merged(&details, [merged(&details, left.to_vec()), merged(&details, right.to_vec())]);
            prop_assert_eq!(&grouped, &in_order);
        }
    }

    #[test]
    fn a_window_holds_exactly_the_hits_of_the_buckets_that_start_within_it(
        hits in proptest::collection::vec(any_hit(), 0..80),
        window in any_window(),
        later_ms in 0..40 * DAY_MS,
    ) {
        // Hits are added at one moment and asked for at a later one: buckets are poured together meanwhile.
        let now_ms = NOW_MS + later_ms;
        let mut state = state(&hits);
        let ranges = Ranges::utc(now_ms);
        state.age(&ranges);
        let starts = window.span(&ranges).starts();
        let counted: u64 = state.paths.values().map(|path| path.count_within(&starts, None)).sum();
        let expected = hits.iter().filter(|hit| is_within(hit, window, now_ms));
        prop_assert_eq!(counted, expected.count() as u64);
    }
}
