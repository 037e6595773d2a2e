//! What the ledger promises, one sentence a test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use crate::common::steps::folder;
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{BatchId, Cleaned, Current, Folded, LedgerError, NewBatch, Snapshot};
use rollcall_store::LAYOUT;
use rollcall_tally::Repairs;
use rollcall_tally::window::MINUTE_MS;

#[test]
fn what_was_appended_is_in_the_next_snapshot() {
    let (store, limits) = (MemoryStore::new(), small());
    append(
        &store,
        &limits,
        None,
        vec![
            hit("192.0.2.1", "/a", NOW_MS),
            hit("2001:db8::1", "/b", NOW_MS),
        ],
    )
    .unwrap();
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    let all = all(&store, &limits);
    assert_eq!(hits_of(&all), 3);
    assert_eq!(all[&"192.0.2.1".parse().unwrap()].hits(), 2);
    assert_eq!(all[&"2001:db8::1".parse().unwrap()].hits(), 1);
}

#[test]
fn an_empty_store_answers_with_nothing() {
    let (store, limits) = (MemoryStore::new(), small());
    assert!(all(&store, &limits).is_empty());
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Nothing);
    assert!(store.values.borrow().is_empty(), "asking writes nothing");
}

#[test]
fn a_snapshot_folds_more_segments_than_one_fold_takes() {
    let (store, limits) = (MemoryStore::new(), small());
    for i in 0..23 {
        append(
            &store,
            &limits,
            None,
            vec![hit("192.0.2.1", &format!("/{i}"), NOW_MS)],
        )
        .unwrap();
    }
    assert_eq!(hits_of(&all(&store, &limits)), 23);
    clean(&store, &limits);
    assert_eq!(store.keys("log:"), Vec::<String>::new());
}

#[test]
fn a_fold_holds_no_more_hits_than_its_limit_and_one_segment() {
    let (store, limits) = (
        MemoryStore::new(),
        Limits {
            fold_segments: 100,
            fold_hits: 10,
            ..small()
        },
    );
    // Small ones first, which tell nothing of those that follow.
    for size in [1, 1, 1, 1, 1, 1, 1, 20, 20, 20, 20, 20] {
        let hits = vec![hit("192.0.2.1", "/a", NOW_MS); size];
        append(&store, &limits, None, hits).unwrap();
    }
    let mut folded = Vec::new();
    while fold(&store, &limits).unwrap() == Folded::Done {
        folded.push(current(&store, &limits).hits);
    }
    assert_eq!(folded, [27, 47, 67, 87, 107]);
}

#[test]
fn a_fold_holds_no_more_texts_than_its_limit_and_one_segment() {
    let (store, limits) = (
        MemoryStore::new(),
        Limits {
            fold_segments: 100,
            fold_text_bytes: 4_000,
            ..small()
        },
    );
    for segment in 0..4 {
        let of = |path: u64| hit("192.0.2.1", &format!("/{segment}/{path}"), NOW_MS);
        append(&store, &limits, None, (0..10).map(of).collect()).unwrap();
    }
    let mut folded = Vec::new();
    while fold(&store, &limits).unwrap() == Folded::Done {
        folded.push(current(&store, &limits).hits);
    }
    // A text of 8 bytes counts as 208 bytes. So the second segment reaches the limit.
    assert_eq!(folded, [20, 40]);
}

#[test]
fn a_fold_has_no_more_ips_than_its_limit_and_one_segment() {
    let limits = Limits {
        fold_segments: 100,
        fold_ips: 25,
        ..small()
    };
    let store = MemoryStore::new();
    for segment in 0..6 {
        let of = |ip: u64| hit(&format!("192.0.{segment}.{ip}"), "/", NOW_MS);
        append(&store, &limits, None, (0..10).map(of).collect()).unwrap();
    }
    let mut folded = Vec::new();
    while fold(&store, &limits).unwrap() == Folded::Done {
        folded.push(current(&store, &limits).ips);
    }
    assert_eq!(folded, [30, 60]);
}

#[test]
fn a_batch_sent_twice_counts_once() {
    let (store, limits) = (MemoryStore::new(), small());
    let batch = || vec![hit("192.0.2.1", "/a", NOW_MS)];
    append(&store, &limits, Some("one"), batch()).unwrap();
    append(&store, &limits, Some("one"), batch()).unwrap();
    assert_eq!(hits_of(&all(&store, &limits)), 1, "within one fold");
    append(&store, &limits, Some("one"), batch()).unwrap();
    append(&store, &limits, Some("two"), batch()).unwrap();
    assert_eq!(hits_of(&all(&store, &limits)), 2, "in a later fold");
    assert_eq!(snapshot(&store, &limits).unwrap().drops.repeated_batches, 2);
}

