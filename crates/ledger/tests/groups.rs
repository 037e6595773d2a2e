//! Hits by host, consumer, network and others are those of a plain count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::Pin;

use common::ways::{all_details, of_ips, of_sums};
use common::{MemoryStore, NOW_MS, append, hit, ledger, small};
use futures::executor::block_on;
use proptest::prelude::*;
use rollcall_ledger::Atlas;
use rollcall_ledger::limits::Limits;
use rollcall_tally::bucket::BucketId;
use rollcall_tally::hit::{ByDimension, Dimension};
use rollcall_tally::window::{DAY_MS, HOUR_MS};
use rollcall_tally::{
    Details, Filter, GroupDetail, GroupList, GroupSummary, Grouping, Hit, Metric, Window,
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
        },
    )
}

fn any_hit() -> impl Strategy<Value = (u64, Hit)> {
    let age = prop_oneof![0..3 * HOUR_MS, 0..4 * DAY_MS, 0..100 * DAY_MS];
    let told = prop::collection::vec(prop::option::of(0..4u8), Dimension::COUNT);
    let country = prop::option::weighted(0.2, Just("DE".to_owned()));
    (0..9u8, 0..4u8, age, told, country).prop_map(|(ip, path, age_ms, told, country)| {
        let mut told = told.into_iter();
        let told = ByDimension::from_fn(|dimension| {
            let told = told.next().unwrap()?;
            (dimension != Dimension::Network).then(|| format!("{} {told}", dimension.name()))
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
                    let name = match grouping {
                        Grouping::Path => Some(hit.path_key()),
                        Grouping::Ip => Some(hit.ip.to_string()),
                        Grouping::StatusCode => hit.status.map(|code| code.to_string()),
                        Grouping::StatusClass => hit.status.map(|code| format!("{}xx", code / 100)),
                        Grouping::Method => Some(hit.method.clone()),
                        Grouping::Of(Dimension::Network) => Files::place(version, hit.ip).1,
                        Grouping::Of(dimension) => hit.told.get(dimension).clone(),
                        Grouping::Country => unreachable!(),
                    };
                    let Some(name) = name else {
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
                prop_assert_eq!(told(&list), expect, "{:?} {:?}", window, grouping);
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
