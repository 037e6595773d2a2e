//! The sums over all IPs tell the same as the IPs do, and as a plain count over all hits.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use crate::common::ways::{all_details, of_ips, of_sums};
use crate::common::{MemoryStore, NOW_MS, append, fold, hit, ledger, small, snapshot};
use futures::executor::block_on;
use proptest::prelude::*;
use rollcall_ledger::limits::Limits;
use rollcall_tally::bucket::BucketId;
use rollcall_tally::interval::{Interval, Moment};
use rollcall_tally::report::{Left, WindowVerified};
use rollcall_tally::rollup::heaviest::Others;
use rollcall_tally::time_zone::Zone;
use rollcall_tally::window::{DAY_MS, HOUR_MS, MINUTE_MS};
use rollcall_tally::{CountryDetail, Details, Filter, Hit, StatusClass, Window};

/// A hit, and how long before now it was made.
fn any_hit() -> impl Strategy<Value = (u64, Hit)> {
    let age = prop_oneof![
        0..3 * HOUR_MS,
        0..4 * DAY_MS,
        0..100 * DAY_MS,
        Just(200 * DAY_MS)
    ];
    let country = proptest::option::of(proptest::sample::select(vec!["DE", "FR", "US"]));
    let status = proptest::option::of(proptest::sample::select(vec![200, 204, 404, 500]));
    let time_us = proptest::option::of(0..5_000_000u64);
    (0..6u8, 0..7u8, age, country, status, time_us, 0..2u8).prop_map(
        |(ip, path, age_ms, country, status, response_time_us, method)| {
            let hit = Hit {
                method: ["GET", "POST"][usize::from(method)].to_owned(),
                country: country.map(str::to_owned),
                status,
                response_time_us,
                bytes: response_time_us,
                ..hit(&format!("192.0.2.{ip}"), &format!("/{path}"), 0)
            };
            (age_ms, hit)
        },
    )
}

/// What happens: hits are appended, time passes, and somebody folds.
type Step = (Vec<(u64, Hit)>, u64);

/// UTC; and one where clocks change, and one where days begin at half an hour of UTC.
fn any_zone() -> impl Strategy<Value = Zone> {
    let names = vec!["UTC", "Australia/Lord_Howe", "Asia/Kolkata"];
    proptest::sample::select(names).prop_map(|name| Zone::named(name).unwrap())
}

/// The windows, and some intervals of each tier.
fn windows(now_ms: u64) -> Vec<Window> {
    let at = |age_ms: u64| Some(Moment::At(now_ms - age_ms));
    let day = |age: u64| Some(Moment::Day((now_ms / DAY_MS - age) as u32));
    let between = |from, to| Window::Between(Interval { from, to });
    let intervals = [
        between(at(90 * MINUTE_MS), at(20 * MINUTE_MS)),
        between(at(30 * HOUR_MS), at(HOUR_MS)),
        between(day(3), day(1)),
        between(day(30), day(20)),
        between(day(20), None),
        between(None, day(40)),
        between(day(150), day(50)),
    ];
    Window::EVERY.into_iter().chain(intervals).collect()
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let passed = prop_oneof![Just(0), 0..HOUR_MS, 0..3 * DAY_MS, 0..40 * DAY_MS];
    let step = (prop::collection::vec(any_hit(), 1..12), passed);
    prop::collection::vec(step, 1..6)
}

fn run(store: &MemoryStore, limits: &Limits, steps: &[Step]) -> Vec<Hit> {
    let mut all = Vec::new();
    for (hits, passed_ms) in steps {
        store.clock.pass(*passed_ms);
        let now_ms = store.clock.wall_ms.get();
        let at = |(age_ms, hit): &(u64, Hit)| Hit {
            timestamp_ms: now_ms - age_ms,
            ..hit.clone()
        };
        let hits: Vec<Hit> = hits.iter().map(at).collect();
        all.extend(hits.iter().cloned());
        append(store, limits, None, hits).unwrap();
        fold(store, limits).unwrap();
    }
    all
}

