//! Merging is associative and commutative, and windows are exact.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use rollcall_tally::summary::Adder;
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS, Ranges};
use rollcall_tally::{Batch, Detail, Hit, IpState, Summary, Window};

const NOW_MS: u64 = 1_800_000_123_456;

fn any_hit() -> impl Strategy<Value = Hit> {
    let age_ms = prop_oneof![0..3 * HOUR_MS, 0..60 * HOUR_MS, 0..120 * DAY_MS];
    let country = proptest::option::of(prop_oneof![Just("DE"), Just("CN"), Just("US")]);
    let time_us = proptest::option::of(0..5_000_000u64);
    (
        0..4u8,
        age_ms,
        proptest::option::of(100..600u16),
        time_us,
        country,
    )
        .prop_map(|(path, age_ms, status, response_time_us, country)| Hit {
            ip: "192.0.2.1".parse().unwrap(),
            timestamp_ms: NOW_MS - age_ms,
            method: "GET".to_owned(),
            path: format!("/{path}"),
            status,
            response_time_us,
            bytes: Some(age_ms % 1_000),
            country: country.map(str::to_owned),
            user_agent: None,
        })
}

fn any_window() -> impl Strategy<Value = Window> {
    proptest::sample::select(Window::EVERY.to_vec())
}

fn state(hits: &[Hit]) -> IpState {
    let mut state = IpState::default();
    for hit in hits {
        state.add(hit, NOW_MS);
    }
    state
}

fn summary(ip: usize, hits: &[Hit], window: Window, detail: Detail) -> Summary {
    let batch = Batch {
        as_of_ms: NOW_MS,
        window,
        detail,
        ips: Vec::new(),
    };
    let mut adder = Adder::default();
    adder.add_state(&format!("192.0.2.{ip}"), state(hits), &batch);
    adder.finish()
}

fn merged(parts: impl IntoIterator<Item = Summary>) -> Summary {
    let mut adder = Adder::default();
    for part in parts {
        adder.add(part);
    }
    adder.finish()
}

proptest! {
    #[test]
    fn merging_is_associative_and_commutative(
        of_ips in proptest::collection::vec(proptest::collection::vec(any_hit(), 0..20), 3..6),
        window in any_window(),
        detail in proptest::sample::select(vec![Detail::Totals, Detail::Paths, Detail::Callers]),
        shift in 0..6usize,
    ) {
        let parts: Vec<Summary> = of_ips.iter().enumerate().map(|(ip, hits)| summary(ip, hits, window, detail)).collect();
        let in_order = merged(parts.clone());
        let mut turned = parts.clone();
        turned.rotate_left(shift % parts.len());
        turned.reverse();
        prop_assert_eq!(&merged(turned), &in_order);
        for cut in 0..=parts.len() {
            let (left, right) = parts.split_at(cut);
            let grouped = merged([merged(left.to_vec()), merged(right.to_vec())]);
            prop_assert_eq!(&grouped, &in_order);
        }
    }

    #[test]
    fn a_window_holds_exactly_the_hits_of_the_cells_that_start_within_it(
        hits in proptest::collection::vec(any_hit(), 0..80),
        window in any_window(),
        later_ms in 0..40 * DAY_MS,
    ) {
        // Hits are added at one moment and asked for at a later one: cells are poured together meanwhile.
        let now_ms = NOW_MS + later_ms;
        let mut state = state(&hits);
        state.age(now_ms);
        let from_ms = window.start_ms(now_ms);
        let counted: u64 = state.paths_since(from_ms).map(|(_, _, tally)| tally.count).sum();
        let expected = hits.iter().filter(|hit| cell_start(hit.timestamp_ms, now_ms).is_none_or(|start| start >= from_ms));
        let expected = expected.filter(|hit| cell_start(hit.timestamp_ms, now_ms).is_some() || window == Window::All);
        prop_assert_eq!(counted, expected.count() as u64);
    }
}

/// Where the documentation says that a hit's cell starts; `None` is the one cell for all before.
fn cell_start(at_ms: u64, now_ms: u64) -> Option<u64> {
    let ranges = Ranges::at(now_ms);
    let unit_ms = if at_ms >= ranges.fine_from_ms {
        FINE_MS
    } else if at_ms >= ranges.hours_from_ms {
        HOUR_MS
    } else if at_ms >= ranges.days_from_ms {
        DAY_MS
    } else {
        return None;
    };
    Some(at_ms / unit_ms * unit_ms)
}
