//! What a component of the app learns of one IP, as of the last fold.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::IpAddr;

use crate::common::kept::{self, file};
use crate::common::*;
use futures::executor::block_on;
use proptest::prelude::*;
use rollcall_ledger::LedgerError;
use rollcall_ledger::limits::Limits;
use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::state::PATH_KEYS_MAX;
use rollcall_tally::status::StatusCounts;
use rollcall_tally::window::{HOUR_MS, MINUTE_MS, Window};
use rollcall_tally::{CallerAnswer, CallerPath, Hit, IpState, KnownCaller};

const IP: &str = "192.0.2.1";

fn ask(
    store: &MemoryStore,
    limits: &Limits,
    ip: &str,
    window: Window,
    paths: usize,
) -> Result<CallerAnswer, LedgerError> {
    let ip: IpAddr = ip.parse().unwrap();
    block_on(ledger(store, limits).caller(&ip, window, paths))
}

/// The answer of the last hour, with every path.
fn hour(store: &MemoryStore) -> CallerAnswer {
    ask(store, &small(), IP, Window::Hour, usize::MAX).unwrap()
}

/// The same numbers, counted from the whole state.
fn counted(state: &IpState, store: &MemoryStore, window: Window) -> KnownCaller {
    let starts = window.span(&ledger(store, &small()).ranges(store.clock.wall_ms.get()));
    let mut known = KnownCaller {
        first_seen_ms: state.caller.first_seen_ms,
        last_seen_ms: state.caller.last_seen_ms,
        ..KnownCaller::default()
    };
    for (path_key, path) in &state.paths {
        let tally = path.within(&starts.starts(), None);
        if tally.count == 0 {
            continue;
        }
        known.requests += tally.count;
        known.statuses.merge(&tally.classes());
        known.total_paths += 1;
        known.paths.push(CallerPath {
            path_key: path_key.clone(),
            requests: tally.count,
        });
    }
    known
        .paths
        .sort_by_key(|path| std::cmp::Reverse(path.requests));
    known
}

fn check_all(store: &MemoryStore) {
    for (ip, state) in all(store, &small()) {
        for window in Window::EVERY.into_iter().chain([Window::Recent]) {
            let answer = ask(store, &small(), &ip.to_string(), window, usize::MAX);
            let expect = counted(&state, store, window);
            assert_eq!(answer.unwrap().known, Some(expect), "{ip} {window:?}");
        }
    }
}

#[test]
fn nothing_is_folded_for_an_answer_and_it_says_how_much_is_not() {
    let store = MemoryStore::new();
    let nobody = CallerAnswer {
        ip: IP.to_owned(),
        ..CallerAnswer::default()
    };
    assert_eq!(hour(&store), nobody);
    append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    let before = store.values.borrow().clone();
    assert_eq!(
        hour(&store),
        CallerAnswer {
            behind: 1,
            ..nobody
        }
    );
    assert_eq!(*store.values.borrow(), before);

    fold(&store, &small()).unwrap();
    let answer = hour(&store);
    assert_eq!((answer.root, answer.folded_at_ms), (1, NOW_MS));
    assert_eq!(answer.behind, 0);
    let known = answer.known.clone().unwrap();
    assert_eq!((known.first_seen_ms, known.last_seen_ms), (NOW_MS, NOW_MS));
    assert_eq!((known.requests, known.statuses.success), (1, 1));

    for _ in 0..2 {
        append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    }
    assert_eq!(
        hour(&store),
        CallerAnswer {
            behind: 2,
            ..answer
        }
    );
    let other = ask(&store, &small(), "192.0.2.2", Window::All, 1).unwrap();
    assert_eq!((other.known, other.behind), (None, 2));
}

#[test]
fn a_number_that_is_not_written_is_one_that_is_not_folded() {
    let store = MemoryStore::new();
    let hits = vec![hit(IP, "/late", NOW_MS)];
    let late = steps::writer(&store, &small(), None, hits).up_to("set log:");
    append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    fold(&store, &small()).unwrap();
    let answer = hour(&store);
    assert_eq!((answer.behind, answer.known.unwrap().requests), (1, 1));
    late.to_the_end().unwrap();
    fold(&store, &small()).unwrap();
    let answer = hour(&store);
    assert_eq!((answer.behind, answer.known.unwrap().requests), (0, 2));
}