fn filters() -> Vec<Filter> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        Filter::default(),
        Filter {
            path_key: text("GET /3"),
            ..Filter::default()
        },
        Filter {
            path_prefix: text("/1"),
            ..Filter::default()
        },
        Filter {
            method: text("POST"),
            ..Filter::default()
        },
        Filter {
            method: text("!POST"),
            path: text("!/1|/3"),
            ..Filter::default()
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_ways_agree_over_every_window_and_condition_on_paths(
        steps in any_steps(),
        later_ms in prop_oneof![Just(0), 0..3 * HOUR_MS, 0..5 * DAY_MS, 0..100 * DAY_MS],
        zone in any_zone(),
    ) {
        let (store, limits) = (MemoryStore::new(), Limits { zone, ..small() });
        run(&store, &limits, &steps);
        store.clock.pass(later_ms);
        for window in windows(store.clock.wall_ms.get()) {
            for filter in filters() {
                let mut details = all_details();
                if filter.is_on_paths() {
                    // Under a condition on paths, countries are told by their requests alone.
                    details.countries = CountryDetail::Requests;
                }
                let count = if filter.is_on_paths() { 1 } else { 4 };
                let sums = of_sums(&store, &limits, window, &filter, details.clone(), count);
                let mut ips = of_ips(&store, &limits, window, &filter, details);
                if filter.is_on_paths() {
                    for country in &mut ips.countries {
                        country.tally = rollcall_tally::Tally { count: country.tally.count, ..Default::default() };
                        country.ips = 0;
                    }
                }
                prop_assert_eq!(&sums, &ips, "{:?} {:?}", window, filter);
            }
        }
    }

    #[test]
    fn what_leaves_stays_in_every_sum(steps in any_steps(), zone in any_zone()) {
        let (store, limits) = (MemoryStore::new(), Limits { ips: 2, zone, ..small() });
        let all = run(&store, &limits, &steps);
        let now_ms = store.clock.wall_ms.get();
        for window in windows(now_ms) {
            let sums = of_sums(&store, &limits, window, &Filter::default(), all_details(), 1);
            let ranges = ledger(&store, &limits).ranges(now_ms);
            let span = window.span(&ranges);
            let within = |hit: &&Hit| span.has(BucketId::of(hit.timestamp_ms, &ranges));
            let hits: Vec<&Hit> = all.iter().filter(within).collect();
            prop_assert_eq!(sums.tally.count, hits.len() as u64);
            let errors = hits.iter().filter(|hit| hit.status >= Some(400)).count() as u64;
            prop_assert_eq!(sums.tally.errors(), errors);
            prop_assert_eq!(sums.tally.classes().of(StatusClass::Unknown), hits.iter().filter(|hit| hit.status.is_none()).count() as u64);
            let mut paths: BTreeMap<String, u64> = BTreeMap::new();
            for hit in &hits {
                *paths.entry(hit.path_key()).or_default() += 1;
            }
            let told: BTreeMap<String, u64> = sums.paths.iter().map(|path| (path.path_key.clone(), path.tally.count)).collect();
            prop_assert_eq!(told, paths);
            // Whoever left and came back counts as another.
            let ips: BTreeSet<_> = hits.iter().map(|hit| hit.ip).collect();
            prop_assert!(sums.ips >= ips.len() as u64);
            let by_country: u64 = sums.countries.iter().map(|of| of.tally.count).sum();
            prop_assert_eq!(by_country, hits.len() as u64);
            let mut slots: BTreeMap<u64, u64> = BTreeMap::new();
            for hit in &hits {
                let bucket = BucketId::around(span.cut, hit.timestamp_ms, &ranges);
                *slots.entry(bucket.start_ms).or_default() += 1;
            }
            // There is no timeline of all time.
            if span.from_ms > 0 {
                let told = sums.timeline.iter().map(|slot| (slot.start_ms, slot.tally.count));
                let told: BTreeMap<u64, u64> = told.filter(|(start, _)| span.starts().contains(start)).collect();
                prop_assert_eq!(told, slots, "{:?}", window);
            }
            let root = snapshot(&store, &limits).unwrap();
            let returned = all.iter().map(|hit| hit.ip).collect::<BTreeSet<_>>().len() as u64 != root.ips + root.drops.evicted_ips;
            prop_assert!(returned || sums.ips == ips.len() as u64);
            let of_ips = of_ips(&store, &limits, window, &Filter::default(), all_details());
            let verified = WindowVerified::new(window, &sums, &of_ips, root.drops.into(), 0);
            prop_assert!(verified.agrees, "{:?}", verified);
        }
    }
}

