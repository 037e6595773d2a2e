//! Erasing IPs on request.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::common::steps::{folder, writer};
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{LedgerError, OfIp, Root};
use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::window::{HOUR_MS, MINUTE_MS, Window};
use rollcall_tally::{CountryDetail, Details, Filter, Hit, Slice, Summary};

const ERASED: &str = "203.0.113.77";
const OTHER: &str = "192.0.2.1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn erase(store: &MemoryStore, limits: &Limits, ips: &[IpAddr]) -> Result<u64, LedgerError> {
    block_on(ledger(store, limits).erase(ips))
}

fn add(store: &MemoryStore, hits: Vec<Hit>) {
    append(store, &small(), None, hits).unwrap();
}

fn of_country(country: &str, hit: Hit) -> Hit {
    Hit {
        country: Some(country.to_owned()),
        ..hit
    }
}

/// The keys whose name or value has the address. Addresses are stored as octets.
fn keys_with(store: &MemoryStore, ip: IpAddr) -> Vec<String> {
    let octets = match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let text = ip.to_string();
    let has = |key: &str, value: &[u8]| {
        let in_text = value
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes());
        let in_octets = value.windows(octets.len()).any(|bytes| bytes == octets);
        key.contains(&text) || in_text || in_octets
    };
    let values = store.values.borrow();
    let with = values.iter().filter(|(key, value)| has(key, value));
    with.map(|(key, _)| key.clone()).collect()
}

/// Everything over all time, as the sums tell it.
fn sums(store: &MemoryStore, root: &Root) -> Summary {
    let limits = small();
    let slice = Slice {
        root: root.k,
        as_of_ms: store.clock.wall_ms.get(),
        window: Window::All,
        filter: Filter::default(),
        details: Details {
            paths: u32::MAX,
            path_keys: true,
            countries: CountryDetail::All,
            ..Details::default()
        },
        number: 0,
        count: 1,
    };
    block_on(ledger(store, &limits).sums(&slice, 0)).unwrap()
}

/// Checks that the sums have each hit once, and each IP once.
fn whole(store: &MemoryStore, hits: u64, ips: u64) -> Root {
    let root = snapshot(store, &small()).unwrap();
    let sums = sums(store, &root);
    let by_path: u64 = sums.paths.iter().map(|path| path.tally.count).sum();
    let of_countries = || sums.countries.iter();
    let by_country: u64 = of_countries().map(|of| of.tally.count).sum();
    let ips_by_country: u64 = of_countries().map(|of| of.ips).sum();
    assert_eq!(
        [
            root.hits,
            root.traffic.total.count,
            sums.tally.count,
            by_path,
            by_country
        ],
        [hits; 5]
    );
    assert_eq!([sums.ips, sums.new_ips, ips_by_country], [ips; 3]);
    let tracked = all(store, &small());
    let [left, left_hits] = root.dropped().left();
    assert_eq!(tracked.len() as u64 + left, ips);
    assert_eq!(hits_of(&tracked) + left_hits, hits);
    root
}

fn of_ip(store: &MemoryStore, wanted: &str) -> Option<OfIp> {
    let root = snapshot(store, &small()).unwrap();
    block_on(ledger(store, &small()).of_ip(root.k, &ip(wanted))).unwrap()
}

#[test]
fn an_erased_ip_is_gone_and_its_hits_stay_in_the_sums() {
    let store = MemoryStore::new();
    let old = [0, MINUTE_MS, 30 * HOUR_MS, 100 * 24 * HOUR_MS];
    let old = old.map(|age_ms| of_country("DE", hit(ERASED, "/a", NOW_MS - age_ms)));
    add(&store, old.to_vec());
    add(&store, vec![hit(OTHER, "/b", NOW_MS)]);
    assert!(whole(&store, 5, 2).dropped().left() == [0, 0]);

    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    let root = whole(&store, 5, 2);
    assert_eq!((root.ips, root.dropped().left()), (1, [1, 4]));
    assert_eq!(
        (root.dropped().erased_ips, root.dropped().erased_hits),
        (1, 4)
    );
    let tracked: Vec<IpAddr> = all(&store, &small()).into_keys().collect();
    assert_eq!(tracked, [ip(OTHER)]);
}

