//! The shortest ways to go wrong that are known, step by step; and every order in which three folds can meet.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::steps::{Actor, InFlight, folder, writer};
use crate::common::*;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{Folded, LedgerError};
use rollcall_tally::Hit;

fn hits(path: &str) -> Vec<Hit> {
    vec![hit("192.0.2.1", path, NOW_MS)]
}

/// After all is over: each path counts so often.
fn counts(store: &MemoryStore, limits: &Limits, expected: &[(&str, u64)]) {
    store.clock.pass(limits.lease_ms + 1);
    let all = all(store, limits);
    let mut counted: Vec<(String, u64)> = Vec::new();
    for state in all.values() {
        counted.extend(
            state
                .hits_by_path()
                .map(|(key, hits)| (key.replace("GET ", ""), hits)),
        );
    }
    let expected: Vec<(String, u64)> = expected
        .iter()
        .map(|(path, count)| ((*path).to_owned(), *count))
        .collect();
    assert_eq!(counted, expected);
}

#[test]
fn a_late_writer_whose_number_was_given_up_does_not_acknowledge() {
    let (store, limits) = (MemoryStore::new(), small());
    let late = writer(&store, &limits, None, hits("/late")).up_to("set log:1");
    append(&store, &limits, None, hits("/a")).unwrap();
    fold(&store, &limits).unwrap();
    store.clock.pass(limits.skip_after_ms + 1);
    append(&store, &limits, None, hits("/b")).unwrap();
    fold(&store, &limits).unwrap();
    assert!(matches!(
        late.to_the_end(),
        Err(LedgerError::TooSlow { .. })
    ));
    counts(&store, &limits, &[("/a", 1), ("/b", 1)]);
}

#[test]
fn a_batch_that_lands_late_and_was_sent_again_counts_once() {
    let (store, limits) = (MemoryStore::new(), small());
    let mut first = writer(&store, &limits, Some("x"), hits("/x")).up_to("set log:1");
    let in_flight = first.fail();
    assert!(first.to_the_end().is_err());
    append(&store, &limits, Some("x"), hits("/x")).unwrap();
    // The folder dies before its root, the first try lands, and both are folded.
    folder(&store, &limits).up_to("set root:1").crash();
    in_flight.land(&store);
    counts(&store, &limits, &[("/x", 1)]);
}

#[test]
fn a_number_found_absent_before_its_writer_was_in_time_is_not_given_up() {
    let limits = Limits {
        skip_after_ms: 5_100,
        ..small()
    };
    let store = MemoryStore::new();
    append(&store, &limits, None, hits("/a")).unwrap();
    fold(&store, &limits).unwrap();
    let slow = writer(&store, &limits, None, hits("/slow")).up_to("set log:2");
    append(&store, &limits, None, hits("/b")).unwrap();
    fold(&store, &limits).unwrap();
    // The next folder looks for 2, which is absent; it hears so only after 2 was written and acknowledged.
    store.clock.pass(4_000);
    let mut looking = folder(&store, &limits).up_to("get log:2");
    let mut slow = Some(slow);
    looking.step_slowly(|| {
        slow.take().map(Actor::to_the_end).unwrap().unwrap();
        store.clock.pass(1_500);
    });
    drop(looking);
    counts(&store, &limits, &[("/a", 1), ("/b", 1), ("/slow", 1)]);
}

#[test]
fn a_write_that_lands_after_its_folder_gave_up_changes_nothing() {
    for call in [
        "set plan:",
        "set ip:",
        "set shard:",
        "set root:",
        "set head",
    ] {
        let (store, limits) = (MemoryStore::new(), small());
        append(&store, &limits, None, hits("/a")).unwrap();
        let mut stalled = folder(&store, &limits).up_to(call);
        let in_flight: InFlight = stalled.fail();
        assert!(stalled.to_the_end().is_err());
        append(&store, &limits, None, hits("/b")).unwrap();
        store.clock.pass(limits.lease_ms + 1);
        assert_eq!(fold(&store, &limits).unwrap(), Folded::Done, "{call}");
        in_flight.land(&store);
        append(&store, &limits, None, hits("/c")).unwrap();
        counts(&store, &limits, &[("/a", 1), ("/b", 1), ("/c", 1)]);
    }
}