#[test]
fn batches_of_one_append_are_segments_of_their_own() {
    let (store, limits) = (MemoryStore::new(), small());
    block_on(ledger(&store, &limits).open()).unwrap();
    append(
        &store,
        &limits,
        Some("b"),
        vec![hit("192.0.2.1", "/", NOW_MS)],
    )
    .unwrap();
    let batches = ["a", "b", "c"].map(|id| NewBatch {
        id: Some(BatchId::of(id)),
        hits: vec![hit("192.0.2.1", "/", NOW_MS); 2],
        repaired: Repairs {
            hits: 1,
            cut_paths: 1,
            ..Repairs::default()
        },
    });
    let last = block_on(ledger(&store, &limits).append_all(&batches)).unwrap();
    assert_eq!(last, 4);
    assert_eq!(store.keys("log:"), ["log:1", "log:2", "log:3", "log:4"]);
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.hits, root.drops.repeated_batches), (5, 1));
    // What was repaired counts as often as the batch.
    assert_eq!((root.repaired.hits, root.repaired.cut_paths), (2, 2));
}

#[test]
fn batch_ids_are_remembered_for_the_time_and_the_number_documented() {
    let (store, limits) = (MemoryStore::new(), small());
    let send = |id: u64| {
        append(
            &store,
            &limits,
            Some(&id.to_string()),
            vec![hit("192.0.2.1", "/a", NOW_MS)],
        )
        .unwrap()
    };
    for id in 0..40 {
        send(id);
        store.clock.pass(1_000);
        fold(&store, &limits).unwrap();
    }
    for id in 0..40 {
        send(id);
    }
    assert_eq!(
        hits_of(&all(&store, &limits)),
        40,
        "all are younger than ids_kept_ms"
    );
    store.clock.pass(limits.ids_kept_ms + 60_000);
    for id in 100..112 {
        send(id);
    }
    snapshot(&store, &limits).unwrap();
    store.clock.pass(limits.ids_kept_ms + 60_000);
    send(200);
    snapshot(&store, &limits).unwrap();
    for id in 101..112 {
        send(id);
    }
    assert_eq!(
        hits_of(&all(&store, &limits)),
        53,
        "the last twelve are known however old they are"
    );
    send(0);
    assert_eq!(
        hits_of(&all(&store, &limits)),
        54,
        "what is both old and far back is forgotten"
    );
}

#[test]
fn a_slow_writer_does_not_acknowledge() {
    for key in ["log:next", "log:1"] {
        let (store, limits) = (MemoryStore::new(), small());
        *store.slow.borrow_mut() = Some((key, limits.ack_within_ms + 1));
        let error =
            append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap_err();
        assert!(matches!(error, LedgerError::TooSlow { .. }), "{error}");
        *store.slow.borrow_mut() = Some((key, limits.ack_within_ms));
        let (store, limits) = (MemoryStore::new(), small());
        append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    }
}

#[test]
fn a_number_that_is_never_written_is_skipped_and_blocks_nothing() {
    let (store, limits) = (MemoryStore::new(), small());
    *store
        .counters
        .borrow_mut()
        .entry("log:next".into())
        .or_default() += 1;
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.hits, root.open.len()), (1, 1));
    store.clock.pass(limits.skip_after_ms);
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    assert_eq!(
        snapshot(&store, &limits).unwrap().open.len(),
        1,
        "not before its time"
    );
    store.clock.pass(1);
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!(
        (root.hits, root.open.len(), root.drops.skipped_numbers),
        (3, 0, 1)
    );
}

#[test]
fn a_writer_that_was_overtaken_still_counts() {
    let (store, limits) = (MemoryStore::new(), small());
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.1", "/late", NOW_MS)],
    )
    .unwrap();
    let late = store.values.borrow_mut().remove("log:1").unwrap();
    append(&store, &limits, None, vec![hit("192.0.2.2", "/a", NOW_MS)]).unwrap();
    assert_eq!(hits_of(&all(&store, &limits)), 1);
    store.values.borrow_mut().insert("log:1".into(), late);
    assert_eq!(hits_of(&all(&store, &limits)), 2);
    let root = snapshot(&store, &limits).unwrap();
    assert!(root.open.is_empty());
}