#[test]
fn light_paths_become_one_and_none_of_their_hits_is_lost() {
    let limits = Limits {
        bucket_paths: 10,
        part_bytes: 200,
        ..small()
    };
    let store = MemoryStore::new();
    // Heavy paths come in each batch; a scanner calls each of its own once.
    for batch in 0..6 {
        let mut hits = Vec::new();
        for path in 0..8 {
            for ip in 0..5 {
                hits.push(hit(
                    &format!("192.0.2.{ip}"),
                    &format!("/heavy/{path}"),
                    NOW_MS,
                ));
            }
        }
        for path in 0..50 {
            let path = format!("/scan/{batch}/{path}");
            hits.push(hit(
                "198.51.100.1",
                &path,
                NOW_MS - path.len() as u64 * MINUTE_MS,
            ));
        }
        append(&store, &limits, None, hits).unwrap();
        fold(&store, &limits).unwrap();
    }
    let sums = of_sums(
        &store,
        &limits,
        Window::All,
        &Filter::default(),
        all_details(),
        1,
    );
    assert_eq!(sums.tally.count, 6 * 90);
    let of = |key: &str| {
        let mut paths = sums.paths.iter();
        paths.find(|path| path.path_key == key).unwrap()
    };
    for path in 0..8 {
        let path = of(&format!("GET /heavy/{path}"));
        assert_eq!((path.tally.count, path.ips), (30, 5));
    }
    let by_path: u64 = sums.paths.iter().map(|path| path.tally.count).sum();
    assert_eq!(by_path, 6 * 90);
    let other = of("(other)").tally.count;
    let of_ips = of_ips(
        &store,
        &limits,
        Window::All,
        &Filter::default(),
        Details {
            paths: 1_000,
            ..all_details()
        },
    );
    let verify = |other| WindowVerified::new(Window::All, &sums, &of_ips, Left::default(), other);
    assert!(verify(other).agrees, "{:?}", verify(other));
    assert!(!verify(other / 100).agrees);
    assert_eq!(of("(other)").ips, 1);
    assert!(sums.unique_paths < 60, "{}", sums.unique_paths);
    // Under a condition on paths, it says how many hits it cannot tell apart.
    for filter in &filters()[1..] {
        let sums = of_sums(&store, &limits, Window::All, filter, all_details(), 1);
        assert_eq!(
            sums.other_path_hits,
            of("(other)").tally.count,
            "{filter:?}"
        );
    }
    assert_eq!(sums.other_path_hits, 0);
    let filter = Filter {
        path_key: Some("(other)".to_owned()),
        ..Filter::default()
    };
    let others = of_sums(&store, &limits, Window::All, &filter, all_details(), 1);
    assert_eq!(others.other_path_hits, 0);
    assert_eq!(others.tally.count, of("(other)").tally.count);
}

fn starts(store: &MemoryStore, limits: &Limits, window: Window) -> std::ops::Range<u64> {
    let ranges = ledger(store, limits).ranges(store.clock.wall_ms.get());
    window.span(&ranges).starts()
}

/// The first IPs of a window by hits, equals by address as text.
fn first_ips(
    store: &MemoryStore,
    limits: &Limits,
    window: Window,
    count: usize,
) -> Vec<(String, u64)> {
    let starts = starts(store, limits, window);
    let hits = |state: &rollcall_tally::IpState| -> u64 {
        let paths = state.paths.values();
        paths.map(|path| path.count_within(&starts, None)).sum()
    };
    let all = crate::common::all(store, limits);
    let mut ranked: Vec<(String, u64)> = all
        .iter()
        .map(|(ip, state)| (ip.to_string(), hits(state)))
        .collect();
    ranked.retain(|(_, hits)| *hits > 0);
    ranked.sort_by(|(a_ip, a), (b_ip, b)| b.cmp(a).then_with(|| a_ip.cmp(b_ip)));
    ranked.truncate(count);
    ranked
}