#[test]
fn windows_end_now_and_not_at_the_fold() {
    let store = MemoryStore::new();
    append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    fold(&store, &small()).unwrap();
    store.clock.pass(2 * HOUR_MS);
    let known = hour(&store).known.unwrap();
    assert_eq!((known.requests, known.total_paths), (0, 0));
    assert_eq!((known.first_seen_ms, known.last_seen_ms), (NOW_MS, NOW_MS));
    let day = ask(&store, &small(), IP, Window::Day, 1).unwrap();
    assert_eq!(day.known.unwrap().requests, 1);
}

prop_compose! {
    fn some_hit()(
        ip in 1..6u8,
        path in 0..5u8,
        age_min in 0..100 * 24 * 60u64,
        status in prop::option::of(100..600u16),
    ) -> Hit {
        Hit {
            status,
            ..hit(&format!("192.0.2.{ip}"), &format!("/{path}"), NOW_MS - age_min * MINUTE_MS)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_numbers_are_those_of_the_whole_state(
        hits in prop::collection::vec(some_hit(), 1..60),
        later_min in 0..100 * 24 * 60u64,
    ) {
        let store = MemoryStore::new();
        append(&store, &small(), None, hits).unwrap();
        fold(&store, &small()).unwrap();
        store.clock.pass(later_min * MINUTE_MS);
        check_all(&store);
    }
}

#[test]
fn states_of_every_layout_are_told() {
    for layout in 5..=9 {
        let store = kept::store_of(&file(&format!("{layout}.store")));
        block_on(ledger(&store, &small()).open()).unwrap();
        assert!(!all(&store, &small()).is_empty());
        check_all(&store);
    }
}

#[test]
fn ten_times_the_paths_and_many_ips_of_one_shard_are_read_as_five_values() {
    let limits = Limits {
        shards: 1,
        ..Limits::default()
    };
    let store = MemoryStore::new();
    let paths = 10 * PATH_KEYS_MAX;
    let of_ip = (0..paths).map(|n| hit(IP, &format!("/{n:05}"), NOW_MS));
    let others =
        (0..20_000u32).map(|n| hit(&IpAddr::from(n.to_be_bytes()).to_string(), "/", NOW_MS));
    append(&store, &limits, None, of_ip.chain(others).collect()).unwrap();
    fold(&store, &limits).unwrap();
    let calls = store.calls.get();
    let answer = ask(&store, &limits, IP, Window::Hour, 3).unwrap();
    // The shard is stored in two pieces.
    assert!(
        store.calls.get() - calls <= 6,
        "{}",
        store.calls.get() - calls
    );
    let known = answer.known.unwrap();
    assert_eq!(known.requests, paths as u64);
    assert_eq!(known.total_paths, PATH_KEYS_MAX as u64 + 1);
    let listed: Vec<_> = known
        .paths
        .iter()
        .map(|path| path.path_key.as_str())
        .collect();
    assert_eq!(listed, [OTHER_PATHS, "GET /00000", "GET /00001"]);
    assert_eq!(known.other_requests, PATH_KEYS_MAX as u64 - 2);
    let expect = StatusCounts {
        success: paths as u64,
        ..StatusCounts::default()
    };
    assert_eq!(known.statuses, expect);
}

#[test]
fn an_erased_ip_is_not_known() {
    let store = MemoryStore::new();
    append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    block_on(ledger(&store, &small()).erase(&[IP.parse().unwrap()])).unwrap();
    fold(&store, &small()).unwrap();
    assert_eq!(hour(&store).known, None);
}

#[test]
fn an_old_head_and_a_damaged_state_are_errors_and_a_fold_corrects_the_head() {
    let store = MemoryStore::new();
    let send = || append(&store, &small(), None, vec![hit(IP, "/a", NOW_MS)]).unwrap();
    send();
    fold(&store, &small()).unwrap();
    let old = store.values.borrow()["head"].clone();
    send();
    fold(&store, &small()).unwrap();
    store.clock.pass(10 * MINUTE_MS);
    clean(&store, &small());
    store.values.borrow_mut().insert("head".to_owned(), old);
    let gone = ask(&store, &small(), IP, Window::Hour, 1);
    assert!(matches!(gone, Err(LedgerError::Gone { key }) if key == "root:1"));
    send();
    fold(&store, &small()).unwrap();
    assert_eq!(hour(&store).known.unwrap().requests, 3);

    let key = store.keys("ip:").pop().unwrap();
    store.values.borrow_mut().get_mut(&key).unwrap()[7] ^= 1;
    let damaged = ask(&store, &small(), IP, Window::Hour, 1);
    assert!(matches!(damaged, Err(LedgerError::Corrupt { key: of, .. }) if of == key));
}