#[test]
fn the_lag_is_the_age_of_the_oldest_batch_that_the_root_does_not_hold() {
    let (store, limits) = (MemoryStore::new(), small());
    let lag_ms = || {
        futures::executor::block_on(async {
            let ledger = ledger(&store, &limits);
            let Current { root, top, .. } =
                ledger.current(|idle| ledger.fold_here(idle)).await.unwrap();
            ledger.lag_ms(&root, top).await
        })
    };
    let append = |id| {
        let old = vec![hit("192.0.2.1", "/a", NOW_MS - 86_400_000)];
        append(&store, &limits, id, old).unwrap()
    };
    assert_eq!(lag_ms().unwrap(), 0, "nothing was ever appended");
    append(Some("one"));
    store.clock.pass(300);
    append(None);
    store.clock.pass(50);
    assert_eq!(lag_ms().unwrap(), 350, "since it came, whatever its hits");
    snapshot(&store, &limits).unwrap();
    store.clock.pass(1_000);
    assert_eq!(lag_ms().unwrap(), 0, "all is in the root");

    // A number that is taken and not written has no age; a later one has.
    let n = append(None);
    let late = store.values.borrow_mut().remove(&format!("log:{n}"));
    store.clock.pass(10);
    assert_eq!(lag_ms().unwrap(), 0);
    append(None);
    store.clock.pass(20);
    assert_eq!(lag_ms().unwrap(), 20);
    snapshot(&store, &limits).unwrap();
    assert_eq!(lag_ms().unwrap(), 0);
    // Written after all, below what is folded.
    store
        .values
        .borrow_mut()
        .extend(late.map(|late| (format!("log:{n}"), late)));
    assert_eq!(lag_ms().unwrap(), 30);
    snapshot(&store, &limits).unwrap();
    assert_eq!(lag_ms().unwrap(), 0);

    let n = append(None);
    let key = format!("log:{n}");
    store.values.borrow_mut().insert(key.clone(), vec![9]);
    let error = lag_ms().unwrap_err();
    assert!(error.to_string().contains(&key), "{error}");
}

#[test]
fn the_least_recently_seen_ip_leaves_first_and_is_counted() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 3, ..small() });
    for (i, seen_ms) in [(1, 5), (2, 1), (3, 3), (4, 4)] {
        let hits = vec![hit(&format!("192.0.2.{i}"), "/a", NOW_MS + seen_ms); i];
        append(&store, &limits, None, hits).unwrap();
        fold(&store, &limits).unwrap();
    }
    let all = all(&store, &limits);
    let left: Vec<String> = all.keys().map(ToString::to_string).collect();
    assert_eq!(left, ["192.0.2.1", "192.0.2.3", "192.0.2.4"]);
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!(
        (root.hits, root.drops.evicted_ips, root.drops.evicted_hits),
        (10, 1, 2)
    );
}

#[test]
fn an_ip_never_leaves_in_the_fold_that_counts_its_hit() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 3, ..small() });
    let recent = (1..=3).map(|i| hit(&format!("192.0.2.{i}"), "/a", NOW_MS));
    append(&store, &limits, None, recent.collect()).unwrap();
    fold(&store, &limits).unwrap();
    // These hits are older than all others. They are more than the limit, too.
    let late = (4..=8).map(|i| hit(&format!("192.0.2.{i}"), "/a", NOW_MS - 40 * MINUTE_MS));
    append(&store, &limits, None, late.collect()).unwrap();
    fold(&store, &limits).unwrap();
    let left: Vec<String> = all(&store, &limits)
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        left,
        (4..=8).map(|i| format!("192.0.2.{i}")).collect::<Vec<_>>()
    );
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.hits, root.drops.evicted_ips), (8, 3));
}

#[test]
fn what_was_replaced_is_deleted_once_no_query_reads_it() {
    let (store, limits) = (MemoryStore::new(), small());
    for batch in 0..4 {
        let id = batch.to_string();
        let hits = vec![hit("192.0.2.1", "/a", NOW_MS)];
        append(&store, &limits, Some(&id), hits).unwrap();
        fold(&store, &limits).unwrap();
    }
    clean(&store, &limits);
    assert_eq!(store.keys("ip:").len(), 4, "queries may read them");
    store.clock.pass(limits.keep_replaced_ms + 1);
    clean(&store, &limits);
    let left: Vec<String> = store.keys("");
    // Each of four lists of the heaviest, too.
    assert_eq!(left.len(), 9 + 4, "{left:?}");
    let kinds = [
        "cleaned", "ids:", "ip:", "head", "shard:", "root:", "totals:", "paths:", "known:",
    ];
    for kind in kinds {
        assert_eq!(store.keys(kind).len(), 1, "{kind} {left:?}");
    }
    // Nothing is due: looking for it costs two calls.
    let before = store.calls.get();
    clean(&store, &limits);
    assert_eq!(store.calls.get() - before, 2);
}

