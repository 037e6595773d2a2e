//! The backtest of a limit on each consumer is that of a plain count, at any age of the sums.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use crate::common::ways::{of_ips, of_sums};
use crate::common::{MemoryStore, NOW_MS, append, fold, hit, ledger, small};
use proptest::prelude::*;
use rollcall_ledger::limits::Limits;
use rollcall_tally::backtest::Backtest;
use rollcall_tally::bucket::BucketId;
use rollcall_tally::hit::Dimension;
use rollcall_tally::window::{DAY_MS, HOUR_MS};
use rollcall_tally::{
    BacktestDetail, BacktestSummary, Details, Filter, Grouping, Hit, Per, Window,
};

fn of_consumer(age_ms: u64, ip: u8, consumer: Option<String>) -> (u64, Hit) {
    let mut hit = hit(&format!("192.0.2.{ip}"), &format!("/{}", ip % 3), 0);
    *hit.told.get_mut(Dimension::Consumer) = consumer;
    (age_ms, hit)
}

fn any_hit() -> impl Strategy<Value = (u64, Hit)> {
    let age_ms = prop_oneof![0..3 * HOUR_MS, 0..4 * DAY_MS, 0..100 * DAY_MS];
    (age_ms, 0..5u8, prop::option::weighted(0.8, 0..4u8)).prop_map(|(age_ms, ip, consumer)| {
        of_consumer(age_ms, ip, consumer.map(|of| format!("consumer {of}")))
    })
}

fn asked(by: Grouping, per: Option<Per>, max: u32) -> BacktestDetail {
    BacktestDetail {
        by,
        per,
        max,
        limit: 3,
    }
}

const BY_CONSUMER: Grouping = Grouping::Of(Dimension::Consumer);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_limit_refuses_the_hits_that_a_plain_count_refuses(
        steps in prop::collection::vec(
            (prop::collection::vec(any_hit(), 1..30), prop_oneof![0..3 * HOUR_MS, 0..40 * DAY_MS]), 1..5,
        ),
        later_ms in prop_oneof![Just(0), 0..5 * DAY_MS],
        per in prop::option::of(prop::sample::select(Per::EVERY.to_vec())),
        max in 1..4u32,
    ) {
        let (store, limits) = (MemoryStore::new(), small());
        let mut all: Vec<Hit> = Vec::new();
        for (hits, passed_ms) in &steps {
            store.clock.pass(*passed_ms);
            let now_ms = store.clock.wall_ms.get();
            let at = |(age_ms, hit): &(u64, Hit)| Hit { timestamp_ms: now_ms - age_ms, ..hit.clone() };
            let hits: Vec<Hit> = hits.iter().map(at).collect();
            all.extend(hits.iter().cloned());
            append(&store, &limits, None, hits).unwrap();
            fold(&store, &limits).unwrap();
        }
        store.clock.pass(later_ms);
        let ranges = ledger(&store, &limits).ranges(store.clock.wall_ms.get());
        for window in Window::EVERY {
            for by in [BY_CONSUMER, Grouping::Ip] {
                let asked = asked(by, per, max);
                if asked.refusal(window, &ranges).is_some() {
                    continue;
                }
                let span = asked.span(window, &ranges);
                let mut expect = Backtest::new(&asked);
                let mut callers: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
                let mut unknown = 0;
                for hit in &all {
                    if !span.has(BucketId::of(hit.timestamp_ms, &ranges)) {
                        continue;
                    }
                    let slot_ms = ranges.calendar.start_ms(span.cut, hit.timestamp_ms);
                    expect.count(slot_ms, 1);
                    let caller = match by {
                        Grouping::Ip => Some(hit.ip.to_string()),
                        _ => hit.told.get(Dimension::Consumer).clone(),
                    };
                    match caller {
                        Some(name) => *callers.entry(name).or_default().entry(slot_ms).or_default() += 1,
                        None => unknown += 1,
                    }
                }
                for (name, hits) in &callers {
                    expect.judge(name, hits);
                }
                expect.add_unjudged(0, unknown);
                let details = Details { backtest: Some(asked), ..Details::default() };
                let ask = if by == Grouping::Ip { of_ips } else { |store: &_, limits: &_, window, filter: &_, details| {
                    of_sums(store, limits, window, filter, details, 1)
                }};
                let told = ask(&store, &limits, window, &Filter::default(), details);
                prop_assert_eq!(told.backtest.unwrap(), expect.finish(), "{:?} {:?}", window, by);
            }
        }
    }
}

fn by_consumer(store: &MemoryStore, limits: &Limits, max: u32) -> BacktestSummary {
    let details = Details {
        backtest: Some(asked(BY_CONSUMER, None, max)),
        ..Details::default()
    };
    let every = Filter::default();
    let told = of_sums(store, limits, Window::Hour, &every, details, 1);
    told.backtest.unwrap()
}

#[test]
fn a_consumer_without_a_name_of_its_own_is_not_judged() {
    let limits = Limits {
        bucket_groups: 10,
        ..small()
    };
    let store = MemoryStore::new();
    // Consumer `n` has n + 1 hits.
    let hits = (0..30u8).flat_map(|n| {
        let (_, hit) = of_consumer(0, n, Some(format!("c{n:02}")));
        let hit = Hit {
            timestamp_ms: NOW_MS,
            ..hit
        };
        vec![hit; usize::from(n) + 1]
    });
    append(&store, &limits, None, hits.collect()).unwrap();
    fold(&store, &limits).unwrap();
    let told = by_consumer(&store, &limits, 25);
    // Only the ten with the most hits have a name.
    assert_eq!((told.callers(), told.other_hits), (10, 20 * 21 / 2));
    assert_eq!(told.slots[0].requests, 30 * 31 / 2);
    assert_eq!(told.slots[0].refused, 1 + 2 + 3 + 4 + 5);
    let names: Vec<&str> = told.refused.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["c29", "c28", "c27"]);
}

#[test]
fn of_a_hundred_thousand_consumers_a_thousand_are_judged() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let hits = (0..100_000u32).map(|n| {
        let (_, hit) = of_consumer(0, 1, Some(format!("c{n}")));
        Hit {
            timestamp_ms: NOW_MS,
            ..hit
        }
    });
    append(&store, &limits, None, hits.collect()).unwrap();
    fold(&store, &limits).unwrap();
    let told = by_consumer(&store, &limits, 1);
    assert_eq!((told.callers(), told.other_hits), (1_000, 99_000));
    assert_eq!(told.slots[0].requests, 100_000);
    assert!(told.refused.is_empty());
}