#[test]
fn a_head_that_lands_after_its_successor_does_not_make_answers_old() {
    let (store, limits) = (MemoryStore::new(), small());
    append(&store, &limits, None, hits("/a")).unwrap();
    let stalled = folder(&store, &limits).up_to("set head");
    append(&store, &limits, None, hits("/b")).unwrap();
    store.clock.pass(limits.lease_ms + 1);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
    stalled.crash().land(&store);
    counts(&store, &limits, &[("/a", 1), ("/b", 1)]);
}

#[test]
fn a_head_that_lands_after_its_successor_takes_nothing_back() {
    let (store, limits) = (MemoryStore::new(), small());
    append(&store, &limits, None, hits("/a")).unwrap();
    let stalled = folder(&store, &limits).up_to("set head");
    append(&store, &limits, None, hits("/b")).unwrap();
    store.clock.pass(limits.lease_ms + 1);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
    let told = current(&store, &limits);
    assert_eq!(told.traffic.total.count, 2);
    stalled.crash().land(&store);
    let again = current(&store, &limits);
    assert!(again.k >= told.k, "{} after {}", again.k, told.k);
    assert_eq!(again.traffic, told.traffic);
}

#[test]
fn a_folder_that_dies_anywhere_loses_nothing_and_leaves_nothing() {
    let limits = small();
    let calls = {
        let store = MemoryStore::new();
        append(&store, &limits, Some("x"), hits("/a")).unwrap();
        let mut folder = folder(&store, &limits);
        let mut calls = 0;
        while folder.result.is_none() {
            folder.step();
            calls += 1;
        }
        calls
    };
    for (at, lands) in (0..calls).flat_map(|at| [(at, false), (at, true)]) {
        let store = MemoryStore::new();
        append(&store, &limits, Some("x"), hits("/a")).unwrap();
        let mut dying = folder(&store, &limits);
        (0..at).for_each(|_| dying.step());
        let in_flight = dying.crash();
        store.clock.pass(limits.lease_ms + 1);
        append(&store, &limits, Some("y"), hits("/b")).unwrap();
        fold(&store, &limits).unwrap();
        if lands {
            in_flight.land(&store);
        }
        append(&store, &limits, Some("x"), hits("/a")).unwrap();
        counts(&store, &limits, &[("/a", 1), ("/b", 1)]);
        for _ in 0..2 {
            store.clock.pass(limits.keep_replaced_ms + 1);
            fold(&store, &limits).unwrap();
            clean(&store, &limits);
        }
        let keys = store.keys("");
        for kind in ["ip:", "shard:", "root:"] {
            assert_eq!(store.keys(kind).len(), 1, "dead at {at}: {keys:?}");
        }
        assert!(store.keys("plan:").is_empty(), "dead at {at}: {keys:?}");
    }
}

#[test]
fn a_folder_that_became_void_writes_no_more_though_its_lease_seems_to_be_its_own() {
    let (store, limits) = (MemoryStore::new(), small());
    let ips = (1..=7).map(|i| hit(&format!("192.0.2.{i}"), "/a", NOW_MS));
    append(&store, &limits, None, ips.collect()).unwrap();
    let slow = folder(&store, &limits).up_to("set ip:");
    let lease = store.values.borrow_mut().remove("lease");
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
    // It is known that the first is void, and what it wrote so far is deleted.
    store
        .clock
        .pass(limits.clean_after_ms + limits.keep_replaced_ms);
    clean(&store, &limits);
    let lease = lease.map(|lease| ("lease".to_owned(), lease));
    store.values.borrow_mut().extend(lease);
    // One call may be in flight. Before any other it looks again.
    assert_eq!(slow.to_the_end().unwrap(), Folded::Lost);
    let is_of_1 = |key: &String| key.starts_with("ip:1:") || key.ends_with(":1");
    let written = store.keys("").into_iter().filter(is_of_1);
    assert_eq!(written.count(), limits.chunk, "{:?}", store.keys(""));
}