#[test]
fn a_round_of_cleaning_deletes_a_bounded_number_of_keys_and_the_next_goes_on() {
    const IPS: usize = 400;
    let limits = Limits {
        clean_keys: 50,
        chunk: 20,
        ..Limits::default()
    };
    let store = MemoryStore::new();
    let hits = |path: &str| {
        let hits = (0..IPS).map(|i| hit(&format!("10.0.{}.{}", i / 256, i % 256), path, NOW_MS));
        hits.collect()
    };
    for path in ["/a", "/b", "/c"] {
        append(&store, &limits, None, hits(path)).unwrap();
        fold(&store, &limits).unwrap();
    }
    store.clock.pass(limits.keep_replaced_ms + 1);
    // Folding goes on in between, and waits for nothing.
    append(&store, &limits, None, hits("/d")).unwrap();
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
    let mut rounds = 0;
    let mut left = store.keys("").len();
    while block_on(ledger(&store, &limits).clean()).unwrap() == Cleaned::Some {
        let now = store.keys("").len();
        assert!(
            left - now <= limits.clean_keys + 1,
            "round {rounds}: {left} to {now}"
        );
        left = now;
        rounds += 1;
    }
    assert!((2 * IPS / 50..4 * IPS / 50).contains(&rounds), "{rounds}");
    assert_eq!(
        store.keys("ip:").len(),
        2 * IPS,
        "the third fold's are kept for queries"
    );
    assert_eq!(hits_of(&all(&store, &limits)), 4 * IPS as u64);
}

#[test]
fn a_fold_that_was_lost_is_followed_by_one_that_takes_half_and_those_by_larger_ones() {
    let (store, limits) = (
        MemoryStore::new(),
        Limits {
            fold_segments: 16,
            ..small()
        },
    );
    for i in 0..64 {
        let hits = vec![hit("192.0.2.1", &format!("/{i}"), NOW_MS)];
        append(&store, &limits, None, hits).unwrap();
    }
    // Each dies with its work done but for the root.
    for _ in 0..7 {
        let mut dying = folder(&store, &limits);
        while !dying.wants().unwrap().starts_with("set root:") {
            dying.step();
        }
        drop(dying.crash());
        store.clock.pass(limits.lease_max_ms + 1);
    }
    let mut taken = Vec::new();
    while fold(&store, &limits).unwrap() == Folded::Done {
        taken.push(current(&store, &limits).pace.segments);
    }
    assert_eq!(taken, [1, 1, 1, 1, 2, 4, 8, 16, 16, 14]);
    assert_eq!(hits_of(&all(&store, &limits)), 64);
}

#[test]
fn a_fold_that_is_slow_and_that_nobody_overtook_gets_to_its_end() {
    // Between any two calls more time passes than its lease was taken for.
    let (store, limits) = (MemoryStore::new(), small());
    for i in 0..9 {
        append(
            &store,
            &limits,
            None,
            vec![hit(&format!("192.0.2.{i}"), "/", NOW_MS)],
        )
        .unwrap();
    }
    let mut slow = folder(&store, &limits);
    while slow.result.is_none() {
        store.clock.pass(limits.lease_ms * 2);
        slow.step();
    }
    assert_eq!(slow.result.unwrap().unwrap(), Folded::Done);
    assert_eq!(
        current(&store, &limits).hits,
        1,
        "its time to read is over after the first"
    );
}

#[test]
fn a_lease_covers_a_store_that_is_slow_and_ends_with_who_held_it() {
    let (store, limits) = (MemoryStore::new(), small());
    append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
    let mut slow = folder(&store, &limits);
    for _ in 0..9 {
        store.clock.pass(3_000);
        slow.step();
        assert_ne!(slow.wants(), None);
    }
    let wants = slow.wants();
    store.clock.pass(3_000);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Busy, "{wants:?}");
    drop(slow.crash());
    store.clock.pass(limits.lease_max_ms);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
}

#[test]
fn an_answer_that_has_to_wait_says_how_far_behind_it_is_and_how_long_that_takes() {
    let (store, limits) = (MemoryStore::new(), small());
    for _ in 0..8 {
        append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
    }
    *store.slow.borrow_mut() = Some(("log:", 100));
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
    *store.slow.borrow_mut() = None;
    let took_ms = current(&store, &limits).pace.took_ms;
    assert!(took_ms >= 500, "{took_ms}");
    let ask = |gave_up| {
        let ledger = ledger(&store, &limits);
        let began_ms = store.clock.monotonic_ms.get();
        let wait = async |_| {
            store.clock.pass(50);
            Ok::<(), LedgerError>(())
        };
        let snapshot = block_on(ledger.snapshot(gave_up, wait)).unwrap();
        let waited_ms = store.clock.monotonic_ms.get() - began_ms;
        assert_eq!(snapshot.root.hits, 5);
        (snapshot.behind, waited_ms)
    };
    // It took five of eight. Nobody folds the others, but it might work out, so a question waits.
    for _ in 0..7 {
        append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
    }
    store.clock.pass(7_000);
    let (behind, waited_ms) = ask(None);
    let behind = behind.unwrap();
    assert_eq!(behind.segments, 10);
    assert_eq!(behind.left_ms, Some(took_ms * 2));
    assert_eq!(behind.lag_ms, store.clock.wall_ms.get() - NOW_MS);
    assert!(
        (limits.fold_wait_ms..limits.fold_wait_ms + 100).contains(&waited_ms),
        "{waited_ms}"
    );
    // The next question does not wait for the same fold again.
    let k = current(&store, &limits).k;
    let (behind, waited_ms) = ask(Some(k));
    assert_eq!((behind.unwrap().segments, waited_ms), (10, 0));
    let (_, waited_ms) = ask(Some(k - 1));
    assert!(waited_ms >= limits.fold_wait_ms, "that was another fold");
    // At that pace it cannot work out, and it is answered at once.
    for _ in 0..1_000 {
        append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
    }
    let (behind, waited_ms) = ask(None);
    assert_eq!(behind.unwrap().segments, 1_010);
    assert_eq!(waited_ms, 0);
}

