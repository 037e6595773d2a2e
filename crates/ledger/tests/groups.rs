//! Hits by host, consumer, network and others are those of a plain count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::Pin;

use crate::common::ways::{all_details, of_ips, of_sums};
use crate::common::{MemoryStore, NOW_MS, append, hit, ledger, small};
use futures::executor::block_on;
use proptest::prelude::*;
use rollcall_ledger::Atlas;
use rollcall_ledger::limits::Limits;
use rollcall_tally::against::Against;
use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::hit::{ByDimension, Dimension, Measures};
use rollcall_tally::interval::Moment;
use rollcall_tally::time_zone::Zone;
use rollcall_tally::window::{DAY_MS, HOUR_MS, Span};
use rollcall_tally::{
    Change, ChangeCounts, Comparison, Details, Filter, GroupDetail, GroupList, GroupSummary,
    Grouping, Hit, Metric, StatusCount, Tally, Window,
};

/// Files of which each version says something else.
#[derive(Default)]
struct Files {
    version: Cell<u64>,
    lookups: Cell<u64>,
}

impl Files {
    /// Version 0 says nothing, and is no version.
    fn place(version: u64, ip: IpAddr) -> (Option<String>, Option<String>) {
        let IpAddr::V4(ip) = ip else { unreachable!() };
        let place = u64::from(ip.octets()[3]) / 2 + version;
        let some = |is_there: bool, text: String| (is_there && version > 0).then_some(text);
        (
            some(!place.is_multiple_of(3), format!("C{}", place % 3)),
            some(!place.is_multiple_of(4), format!("AS{}", place % 4)),
        )
    }
}

impl Atlas for Files {
    fn load(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {})
    }

    fn version(&self) -> u64 {
        self.version.get()
    }

    fn find(&self, ip: IpAddr) -> (Option<String>, Option<String>) {
        self.lookups.set(self.lookups.get() + 1);
        Self::place(self.version.get(), ip)
    }
}

fn fold(store: &MemoryStore, limits: &Limits, files: &Files) {
    block_on(ledger(store, limits).with_atlas(files).fold()).unwrap();
}

fn by(store: &MemoryStore, limits: &Limits, window: Window, by: Dimension) -> GroupList {
    let details = groups(all_of(Grouping::Of(by)));
    let sums = of_sums(store, limits, window, &Filter::default(), details, 1);
    sums.groups.unwrap()
}

fn all_of(by: Grouping) -> GroupDetail {
    GroupDetail {
        new_ips: true,
        ..GroupDetail::new(by, 1_000_000)
    }
}

fn groups(asked: GroupDetail) -> Details {
    Details {
        groups: Some(asked),
        buckets: true,
        ..Details::default()
    }
}

/// What is told of each group: hits, errors, IPs, and new IPs.
fn told(list: &GroupList) -> BTreeMap<String, (u64, u64, u64, u64)> {
    let told = |of: &GroupSummary| {
        let numbers = (of.tally.count, of.tally.errors(), of.ips, of.new_ips);
        (of.name.clone(), numbers)
    };
    list.first.iter().map(told).collect()
}

/// The first groups of a list with all of them, sorted by another way than the ledger's.
fn first_of(list: &GroupList, asked: &GroupDetail) -> Vec<GroupSummary> {
    let number = |of: &GroupSummary| {
        let tally = &of.tally;
        let percentile = |percent| tally.percentile_ms(percent).unwrap_or(f64::NAN);
        match asked.order {
            Metric::Requests => tally.count as f64,
            Metric::UniqueIps => of.ips as f64,
            Metric::Errors => tally.errors() as f64,
            Metric::ErrorRate => tally.error_rate(),
            Metric::Bytes => tally.bytes as f64,
            Metric::AvgResponseTime => tally.avg_response_time_ms().unwrap_or(f64::NAN),
            Metric::P50ResponseTime => percentile(50),
            Metric::P95ResponseTime => percentile(95),
            Metric::P99ResponseTime => percentile(99),
            Metric::NewIps => of.new_ips as f64,
        }
    };
    let mut found: Vec<GroupSummary> = list.first.clone();
    found.retain(|of| of.name.to_lowercase().contains(&asked.search));
    found.sort_by(|one, other| {
        let (a, b) = (number(one), number(other));
        let unknown_last = a.is_nan().cmp(&b.is_nan());
        let by_number = match asked.ascending {
            true => a.partial_cmp(&b),
            false => b.partial_cmp(&a),
        };
        let by_number = by_number.unwrap_or(std::cmp::Ordering::Equal);
        unknown_last.then(by_number).then(one.name.cmp(&other.name))
    });
    found.truncate(asked.limit as usize);
    found
}

