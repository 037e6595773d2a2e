//! However hits are cut into segments, and whenever those are folded, the states are the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::*;
use proptest::prelude::*;
use rollcall_tally::Hit;

const HOUR_MS: u64 = 60 * 60 * 1_000;

fn any_hit() -> impl Strategy<Value = Hit> {
    let age_ms = prop_oneof![0..3 * HOUR_MS, 0..60 * HOUR_MS, 0..120 * 24 * HOUR_MS];
    let user_agent = proptest::option::of(0..8u8);
    let country = proptest::option::of(prop_oneof![Just("DE"), Just("CN"), Just("US")]);
    let time_us = proptest::option::of(0..5_000_000u64);
    (
        0..6u8,
        0..5u8,
        age_ms,
        100..600u16,
        time_us,
        user_agent,
        country,
    )
        .prop_map(
            |(ip, path, age_ms, status, response_time_us, user_agent, country)| Hit {
                status: Some(status),
                response_time_us,
                bytes: Some(u64::from(status)),
                country: country.map(str::to_owned),
                user_agent: user_agent.map(|i| format!("agent {i}")),
                ..hit(
                    &format!("192.0.2.{ip}"),
                    &format!("/{path}"),
                    NOW_MS - age_ms,
                )
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_split_into_segments_and_folds_gives_the_same_states(
        hits in proptest::collection::vec(any_hit(), 1..60),
        cuts in proptest::collection::vec((1..9usize, any::<bool>(), 0..90u64), 1..30),
    ) {
        let limits = small();
        let whole = MemoryStore::new();
        let split = MemoryStore::new();
        let mut rest = hits.clone();
        for (take, fold_now, minutes) in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let segment = rest.drain(..(*take).min(rest.len())).collect();
            append(&split, &limits, None, segment).unwrap();
            if *fold_now {
                fold(&split, &limits).unwrap();
            }
            split.clock.pass(minutes * 60_000);
        }
        // Whole is folded at once, and later than split: the states must agree once they are aged to the same moment.
        whole.clock.wall_ms.set(split.clock.wall_ms.get());
        append(&whole, &limits, None, hits).unwrap();
        prop_assert_eq!(all(&whole, &limits), all(&split, &limits));
    }
}