/// What the states of the candidates prove: the same, or nothing.
fn proven(
    store: &MemoryStore,
    limits: &Limits,
    window: Window,
    count: usize,
) -> Option<Vec<(String, u64)>> {
    let root = snapshot(store, limits).unwrap();
    let now_ms = store.clock.wall_ms.get();
    let found = block_on(ledger(store, limits).heaviest(root.k, window, now_ms, count)).unwrap();
    let starts = starts(store, limits, window);
    let all = crate::common::all(store, limits);
    let mut ranked: Vec<(String, u64)> = found
        .ips
        .iter()
        .map(|listed| {
            let paths = all[&listed.ip].paths.values();
            let hits = paths.map(|path| path.count_within(&starts, None)).sum();
            (listed.ip.to_string(), hits)
        })
        .filter(|(_, hits)| *hits > 0)
        .collect();
    ranked.sort_by(|(a_ip, a), (b_ip, b)| b.cmp(a).then_with(|| a_ip.cmp(b_ip)));
    ranked.truncate(count);
    let others = Others {
        at_most: found.others_at_most,
        from: found.others_from,
    };
    let last = ranked.get(count - 1).map(|(ip, hits)| (*hits, ip.as_str()));
    let comes_first = others.come_after(last);
    comes_first.then_some(ranked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_candidates_of_few_ips_always_prove_who_called_most(
        steps in any_steps(),
        later_ms in prop_oneof![Just(0), 0..3 * HOUR_MS, 0..5 * DAY_MS, 0..100 * DAY_MS],
        count in 1..8usize,
        zone in any_zone(),
    ) {
        let (store, limits) = (MemoryStore::new(), Limits { zone, ..small() });
        run(&store, &limits, &steps);
        store.clock.pass(later_ms);
        for window in windows(store.clock.wall_ms.get()) {
            let first = first_ips(&store, &limits, window, count);
            let proven = proven(&store, &limits, window, count);
            prop_assert_eq!(proven, Some(first), "{:?}", window);
        }
    }
}

#[test]
fn an_ip_that_left_and_came_back_does_not_hide_a_heavier_one() {
    let limits = Limits { ips: 25, ..small() };
    let store = MemoryStore::new();
    let all_of = |ips: std::ops::Range<u32>, times: usize, days: u64| {
        let of = |i| vec![hit(&format!("192.0.2.{i}"), "/", NOW_MS - days * DAY_MS); times];
        ips.flat_map(of).collect::<Vec<Hit>>()
    };
    let folds = [
        all_of(0..21, 100, 3),
        // These are more than the limit, so the first 21 leave.
        [all_of(100..124, 1, 2), all_of(200..201, 50, 1)].concat(),
        all_of(0..21, 10, 0),
    ];
    for hits in folds {
        append(&store, &limits, None, hits).unwrap();
        fold(&store, &limits).unwrap();
    }
    let first = first_ips(&store, &limits, Window::Week, 1);
    assert_eq!(first, [("192.0.2.200".to_owned(), 50)]);
    // The lists have 110 hits of each of the 21.
    assert_eq!(proven(&store, &limits, Window::Week, 1), None);
}

#[test]
fn candidates_prove_the_heavy_and_the_equal_and_say_so_where_they_prove_nothing() {
    let (store, limits) = (
        MemoryStore::new(),
        Limits {
            chunk: 200,
            ..small()
        },
    );
    for batch in 0..4u64 {
        let mut hits = Vec::new();
        for i in 0..1_500u32 {
            let ip = std::net::Ipv4Addr::from(0x0a00_0000 + i).to_string();
            let times = if i < 5 { 10 + i } else { 1 };
            for _ in 0..times {
                hits.push(hit(&ip, "/", NOW_MS - batch * DAY_MS));
            }
        }
        append(&store, &limits, None, hits).unwrap();
        fold(&store, &limits).unwrap();
    }
    for window in [Window::Day, Window::Week, Window::All] {
        for count in 1..=5 {
            let first = first_ips(&store, &limits, window, count);
            assert_eq!(
                proven(&store, &limits, window, count),
                Some(first),
                "{window:?}"
            );
        }
        // From the sixth on, there are 1,495 equals. Not more than 1,000 IPs are candidates.
        for count in [6, 500, 1_000] {
            let first = first_ips(&store, &limits, window, count);
            let proven = proven(&store, &limits, window, count);
            assert!(proven == Some(first), "{window:?}, {count}");
        }
        assert!(
            proven(&store, &limits, window, 1_001).is_none(),
            "{window:?}"
        );
    }
    // There are no lists for this interval. In all, each of the equals has more hits.
    let first_day = Window::Between(Interval {
        from: Some(Moment::At(NOW_MS - 4 * DAY_MS)),
        to: Some(Moment::At(NOW_MS - 2 * DAY_MS - HOUR_MS)),
    });
    assert_eq!(proven(&store, &limits, first_day, 6), None);
}