#[test]
fn a_question_that_finds_a_fold_like_a_long_one_under_way_does_not_wait() {
    let (store, limits) = (MemoryStore::new(), small());
    let send = || append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
    send();
    *store.slow.borrow_mut() = Some(("log:", limits.fold_wait_ms + 1));
    fold(&store, &limits).unwrap();
    *store.slow.borrow_mut() = None;
    send();
    // How long a question waits now.
    let waits_ms = || {
        let began_ms = store.clock.monotonic_ms.get();
        let wait = async |_| {
            store.clock.pass(50);
            Ok::<(), LedgerError>(())
        };
        let snapshot = block_on(ledger(&store, &limits).snapshot(None, wait)).unwrap();
        assert!(snapshot.behind.is_some());
        store.clock.monotonic_ms.get() - began_ms
    };
    // No fold is under way, and the next one may be a short one.
    assert!(waits_ms() >= limits.fold_wait_ms);
    let under_way = folder(&store, &limits).up_to("set root:");
    assert_eq!(waits_ms(), 0);
    drop(under_way.crash());
}

#[test]
fn a_fold_struck_anywhere_loses_nothing_and_leaves_nothing() {
    let limits = small();
    let calls = {
        let store = prepared(&limits);
        let before = store.calls.get();
        fold(&store, &limits).unwrap();
        store.calls.get() - before
    };
    assert!(calls > 15, "{calls}");
    for fault in [Fault::Before, Fault::After] {
        for at in 1..=calls {
            let store = prepared(&limits);
            store.strike.set(Some((store.calls.get() + at, fault)));
            let _ = fold(&store, &limits);
            store.strike.set(None);
            store.clock.pass(limits.lease_ms + 1);
            assert_eq!(hits_of(&all(&store, &limits)), 7, "{fault:?} at call {at}");
            for _ in 0..2 {
                store.clock.pass(limits.keep_replaced_ms + 1);
                fold(&store, &limits).unwrap();
                clean(&store, &limits);
            }
            let told = format!("{fault:?} at call {at}: {:?}", store.keys(""));
            for (kind, left) in [
                ("ip:", 3),
                ("log:", 0),
                ("plan:", 0),
                ("root:", 1),
                ("ids:", 1),
            ] {
                assert_eq!(store.keys(kind).len(), left, "{told}");
            }
        }
    }
}

/// A store with one fold behind it, and one ahead that changes old states, adds new ones and knows a batch already.
fn prepared(limits: &Limits) -> MemoryStore {
    let store = MemoryStore::new();
    append(
        &store,
        limits,
        Some("a"),
        vec![
            hit("192.0.2.1", "/a", NOW_MS),
            hit("192.0.2.2", "/a", NOW_MS),
        ],
    )
    .unwrap();
    fold(&store, limits).unwrap();
    append(
        &store,
        limits,
        Some("b"),
        vec![hit("192.0.2.1", "/b", NOW_MS); 3],
    )
    .unwrap();
    append(
        &store,
        limits,
        Some("a"),
        vec![hit("192.0.2.1", "/a", NOW_MS)],
    )
    .unwrap();
    append(
        &store,
        limits,
        None,
        vec![hit("192.0.2.3", "/c", NOW_MS); 2],
    )
    .unwrap();
    store
}

#[test]
fn a_live_lease_is_left_alone_and_an_old_one_is_not() {
    let (store, limits) = (MemoryStore::new(), small());
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    folder(&store, &limits).up_to("increment fold 1").crash();
    assert_eq!(store.keys("lease").len(), 1);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Busy);
    assert_eq!(
        block_on(ledger(&store, &limits).clean()).unwrap(),
        Cleaned::Busy
    );
    store.clock.pass(limits.lease_ms + 1);
    assert_eq!(fold(&store, &limits).unwrap(), Folded::Done);
}

