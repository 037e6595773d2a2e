//! Merging is associative and commutative, and windows are exact.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::Ipv4Addr;

use common::*;
use proptest::prelude::*;
use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::window::{DAY_MS, Ranges};
use rollcall_tally::{Details, Filter, GroupDetail, Grouping, Summary, Window};

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

#[test]
fn of_many_callers_and_groups_only_the_first_matter() {
    let details = Details {
        callers: 7,
        groups: Some(GroupDetail::new(Grouping::Ip, 7)),
        ..Details::default()
    };
    let batch = batch(NOW_MS, Window::All, &Filter::default(), details.clone());
    let ranges = Ranges::utc(NOW_MS);
    let asked = StateQuery::new(&batch, &ranges);
    let hits_of = |ip: u32| 1 + u64::from(ip * 37 % 50);
    let address = |ip: u32| Ipv4Addr::from(ip).to_string();
    let of_batch = |number: u32| {
        let mut accumulator = Accumulator::new(details.clone());
        for ip in number * 100..(number + 1) * 100 {
            let hit = plain_hit(Ipv4Addr::from(ip).into(), NOW_MS);
            let hits = vec![hit; hits_of(ip) as usize];
            accumulator.add_state(&address(ip), state(&hits), &asked);
        }
        accumulator.finish()
    };
    // Ten times as many as are kept beyond those that are wanted.
    let mut all = Accumulator::new(details.clone());
    (0..150).for_each(|number| all.add(of_batch(number)));
    let told = all.finish_ips();
    let mut expect: Vec<(u64, String)> = (0..15_000).map(|ip| (hits_of(ip), address(ip))).collect();
    expect.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.cmp(other)));
    expect.truncate(7);
    let callers = told.callers.iter();
    let callers: Vec<_> = callers.map(|of| (of.tally.count, of.ip.clone())).collect();
    assert_eq!(callers, expect);
    let groups = told.groups.unwrap();
    assert_eq!(groups.count, 15_000);
    let groups = groups.first.iter();
    let groups: Vec<_> = groups.map(|of| (of.tally.count, of.name.clone())).collect();
    assert_eq!(groups, expect);
}