fn any_list() -> impl Strategy<Value = GroupDetail> {
    let by = prop::sample::select(Grouping::EVERY.to_vec());
    let order = prop::sample::select(Metric::EVERY.to_vec());
    let search = prop::sample::select(vec!["", "/1", "get", "2", "host", "nothing"]);
    (by, order, search, any::<(bool, bool)>(), 1..5u32).prop_map(
        |(by, order, search, (ascending, new_ips), limit)| GroupDetail {
            by,
            limit,
            order,
            ascending,
            search: search.to_owned(),
            new_ips: new_ips || order == Metric::NewIps,
            comparison: None,
            only: None,
        },
    )
}

fn any_against() -> impl Strategy<Value = Against> {
    let texts = [
        "previous",
        "week",
        "2026-11-01/2026-11-20",
        "2026-10-01/2026-10-02",
    ];
    prop::sample::select(texts.to_vec()).prop_map(|text| Against::read(text).unwrap())
}

/// The names of the groups that a hit is in. None: it does not tell the property.
fn name_of(grouping: Grouping, hit: &Hit, version: u64) -> Option<String> {
    match grouping {
        Grouping::Path => Some(hit.path_key()),
        Grouping::Ip => Some(hit.ip.to_string()),
        Grouping::StatusCode => hit.status.map(|code| code.to_string()),
        Grouping::StatusClass => hit.status.map(|code| format!("{}xx", code / 100)),
        Grouping::Method => Some(hit.method.clone()),
        Grouping::Of(Dimension::Network) => Files::place(version, hit.ip).1,
        Grouping::Of(Dimension::HourOfWeek) => {
            let hours = hit.timestamp_ms / HOUR_MS;
            // 1970-01-01 was a Thursday.
            let day = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(hours / 24 % 7) as usize];
            Some(format!("{day} {:02}", hours % 24))
        }
        Grouping::Of(dimension) => hit.told.get(dimension).clone(),
        Grouping::Country => unreachable!("counted by nobody but the ledger"),
    }
}