#[test]
fn a_counter_that_went_back_is_an_alarm() {
    let (store, limits) = (MemoryStore::new(), small());
    for _ in 0..3 {
        append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    }
    snapshot(&store, &limits).unwrap();
    store.counters.borrow_mut().insert("log:next".into(), 1);
    let error = snapshot(&store, &limits).unwrap_err();
    assert!(
        matches!(error, LedgerError::CounterWentBack { .. }),
        "{error}"
    );
    let error = fold(&store, &limits).unwrap_err();
    assert!(
        matches!(error, LedgerError::CounterWentBack { .. }),
        "{error}"
    );
}

#[test]
fn a_value_that_cannot_be_read_is_an_error_that_names_its_key() {
    for bytes in [vec![], vec![9, 1, 2], vec![4, 0xff, 0xff, 0, 0, 1]] {
        let (store, limits) = (MemoryStore::new(), small());
        append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
        store.values.borrow_mut().insert("log:1".into(), bytes);
        let error = snapshot(&store, &limits).unwrap_err();
        assert!(
            matches!(&error, LedgerError::Corrupt { key, .. } if key == "log:1"),
            "{error}"
        );
    }
}

/// A store that holds every kind of value that the ledger reads: of some folds, of one that died, and what waits.
fn full(limits: &Limits) -> MemoryStore {
    let store = MemoryStore::new();
    block_on(ledger(&store, limits).open()).unwrap();
    for (id, ip) in [("a", "192.0.2.1"), ("b", "192.0.2.1"), ("c", "192.0.2.2")] {
        append(&store, limits, Some(id), vec![hit(ip, "/", NOW_MS)]).unwrap();
        fold(&store, limits).unwrap();
    }
    clean(&store, limits);
    append(
        &store,
        limits,
        Some("d"),
        vec![hit("192.0.2.1", "/", NOW_MS)],
    )
    .unwrap();
    folder(&store, limits).up_to("set root:4").crash();
    store
}