#[test]
fn hits_of_the_same_fold_and_late_hits_are_erased_too() {
    let store = MemoryStore::new();
    // Nobody folds in between. The last hit is from before the erasure.
    add(&store, vec![of_country("DE", hit(ERASED, "/a", NOW_MS))]);
    let until_ms = erase(&store, &small(), &[ip(ERASED)]).unwrap();
    assert_eq!(until_ms, NOW_MS);
    add(&store, vec![of_country("FR", hit(ERASED, "/b", NOW_MS))]);
    whole(&store, 2, 1);
    // This fold knows of the erasure by the root alone. The hit is older than all before.
    add(
        &store,
        vec![of_country("FR", hit(ERASED, "/c", NOW_MS - 50 * HOUR_MS))],
    );
    let root = whole(&store, 3, 1);
    assert_eq!((root.ips, root.dropped().left()), (0, [1, 3]));
    // The country is the one that the IP had.
    let countries: Vec<String> = sums(&store, &root)
        .countries
        .into_iter()
        .map(|of| of.country)
        .collect();
    assert_eq!(countries.len(), 1, "{countries:?}");
}

#[test]
fn an_ip_that_is_erased_before_its_first_hit_makes_no_state() {
    let store = MemoryStore::new();
    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    assert_eq!(whole(&store, 0, 0).dropped().left(), [0, 0]);
    for path in ["/a", "/b"] {
        add(&store, vec![hit(ERASED, path, NOW_MS - 1)]);
        fold(&store, &small()).unwrap();
    }
    assert_eq!(whole(&store, 2, 1).dropped().left(), [1, 2]);
}

#[test]
fn a_hit_after_the_erasure_is_of_a_new_caller() {
    let store = MemoryStore::new();
    add(&store, vec![hit(ERASED, "/a", NOW_MS)]);
    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    // In the fold of the erasure, and in a later one, each with a late hit beside.
    for n in 1..=2 {
        add(
            &store,
            vec![
                hit(ERASED, "/new", NOW_MS + n),
                hit(ERASED, "/late", NOW_MS),
            ],
        );
        fold(&store, &small()).unwrap();
    }
    let root = whole(&store, 5, 2);
    assert_eq!((root.ips, root.dropped().left()), (1, [1, 3]));
    let tracked = all(&store, &small());
    let paths: Vec<&String> = tracked[&ip(ERASED)].paths.keys().collect();
    assert_eq!(paths, ["GET /new"]);

    // It is erased again: its hits are those of the new caller.
    store.clock.pass(10);
    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    assert_eq!(whole(&store, 5, 2).dropped().left(), [2, 5]);
}

#[test]
fn a_segment_that_was_open_at_the_erasure_is_erased_by_its_number() {
    let store = MemoryStore::new();
    let limits = small();
    // By the clock of its gateway, the hit is from after the erasure. Its number is smaller.
    let hits = vec![hit(ERASED, "/a", NOW_MS + MINUTE_MS)];
    let slow = writer(&store, &limits, None, hits).up_to("set log:1");
    erase(&store, &limits, &[ip(ERASED)]).unwrap();
    assert_eq!(snapshot(&store, &limits).unwrap().open.len(), 1);
    slow.to_the_end().unwrap();
    assert_eq!(whole(&store, 1, 1).dropped().left(), [1, 1]);
}