fn any_hit() -> impl Strategy<Value = (u64, Hit)> {
    let age = prop_oneof![0..3 * HOUR_MS, 0..4 * DAY_MS, 0..100 * DAY_MS];
    let told = prop::collection::vec(prop::option::of(0..4u8), Dimension::COUNT);
    let country = prop::option::weighted(0.2, Just("DE".to_owned()));
    (0..9u8, 0..4u8, age, told, country).prop_map(|(ip, path, age_ms, told, country)| {
        let mut told = told.into_iter();
        let told = ByDimension::from_fn(|dimension| {
            let told = told.next().unwrap()?;
            let is_told = dimension.is_told();
            is_told.then(|| format!("{} {told}", dimension.name()))
        });
        let hit = Hit {
            told,
            country,
            status: Some(if path == 0 { 500 } else { 200 }),
            method: if path == 1 { "PUT" } else { "GET" }.to_owned(),
            response_time_us: (age_ms % 3 > 0).then_some(age_ms % 1_000_003),
            bytes: Some(age_ms % 1_009),
            ..hit(&format!("192.0.2.{ip}"), &format!("/{path}"), 0)
        };
        (age_ms, hit)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn groups_are_those_of_a_plain_count(
        steps in prop::collection::vec(
            (prop::collection::vec(any_hit(), 1..12), 0..40 * DAY_MS, 0..3u64), 1..6,
        ),
        later_ms in prop_oneof![Just(0), 0..5 * DAY_MS, 0..100 * DAY_MS],
        listed in any_list(),
        prefix in prop::option::of(prop::sample::select(vec!["/", "/1", "/nowhere"])),
    ) {
        let (store, limits, files) = (MemoryStore::new(), small(), Files::default());
        let mut all: Vec<Hit> = Vec::new();
        let mut versions: BTreeMap<IpAddr, u64> = BTreeMap::new();
        for (hits, passed_ms, version) in &steps {
            store.clock.pass(*passed_ms);
            // The files may also vanish. Then nothing is looked up anew.
            files.version.set(*version);
            let now_ms = store.clock.wall_ms.get();
            let at = |(age_ms, hit): &(u64, Hit)| Hit { timestamp_ms: now_ms - age_ms, ..hit.clone() };
            let hits: Vec<Hit> = hits.iter().map(at).collect();
            for hit in hits.iter().filter(|_| *version > 0) {
                versions.insert(hit.ip, *version);
            }
            all.extend(hits.iter().cloned());
            append(&store, &limits, None, hits).unwrap();
            fold(&store, &limits, &files);
        }
        store.clock.pass(later_ms);
        let now_ms = store.clock.wall_ms.get();
        let ranges = ledger(&store, &limits).ranges(now_ms);
        for window in Window::EVERY {
            let span = window.span(&ranges);
            let within = |hit: &&Hit| span.has(BucketId::of(hit.timestamp_ms, &ranges));
            let hits: Vec<&Hit> = all.iter().filter(within).collect();
            let older: BTreeSet<IpAddr> = all
                .iter()
                .filter(|hit| span.is_behind(BucketId::of(hit.timestamp_ms, &ranges)))
                .map(|hit| hit.ip)
                .collect();
            for grouping in Grouping::EVERY {
                let details = groups(all_of(grouping));
                let every = Filter::default();
                let sums = || of_sums(&store, &limits, window, &every, details.clone(), 1);
                let ips = || of_ips(&store, &limits, window, &every, details.clone());
                let list = match grouping {
                    Grouping::Ip => ips().groups.unwrap(),
                    _ => sums().groups.unwrap(),
                };
                if grouping == Grouping::Country {
                    // Which country an IP told last is not counted here again.
                    prop_assert_eq!(list, ips().groups.unwrap());
                    continue;
                }
                let mut expect: BTreeMap<String, (u64, u64, BTreeSet<IpAddr>)> = BTreeMap::new();
                let mut unknown = 0;
                for hit in &hits {
                    let version = versions.get(&hit.ip).copied().unwrap_or(0);
                    let Some(name) = name_of(grouping, hit, version) else {
                        unknown += 1;
                        continue;
                    };
                    let of = expect.entry(name).or_default();
                    of.0 += 1;
                    of.1 += u64::from(hit.status == Some(500));
                    of.2.insert(hit.ip);
                }
                let expect: BTreeMap<String, (u64, u64, u64, u64)> = expect
                    .into_iter()
                    .map(|(name, (hits, errors, ips))| {
                        let new = ips.difference(&older).count() as u64;
                        (name, (hits, errors, ips.len() as u64, new))
                    })
                    .collect();
                prop_assert_eq!(list.count, expect.len() as u64);
                prop_assert_eq!(list.unknown_hits, unknown);
                prop_assert_eq!(list.other_hits, 0);
                if grouping.is_of_status() {
                    // The sums do not know the IPs of a status. All else they know.
                    let hits = |(name, of): (&String, &(u64, u64, u64, u64))| (name.clone(), of.0, of.1);
                    let by_sums: Vec<_> = told(&list).iter().map(hits).collect();
                    prop_assert_eq!(by_sums, expect.iter().map(hits).collect::<Vec<_>>());
                    prop_assert_eq!(told(&ips().groups.unwrap()), expect);
                    continue;
                }
                prop_assert_eq!(&told(&list), &expect, "{:?} {:?}", window, grouping);
                if let (Grouping::Of(_), Some((name, of))) = (grouping, expect.iter().next()) {
                    let one = GroupDetail { only: Some(name.clone()), ..GroupDetail::new(grouping, 1) };
                    let details = Details { timeline: true, ..groups(one) };
                    let one = of_sums(&store, &limits, window, &every, details, 1);
                    prop_assert_eq!((one.tally.count, one.tally.errors(), one.ips), (of.0, of.1, of.2));
                    let others = hits.len() as u64 - of.0;
                    prop_assert_eq!(one.groups.unwrap().unknown_hits, others);
                    let tells = |hit: &&Hit| {
                        let version = versions.get(&hit.ip).copied().unwrap_or(0);
                        name_of(grouping, hit, version).as_ref() == Some(name)
                    };
                    let before = |hit: &&Hit| span.has_before(BucketId::of(hit.timestamp_ms, &ranges));
                    let before: Vec<&Hit> = all.iter().filter(tells).filter(before).collect();
                    let ips: BTreeSet<IpAddr> = before.iter().map(|hit| hit.ip).collect();
                    prop_assert_eq!(one.previous_ips, ips.len() as u64);
                    let callers = |is_now: bool| -> BTreeSet<IpAddr> {
                        let is_in = |hit: &&Hit| {
                            let bucket = BucketId::of(hit.timestamp_ms, &ranges);
                            if is_now { span.has(bucket) } else { span.is_behind(bucket) }
                        };
                        all.iter().filter(tells).filter(is_in).map(|hit| hit.ip).collect()
                    };
                    let new = callers(true).difference(&callers(false)).count();
                    prop_assert_eq!(one.new_ips, new as u64);
                    let in_slots = one.timeline.iter().map(|slot| slot.tally.count).sum::<u64>();
                    let older = hits.iter().filter(|hit| tells(hit)).filter(|hit| {
                        BucketId::of(hit.timestamp_ms, &ranges).tier == Tier::Before
                    });
                    prop_assert_eq!(in_slots + older.count() as u64, of.0 + before.len() as u64);
                }
                if grouping.is_known_of_ips() {
                    prop_assert_eq!(ips().groups.unwrap(), list);
                }
            }
            // The first groups, under a condition on paths or not.
            let filter = Filter { path_prefix: prefix.map(str::to_owned), ..Filter::default() };
            let by_place = matches!(listed.by, Grouping::Country | Grouping::Of(_));
            let is_of_sums = listed.by != Grouping::Ip && !(by_place && filter.is_on_paths());
            let slices = match listed.by {
                Grouping::Path if !listed.new_ips && !filter.is_on_paths() => 4,
                _ => 1,
            };
            let ask = |asked: GroupDetail, slices| match is_of_sums {
                true => of_sums(&store, &limits, window, &filter, groups(asked), slices),
                false => of_ips(&store, &limits, window, &filter, groups(asked)),
            };
            let every = GroupDetail { new_ips: listed.new_ips, ..all_of(listed.by) };
            let every = ask(every, 1).groups.unwrap();
            let some = ask(listed.clone(), slices).groups.unwrap();
            prop_assert_eq!(&some.first, &first_of(&every, &listed), "{:?}", listed);
            let found = every.first.iter().filter(|of| listed.lets(&of.name)).count();
            prop_assert_eq!(some.count, found as u64);
            prop_assert_eq!(some.unknown_hits, every.unknown_hits);
            if is_of_sums && listed.by.is_known_of_ips() && !listed.by.is_of_status() {
                let ips = of_ips(&store, &limits, window, &filter, groups(listed.clone()));
                prop_assert_eq!(some, ips.groups.unwrap(), "{:?}", listed);
            }
            // Countries, also those of the files.
            let details = all_details();
            let sums = of_sums(&store, &limits, window, &Filter::default(), details.clone(), 1);
            let ips = of_ips(&store, &limits, window, &Filter::default(), details);
            prop_assert_eq!(sums, ips);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn changes_are_those_of_a_plain_count(
        steps in prop::collection::vec(
            (prop::collection::vec(any_hit(), 1..20), 0..20 * DAY_MS), 1..5,
        ),
        against in any_against(),
        changes in prop::sample::subsequence(Change::EVERY.to_vec(), 0..3),
        (min_score, limit) in (0..2u32, 1..6u32),
        prefix in prop::option::of(prop::sample::select(vec!["/", "/1"])),
    ) {
        let (store, limits, files) = (MemoryStore::new(), small(), Files::default());
        files.version.set(1);
        let mut all: Vec<Hit> = Vec::new();
        for (hits, passed_ms) in &steps {
            store.clock.pass(*passed_ms);
            let now_ms = store.clock.wall_ms.get();
            let at = |(age_ms, hit): &(u64, Hit)| Hit { timestamp_ms: now_ms - age_ms, ..hit.clone() };
            let hits: Vec<Hit> = hits.iter().map(at).collect();
            all.extend(hits.iter().cloned());
            append(&store, &limits, None, hits).unwrap();
            fold(&store, &limits, &files);
        }
        let ranges = ledger(&store, &limits).ranges(store.clock.wall_ms.get());
        let filter = Filter { path_prefix: prefix.map(str::to_owned), ..Filter::default() };
        all.retain(|hit| filter.lets_path(&hit.path_key()));
        for window in Window::EVERY {
            let span = window.span(&ranges);
            let Ok(other) = against.span(&span, &ranges) else {
                continue;
            };
            let length_ms = |of: &Span| of.end_ms(ranges.now_ms) - of.begin_ms(&ranges).unwrap();
            let comparison = Comparison {
                from_ms: other.from_ms,
                until_ms: other.until_ms,
                window_ms: length_ms(&span),
                other_ms: length_ms(&other),
                changes: changes.clone(),
                min_score,
            };
            for grouping in Grouping::EVERY {
                let by_place = matches!(grouping, Grouping::Country | Grouping::Of(_));
                if by_place && filter.is_on_paths() && !grouping.is_known_of_ips() {
                    continue;
                }
                let asked = GroupDetail {
                    comparison: Some(comparison.clone()),
                    ..GroupDetail::new(grouping, limit)
                };
                let slices = match grouping {
                    Grouping::Path if !filter.is_on_paths() => 4,
                    _ => 1,
                };
                let sums = || {
                    let details = groups(asked.clone());
                    of_sums(&store, &limits, window, &filter, details, slices).groups.unwrap()
                };
                let ips = || {
                    let details = groups(asked.clone());
                    of_ips(&store, &limits, window, &filter, details).groups.unwrap()
                };
                let is_of_sums = grouping != Grouping::Ip && !(by_place && filter.is_on_paths());
                let list = match is_of_sums {
                    true => sums(),
                    false => ips(),
                };
                let ips_less = |list: GroupList| GroupList {
                    // A set of IPs of a status is not kept.
                    first: list.first.into_iter().map(|of| GroupSummary { ips: 0, ..of }).collect(),
                    is_whole: false,
                    ..list
                };
                if is_of_sums && grouping.is_known_of_ips() {
                    prop_assert_eq!(ips_less(list.clone()), ips_less(ips()), "{:?}", grouping);
                }
                if grouping == Grouping::Country {
                    continue;
                }
                let mut expect: BTreeMap<String, [Tally; 2]> = BTreeMap::new();
                let mut before_hits = 0;
                for hit in &all {
                    let bucket = BucketId::of(hit.timestamp_ms, &ranges);
                    let sides = [span.has(bucket), comparison.has(bucket.start_ms)];
                    before_hits += u64::from(sides[1]);
                    let Some(name) = name_of(grouping, hit, 1) else {
                        continue;
                    };
                    for (side, is_in) in sides.into_iter().enumerate() {
                        let of = &mut expect.entry(name.clone()).or_default()[side];
                        match (is_in, grouping.is_of_status()) {
                            (false, _) => {}
                            (true, true) => of.add_status(StatusCount {
                                code: hit.status.unwrap(),
                                count: 1,
                            }),
                            (true, false) => of.add(Measures {
                                status: hit.status,
                                response_time_us: hit.response_time_us,
                                bytes: hit.bytes,
                            }),
                        }
                    }
                }
                let mut counts = ChangeCounts::default();
                let mut rows: Vec<(Reverse<u64>, String, u64, u64)> = Vec::new();
                for (name, [now, before]) in expect {
                    counts.add(&comparison.changes(&now, &before));
                    if let Some(score) = comparison.score(&now, &before) {
                        rows.push((Reverse(score.to_bits()), name, now.count, before.count));
                    }
                }
                rows.sort();
                prop_assert_eq!(list.count, rows.len() as u64, "{:?} {:?}", window, grouping);
                prop_assert_eq!(list.changes, counts);
                prop_assert_eq!(list.before_hits, before_hits);
                let found: Vec<_> = list
                    .first
                    .iter()
                    .map(|of| (of.name.clone(), of.tally.count, of.before.count))
                    .collect();
                let expect = rows.into_iter().take(limit as usize);
                let expect: Vec<_> = expect.map(|(_, name, now, before)| (name, now, before)).collect();
                prop_assert_eq!(found, expect, "{:?} {:?}", window, grouping);
            }
        }
    }
}

#[test]
fn an_hour_of_the_week_is_that_of_the_clocks_of_the_store_however_late_a_hit_comes() {
    let limits = Limits {
        zone: Zone::named("Europe/Berlin").unwrap(),
        ..small()
    };
    // The clocks go back on Sunday, 25 October 2026, at 01:00 UTC, and forward on 29 March.
    let at = |text: &str| match Moment::read(text) {
        Ok(Moment::At(ms)) => ms,
        other => panic!("{text}: {other:?}"),
    };
    let hits = [
        ("2026-10-24T21:59:59Z", "Sat 23"),
        ("2026-10-25T00:30:00Z", "Sun 02"),
        ("2026-10-25T01:30:00Z", "Sun 02"),
        ("2026-10-25T22:59:59Z", "Sun 23"),
        ("2026-10-25T23:00:00Z", "Mon 00"),
        ("2026-03-29T00:59:59Z", "Sun 01"),
        ("2026-03-29T01:00:00Z", "Sun 03"),
        ("2019-12-31T23:00:00Z", "Wed 00"),
        ("2019-06-30T22:00:00Z", "Mon 00"),
    ];
    let mut expect: BTreeMap<String, u64> = BTreeMap::new();
    for (_, name) in hits {
        *expect.entry(name.to_owned()).or_default() += 1;
    }
    let check = |store: &MemoryStore, expect: &BTreeMap<String, u64>| {
        let told = by(store, &limits, Window::All, Dimension::HourOfWeek);
        assert_eq!((told.unknown_hits, told.other_hits), (0, 0));
        let told = told.first.into_iter().map(|of| (of.name, of.tally.count));
        assert_eq!(&told.collect::<BTreeMap<_, _>>(), expect);
    };
    // Each hit comes at once, and is folded; or all come at the end.
    let (early, late) = (MemoryStore::new(), MemoryStore::new());
    let mut sorted = hits;
    sorted.sort_unstable();
    for (text, _) in sorted {
        early.clock.wall_ms.set(at(text));
        append(&early, &limits, None, vec![hit("192.0.2.1", "/", at(text))]).unwrap();
        block_on(ledger(&early, &limits).fold()).unwrap();
    }
    let all = hits.map(|(text, _)| hit("192.0.2.1", "/", at(text)));
    late.clock.wall_ms.set(at("2026-10-26T00:00:00Z"));
    append(&late, &limits, None, all.to_vec()).unwrap();
    block_on(ledger(&late, &limits).fold()).unwrap();
    // Also as buckets become hours, days, and the past.
    for store in [early, late] {
        let mut expect = expect.clone();
        for (days, name) in [(0, "Mon 01"), (1, "Tue 01"), (3, "Thu 01"), (100, "Wed 01")] {
            let now_ms = at("2026-10-26T00:00:00Z") + days * DAY_MS;
            store.clock.wall_ms.set(now_ms);
            check(&store, &expect);
            append(&store, &limits, None, vec![hit("192.0.2.2", "/", now_ms)]).unwrap();
            block_on(ledger(&store, &limits).fold()).unwrap();
            *expect.entry(name.to_owned()).or_default() += 1;
            check(&store, &expect);
        }
    }
}

#[test]
fn an_ip_is_looked_up_once_and_again_when_the_files_change() {
    let (store, limits, files) = (MemoryStore::new(), small(), Files::default());
    let call = |files: &Files| {
        let hits = (0..5).map(|ip| hit(&format!("192.0.2.{ip}"), "/", NOW_MS));
        append(&store, &limits, None, hits.collect()).unwrap();
        fold(&store, &limits, files);
        files.lookups.take()
    };
    assert_eq!(call(&files), 0);
    files.version.set(1);
    assert_eq!(call(&files), 5);
    assert_eq!(call(&files), 0);
    files.version.set(2);
    assert_eq!(call(&files), 5);
    files.version.set(0);
    assert_eq!(call(&files), 0);
    let networks = by(&store, &limits, Window::All, Dimension::Network);
    let expect: BTreeSet<_> = (0..5u8)
        .filter_map(|ip| Files::place(2, [192, 0, 2, ip].into()).1)
        .collect();
    let told: BTreeSet<_> = networks.first.into_iter().map(|of| of.name).collect();
    assert_eq!(told, expect);
}

#[test]
fn the_lightest_of_too_many_names_become_one_and_no_hit_is_lost() {
    let limits = Limits {
        bucket_groups: 10,
        ..small()
    };
    let store = MemoryStore::new();
    let mut sent = 0;
    for round in 0..3u32 {
        // Host `n` has n + 1 hits.
        let mut hits = Vec::new();
        for n in 0..30 {
            for _ in 0..=n {
                let mut one = hit(&format!("192.0.2.{n}"), "/", NOW_MS);
                *one.told.get_mut(Dimension::Host) = Some(format!("h{n:02}"));
                *one.told.get_mut(Dimension::Protocol) = Some("HTTP/2".to_owned());
                hits.push(one);
            }
        }
        sent += hits.len() as u64;
        append(&store, &limits, None, hits).unwrap();
        block_on(ledger(&store, &limits).fold()).unwrap();
        let told = by(&store, &limits, Window::Hour, Dimension::Host);
        assert_eq!((told.count, told.unknown_hits), (10, 0));
        let by_name: u64 = told.first.iter().map(|of| of.tally.count).sum();
        assert_eq!(by_name + told.other_hits, sent);
        assert_eq!(told.first[0].name, "h29");
        assert_eq!(told.first[0].tally.count, 30 * u64::from(round + 1));
        assert_eq!(told.first[9].name, "h20");
        let protocols = by(&store, &limits, Window::Hour, Dimension::Protocol);
        assert_eq!((protocols.count, protocols.other_hits), (1, 0));
        assert_eq!(protocols.first[0].ips, 30);
    }
}

#[test]
fn a_hundred_thousand_names_end_as_a_thousand() {
    let limits = Limits::default();
    let store = MemoryStore::new();
    let hits = (0..100_000u32).map(|n| {
        let mut one = hit("192.0.2.1", "/", NOW_MS);
        *one.told.get_mut(Dimension::Host) = Some(format!("h{n}.example"));
        *one.told.get_mut(Dimension::Referrer) = Some(format!("r{n}.example"));
        one
    });
    append(&store, &limits, None, hits.collect()).unwrap();
    block_on(ledger(&store, &limits).fold()).unwrap();
    for dimension in [Dimension::Host, Dimension::Referrer] {
        let told = by(&store, &limits, Window::Hour, dimension);
        assert_eq!(told.count, 1_000);
        assert_eq!(told.other_hits, 99_000);
    }
}