/// With the last bit flipped: a number of it, mostly.
fn flipped(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

/// Does everything that reads the store, over and over, and gives the keys that could not be read.
fn unreadable(store: &MemoryStore, limits: &Limits) -> BTreeSet<String> {
    let ledger = ledger(store, limits);
    let mut named = BTreeSet::new();
    let mut note = |error: LedgerError| match error {
        LedgerError::Corrupt { key, reason } => {
            assert!(!reason.is_empty());
            named.insert(key);
        }
        error => panic!("{error}"),
    };
    block_on(async {
        ledger.open().await.map_or_else(&mut note, drop);
        for _ in 0..4 {
            if let Err(error) = ledger.fold().await {
                note(error);
            }
            if let Err(error) = ledger.clean().await {
                note(error);
            }
            match ledger.snapshot(None, |idle| ledger.fold_here(idle)).await {
                Err(error) => note(error),
                Ok(Snapshot { root, .. }) => match ledger.list(root.k, 0..limits.shards).await {
                    Err(error) => note(error),
                    Ok(listed) => {
                        let wanted: Vec<_> = listed.iter().map(|ip| (ip.ip, ip.version)).collect();
                        let take = |_, state: Result<_, _>| state.map_or_else(&mut note, drop);
                        ledger.states(&wanted, take).await.unwrap();
                    }
                },
            }
            store
                .clock
                .pass(limits.clean_after_ms + limits.keep_replaced_ms);
        }
    });
    named
}

#[test]
fn whatever_value_is_damaged_the_error_names_its_key() {
    let limits = small();
    assert!(unreadable(&full(&limits), &limits).is_empty());
    let of = |key: &str| key.split(':').next().unwrap_or(key).to_owned();
    let mut kinds = BTreeSet::new();
    for key in full(&limits).keys("") {
        let whole = full(&limits).values.borrow()[&key].clone();
        let damaged = [
            vec![],
            whole[..whole.len() - 1].to_vec(),
            [&[LAYOUT + 1], &whole[1..]].concat(),
            [whole.as_slice(), &[0]].concat(),
            flipped(&whole),
        ];
        for bytes in damaged {
            let store = full(&limits);
            store.values.borrow_mut().insert(key.clone(), bytes);
            store.clock.pass(limits.lease_ms + 1);
            let named = unreadable(&store, &limits);
            if ["lease", "cleaned"].contains(&of(&key).as_str()) {
                assert!(named.is_empty(), "{named:?}: it only saves work");
                append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
                assert_eq!(hits_of(&all(&store, &limits)), 5, "{key}");
                continue;
            }
            if named.is_empty() {
                // It was replaced already, and is deleted unseen; or it was a state, and its IP began anew.
                let drops = snapshot(&store, &limits).unwrap().drops;
                let is_there = store.values.borrow().contains_key(&key);
                assert_eq!(
                    is_there,
                    of(&key) == "ip" && drops.unreadable_ips == 1,
                    "{key}"
                );
                continue;
            }
            assert_eq!(named, [key.clone()].into());
            kinds.insert(of(&key));
            // What the operator's manual says to delete, can be.
            if ["plan", "log"].contains(&of(&key).as_str()) {
                store.values.borrow_mut().remove(&key);
                store.clock.pass(limits.skip_after_ms + 1);
                append(&store, &limits, None, vec![hit("192.0.2.1", "/", NOW_MS)]).unwrap();
                assert!(unreadable(&store, &limits).is_empty(), "{key}");
                let lost = u64::from(of(&key) == "log");
                assert_eq!(hits_of(&all(&store, &limits)), 5 - lost, "{key}");
            }
        }
    }
    let every = [
        "ids", "ip", "log", "head", "meta", "shard", "plan", "root", "totals", "paths", "known",
        "heaviest",
    ];
    assert_eq!(kinds, every.map(str::to_owned).into());
}

#[test]
fn a_fold_of_many_ips_makes_no_large_value_and_its_plan_is_cleaned_step_by_step() {
    let (store, limits) = (
        MemoryStore::new(),
        Limits {
            shards: 256,
            chunk: 200,
            plan_changes: Limits::default().plan_changes,
            ..small()
        },
    );
    for _ in 0..2 {
        for part in 0..2u32 {
            let ip = |n: u32| std::net::Ipv4Addr::from(part * 25_000 + n).to_string();
            let hits = (0..25_000).map(|n| hit(&ip(n), "/", NOW_MS)).collect();
            append(&store, &limits, None, hits).unwrap();
        }
        fold(&store, &limits).unwrap();
    }
    let values = store.values.borrow();
    let others = values.iter().filter(|(key, _)| !key.starts_with("log:"));
    let largest = others.max_by_key(|(_, value)| value.len()).unwrap();
    assert!(largest.1.len() < 900_000, "{}", largest.0);
    drop(values);
    store.clock.pass(limits.keep_replaced_ms);
    let mut rounds = 0;
    while block_on(ledger(&store, &limits).clean()).unwrap() == Cleaned::Some {
        rounds += 1;
    }
    // 50,000 replaced states, and the values beside them.
    assert!((25..40).contains(&rounds), "{rounds}");
    assert_eq!(store.keys("ip:").len(), 50_000);
    assert_eq!(store.keys("plan:"), Vec::<String>::new());
}

#[test]
fn a_plan_of_an_older_version_is_cleaned_whatever_its_length() {
    let (store, limits) = (MemoryStore::new(), small());
    let large = Limits {
        plan_changes: 1_000,
        ..limits.clone()
    };
    for _ in 0..2 {
        let hits = (0..40).map(|n| hit(&format!("192.0.2.{n}"), "/", NOW_MS));
        append(&store, &large, None, hits.collect()).unwrap();
        fold(&store, &large).unwrap();
    }
    store.clock.pass(limits.keep_replaced_ms);
    let few = Limits {
        clean_keys: 7,
        ..limits
    };
    clean(&store, &few);
    assert_eq!(store.keys("ip:").len(), 40);
    assert_eq!(store.keys("plan:"), Vec::<String>::new());
}

#[test]
fn one_at_a_time_undertakes_to_clean_later() {
    let (store, limits) = (MemoryStore::new(), small());
    let undertake =
        |due_ms: u64| block_on(async { ledger(&store, &limits).undertake_cleaning(due_ms).await });
    let due_ms = NOW_MS + limits.keep_replaced_ms;
    assert!(undertake(due_ms).unwrap());
    assert!(!undertake(due_ms).unwrap());
    store.clock.pass(limits.keep_replaced_ms - 1);
    assert!(!undertake(due_ms + 10).unwrap());
    store.clock.pass(1);
    assert!(undertake(due_ms + 10).unwrap());
    // One that would last longer than any can, as after a clock that was wrong, and one that cannot be read, are none.
    store.clock.pass(10);
    assert!(undertake(u64::MAX).unwrap());
    assert!(undertake(due_ms + 20).unwrap());
    store
        .values
        .borrow_mut()
        .insert("cleaner".to_owned(), vec![9]);
    assert!(undertake(due_ms + 20).unwrap());
}

#[test]
fn another_layout_is_refused_and_says_what_to_do() {
    let (store, limits) = (MemoryStore::new(), small());
    block_on(ledger(&store, &limits).open()).unwrap();
    block_on(ledger(&store, &limits).open()).unwrap();
    let other = Limits {
        shards: 8,
        ..small()
    };
    let error = block_on(ledger(&store, &other).open()).unwrap_err();
    assert!(error.to_string().contains("4 shards"), "{error}");
}

#[test]
fn open_numbers_that_a_full_fold_did_not_get_to_stay_open() {
    let (store, limits) = (MemoryStore::new(), small());
    for i in 0..30 {
        append(
            &store,
            &limits,
            None,
            vec![hit("192.0.2.1", &format!("/{i}"), NOW_MS)],
        )
        .unwrap();
    }
    // All but the last are written late, and then all at once.
    let mut late: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 1..30 {
        late.extend(store.values.borrow_mut().remove_entry(&format!("log:{n}")));
    }
    assert_eq!(snapshot(&store, &limits).unwrap().open.len(), 29);
    store.values.borrow_mut().extend(late);
    assert_eq!(hits_of(&all(&store, &limits)), 30);
}

#[test]
fn an_ip_whose_state_cannot_be_read_costs_nobody_else() {
    let (store, limits) = (MemoryStore::new(), small());
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.1", "/a", NOW_MS); 3],
    )
    .unwrap();
    append(&store, &limits, None, vec![hit("192.0.2.2", "/a", NOW_MS)]).unwrap();
    let root = snapshot(&store, &limits).unwrap();
    let key = format!("ip:{}:192.0.2.1", root.k);
    store.values.borrow_mut().insert(key.clone(), vec![7, 7, 7]);
    block_on(async {
        let ips = ["192.0.2.1", "192.0.2.2"].map(|ip| (ip.parse().unwrap(), root.k));
        let mut states = Vec::new();
        let ledger = ledger(&store, &limits);
        let take = |_, state| states.push(state);
        ledger.states(&ips, take).await.unwrap();
        assert!(
            matches!(&states[0], Err(LedgerError::Corrupt { key: named, .. }) if *named == key)
        );
        assert_eq!(states[1].as_ref().unwrap().hits(), 1);
    });
    // It calls again: what was in the state is counted as dropped, and the bytes stay for the operator.
    append(&store, &limits, None, vec![hit("192.0.2.1", "/b", NOW_MS)]).unwrap();
    let all = all(&store, &limits);
    assert_eq!(all[&"192.0.2.1".parse().unwrap()].hits(), 1);
    let drops = snapshot(&store, &limits).unwrap().drops;
    assert_eq!((drops.unreadable_ips, drops.unreadable_hits), (1, 3));
    assert!(store.values.borrow().contains_key(&key));
}