#[test]
fn nothing_in_the_store_has_an_erased_address_once_it_is_cleaned() {
    for (erased, other) in [(ERASED, OTHER), ("2001:db8::4d", "2001:db8:1::1")] {
        let store = MemoryStore::new();
        for n in 0..4 {
            add(
                &store,
                vec![
                    hit(erased, "/a", NOW_MS - n * HOUR_MS),
                    hit(other, "/a", NOW_MS),
                ],
            );
            fold(&store, &small()).unwrap();
        }
        // A fold that dies leaves a plan and values.
        add(&store, vec![hit(erased, "/b", NOW_MS)]);
        drop(folder(&store, &small()).up_to("set root").crash());
        store.clock.pass(MINUTE_MS);
        assert!(keys_with(&store, ip(erased)).len() > 5);

        erase(&store, &small(), &[ip(erased)]).unwrap();
        whole(&store, 9, 2);
        store.clock.pass(2 * MINUTE_MS + 1);
        clean(&store, &small());
        let root = snapshot(&store, &small()).unwrap();
        assert_eq!(keys_with(&store, ip(erased)), [format!("root:{}", root.k)]);
        assert!(
            !keys_with(&store, ip(other)).is_empty(),
            "the check finds addresses"
        );

        // The root forgets it after an hour, by the stamps.
        store.clock.pass(HOUR_MS);
        add(&store, vec![hit(other, "/c", NOW_MS)]);
        fold(&store, &small()).unwrap();
        store.clock.pass(2 * MINUTE_MS + 1);
        clean(&store, &small());
        assert_eq!(keys_with(&store, ip(erased)), Vec::<String>::new());
        whole(&store, 10, 2);
    }
}

#[test]
fn an_erasure_that_dies_at_any_call_of_its_fold_is_done_by_the_next() {
    for calls in 0.. {
        let store = MemoryStore::new();
        add(
            &store,
            vec![hit(ERASED, "/a", NOW_MS), hit(OTHER, "/a", NOW_MS)],
        );
        fold(&store, &small()).unwrap();
        erase(&store, &small(), &[ip(ERASED)]).unwrap();
        add(&store, vec![hit(ERASED, "/b", NOW_MS)]);
        let mut dies = folder(&store, &small());
        for _ in 0..calls {
            if dies.result.is_none() {
                dies.step();
            }
        }
        let is_whole = dies.result.is_some();
        drop(dies);
        store.clock.pass(MINUTE_MS);
        assert_eq!(whole(&store, 3, 2).dropped().left(), [1, 2]);
        if is_whole {
            assert!(calls > 10);
            return;
        }
    }
}

#[test]
fn a_damaged_state_is_erased_too() {
    let store = MemoryStore::new();
    add(&store, vec![hit(ERASED, "/a", NOW_MS)]);
    fold(&store, &small()).unwrap();
    let key = store.keys("ip:").pop().unwrap();
    store.values.borrow_mut().get_mut(&key).unwrap()[9] ^= 1;
    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    assert_eq!(whole(&store, 1, 1).dropped().left(), [1, 1]);
    store.clock.pass(2 * MINUTE_MS + 1);
    clean(&store, &small());
    assert_eq!(store.keys("ip:"), Vec::<String>::new());
}

#[test]
fn an_evicted_ip_leaves_the_lists_when_it_is_erased() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 1, ..small() });
    for (n, address) in (0..).zip([ERASED, OTHER]) {
        append(&store, &limits, None, vec![hit(address, "/a", NOW_MS + n)]).unwrap();
        fold(&store, &limits).unwrap();
    }
    let lists = |store: &MemoryStore| of_ip(store, ERASED).map(|of| (of.state, of.lists.len()));
    assert_eq!(lists(&store), Some((None, 4)));
    erase(&store, &limits, &[ip(ERASED)]).unwrap();
    assert_eq!(
        lists(&store),
        Some((None, 0)),
        "the erasure alone is remembered"
    );
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!(
        (root.dropped().evicted_ips, root.dropped().erased_ips),
        (1, 0)
    );
}

#[test]
fn an_erasing_fold_evicts_nobody_if_there_is_room_then() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 2, ..small() });
    let first = [hit(ERASED, "/a", NOW_MS), hit(OTHER, "/a", NOW_MS + 1)];
    append(&store, &limits, None, first.to_vec()).unwrap();
    fold(&store, &limits).unwrap();
    erase(&store, &limits, &[ip(ERASED)]).unwrap();
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.9", "/a", NOW_MS + 2)],
    )
    .unwrap();
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.ips, root.dropped().left()), (2, [1, 1]));
}