#[test]
fn an_evicted_ip_that_comes_back_starts_anew() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 1, ..small() });
    append(&store, &limits, None, hits("/a")).unwrap();
    fold(&store, &limits).unwrap();
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.2", "/b", NOW_MS + 1)],
    )
    .unwrap();
    folder(&store, &limits).up_to("set head").crash();
    store.clock.pass(limits.lease_ms + 1);
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.1", "/c", NOW_MS + 2)],
    )
    .unwrap();
    counts(&store, &limits, &[("/c", 1)]);
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.hits, root.drops.evicted_hits), (3, 2));
}

#[test]
fn two_writers_that_die_between_their_writes_hold_nobody_up() {
    let (store, limits) = (MemoryStore::new(), small());
    writer(&store, &limits, None, hits("/1"))
        .up_to("set log:1")
        .crash();
    writer(&store, &limits, None, hits("/2"))
        .up_to("set log:2")
        .crash();
    append(&store, &limits, None, hits("/a")).unwrap();
    counts(&store, &limits, &[("/a", 1)]);
    store.clock.pass(limits.skip_after_ms + 1);
    append(&store, &limits, None, hits("/b")).unwrap();
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.open.len(), root.drops.skipped_numbers), (0, 2));
}

/// The calls at which folds can get in each other's way.
const MEETING_POINTS: [&str; 5] = [
    "increment fold 1",
    "increment fold 0",
    "get log:",
    "set root:",
    "set head",
];

/// Moves a folder from one meeting point to the next.
fn advance(folder: &mut Actor<'_, Result<Folded, LedgerError>>) {
    let point = |folder: &Actor<'_, Result<Folded, LedgerError>>| {
        let wants = folder.wants()?;
        MEETING_POINTS
            .iter()
            .position(|point| wants.starts_with(point))
    };
    let left = point(folder);
    while folder.result.is_none() {
        folder.step();
        if point(folder).is_some_and(|point| Some(point) != left) {
            return;
        }
    }
}

/// Every order of so many moves of each of three folders.
fn orders(moves: [usize; 3]) -> Vec<Vec<usize>> {
    if moves == [0; 3] {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for who in 0..3 {
        let mut left = moves;
        if left[who] > 0 {
            left[who] -= 1;
            all.extend(
                orders(left)
                    .into_iter()
                    .map(|rest| [&[who], rest.as_slice()].concat()),
            );
        }
    }
    all
}

#[test]
fn three_folds_in_any_order_and_dying_anywhere_count_everything_once() {
    let limits = small();
    let mut tried = 0;
    // How far each gets before it dies; the first move begins it, the last of seven ends it.
    let reaches = [
        [7, 7, 0],
        [7, 7, 1],
        [7, 4, 2],
        [6, 5, 2],
        [7, 3, 3],
        [5, 4, 3],
    ];
    for reach in reaches {
        for order in orders(reach) {
            let store = MemoryStore::new();
            append(&store, &limits, None, hits("/first")).unwrap();
            let mut folders = [None, None, None];
            let mut expected = vec![("/first".to_owned(), 1)];
            for (i, who) in order.iter().enumerate() {
                // The lease is a hint: here nobody sees another's.
                store.values.borrow_mut().remove("lease");
                match &mut folders[*who] {
                    Some(begun) => advance(begun),
                    not_begun => *not_begun = Some(folder(&store, &limits)),
                }
                // Something new for those that read the log later. What was there when they began is all that they fold.
                if i % 2 == 0 {
                    let path = format!("/{i:02}");
                    append(&store, &limits, None, hits(&path)).unwrap();
                    expected.push((path, 1));
                }
            }
            drop(folders);
            expected.sort();
            let expected: Vec<(&str, u64)> = expected
                .iter()
                .map(|(path, count)| (path.as_str(), *count))
                .collect();
            counts(&store, &limits, &expected);
            tried += 1;
        }
    }
    assert!(tried > 30_000, "{tried}");
}