#[test]
fn the_last_10_000_batches_are_known_however_old_they_are() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let send = |i: u64| {
        append(
            &store,
            &limits,
            Some(&format!("batch {i}")),
            vec![hit("192.0.2.1", "/", NOW_MS)],
        )
        .unwrap()
    };
    for i in 0..12_500 {
        send(i);
        if i % 500 == 0 {
            snapshot(&store, &limits).unwrap();
        }
        store.clock.pass(1_000);
    }
    snapshot(&store, &limits).unwrap();
    store.clock.pass(30 * 24 * 60 * 60_000);
    for i in 2_500..12_500 {
        send(i);
    }
    assert_eq!(snapshot(&store, &limits).unwrap().hits, 12_500);
    send(0);
    assert_eq!(
        snapshot(&store, &limits).unwrap().hits,
        12_501,
        "the first is forgotten: the memory is bounded"
    );
}

#[test]
fn every_hit_that_was_ever_folded_is_in_the_traffic_once_and_stays() {
    let store = MemoryStore::new();
    let limits = Limits { ips: 2, ..small() };
    let of = |i: u64, method: &str, status: Option<u16>| {
        let mut hit = hit(&format!("192.0.2.{i}"), "/a", NOW_MS + i);
        hit.method = method.to_owned();
        hit.status = status;
        hit.response_time_us = Some(i);
        hit
    };
    let first = || vec![of(1, "GET", Some(200)), of(1, "BREW", Some(418))];
    append(&store, &limits, Some("one"), first()).unwrap();
    append(&store, &limits, Some("one"), first()).unwrap();
    fold(&store, &limits).unwrap();
    for i in 2..5 {
        append(&store, &limits, None, vec![of(i, "GET", None)]).unwrap();
        fold(&store, &limits).unwrap();
    }
    let root = snapshot(&store, &limits).unwrap();
    assert_eq!((root.ips, root.drops.evicted_ips), (2, 2));
    let traffic = &root.traffic;
    assert_eq!((traffic.total.count, root.hits), (5, 5));
    assert_eq!(traffic.total.time_sum_us, 1 + 1 + 2 + 3 + 4);
    let counted = traffic.methods.iter().map(|of| {
        let counts = of.statuses;
        (
            of.method.as_str(),
            counts.success,
            counts.client_error,
            counts.unknown,
        )
    });
    let expected = [("GET", 1, 0, 3), ("(other)", 0, 1, 0)];
    assert_eq!(counted.collect::<Vec<_>>(), expected);
}