#[test]
fn an_erasure_is_remembered_for_its_time_by_the_stamps() {
    let limits = small();
    for (passed_ms, left) in [(HOUR_MS, [1, 2]), (HOUR_MS + 1, [1, 1])] {
        let store = MemoryStore::new();
        add(&store, vec![hit(ERASED, "/a", NOW_MS)]);
        erase(&store, &limits, &[ip(ERASED)]).unwrap();
        fold(&store, &limits).unwrap();
        // A folder's clock alone forgets nothing.
        store.clock.pass(passed_ms);
        add(&store, vec![hit(OTHER, "/a", NOW_MS)]);
        fold(&store, &limits).unwrap();
        add(&store, vec![hit(ERASED, "/late", NOW_MS)]);
        assert_eq!(
            whole(&store, 3, left[0] + if left[1] == 2 { 1 } else { 2 })
                .dropped()
                .left(),
            left
        );
    }
    let store = MemoryStore::new();
    erase(&store, &limits, &[ip(ERASED)]).unwrap();
    store.clock.pass(10 * HOUR_MS);
    fold(&store, &limits).unwrap();
    add(&store, vec![hit(ERASED, "/late", NOW_MS)]);
    assert_eq!(whole(&store, 1, 1).dropped().left(), [1, 1]);
}

#[test]
fn more_erasures_than_may_be_remembered_are_refused_and_change_nothing() {
    let limits = Limits {
        erasures: 3,
        erased_at_once: 2,
        ..small()
    };
    let store = MemoryStore::new();
    let ips: Vec<IpAddr> = (1..=5).map(|n| IpAddr::from([192, 0, 2, n])).collect();
    let refused = |ips: &[IpAddr]| {
        let before = store.values.borrow().clone();
        let refused = erase(&store, &limits, ips);
        assert!(
            matches!(refused, Err(LedgerError::TooManyErasures)),
            "{refused:?}"
        );
        assert_eq!(*store.values.borrow(), before);
    };
    refused(&ips[..3]);
    erase(&store, &limits, &ips[..2]).unwrap();
    snapshot(&store, &limits).unwrap();
    refused(&ips[2..4]);
    erase(&store, &limits, &ips[2..3]).unwrap();
    snapshot(&store, &limits).unwrap();
    refused(&ips[3..4]);
    // An IP that is remembered may be erased again.
    erase(&store, &limits, &ips[..1]).unwrap();
    // After their time, there is room.
    store.clock.pass(HOUR_MS + 1);
    add(&store, vec![hit(OTHER, "/a", NOW_MS)]);
    snapshot(&store, &limits).unwrap();
    erase(&store, &limits, &ips[3..]).unwrap();
}

#[test]
fn all_that_is_stored_of_an_ip_can_be_read() {
    let store = MemoryStore::new();
    assert_eq!(of_ip(&store, ERASED), None);
    add(
        &store,
        vec![
            of_country("DE", hit(ERASED, "/a", NOW_MS)),
            hit(OTHER, "/b", NOW_MS),
        ],
    );
    let of = of_ip(&store, ERASED).unwrap();
    let state = of.state.unwrap();
    assert_eq!((state.hits(), state.caller.country()), (1, Some("DE")));
    let lists: BTreeMap<BucketId, u64> = of.lists.into_iter().collect();
    let tiers: Vec<Tier> = lists.keys().map(|list| list.tier).collect();
    assert_eq!(tiers, [Tier::Fine, Tier::Hour, Tier::Day, Tier::Before]);
    assert!(lists.values().all(|hits| *hits == 1));
    assert_eq!(of.erased_until_ms, None);
    erase(&store, &small(), &[ip(ERASED)]).unwrap();
    let only_the_erasure = OfIp {
        state: None,
        lists: Vec::new(),
        erased_until_ms: Some(NOW_MS),
    };
    assert_eq!(of_ip(&store, ERASED), Some(only_the_erasure));
    assert_eq!(of_ip(&store, "192.0.2.200"), None);
}
