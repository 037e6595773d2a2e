//! What became of a batch, by its number; and up to when hits were dropped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::steps::writer;
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_tally::BatchState;
use rollcall_tally::BatchState::{Counted, Dropped, Pending, Repeated, TooOld};

fn send(store: &MemoryStore, limits: &Limits, id: Option<&str>) -> u64 {
    append(store, limits, id, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap()
}

/// The states of the batches with the numbers 1 to `count`.
fn states(store: &MemoryStore, limits: &Limits, count: u64) -> Vec<BatchState> {
    let root = current(store, limits);
    (1..=count).map(|n| root.batch(n)).collect()
}

#[test]
fn a_batch_is_pending_up_to_its_fold_and_then_counted_or_repeated() {
    let (store, limits) = (MemoryStore::new(), small());
    for id in [None, Some("a"), Some("a")] {
        send(&store, &limits, id);
    }
    assert_eq!(states(&store, &limits, 4), [Pending; 4]);
    fold(&store, &limits).unwrap();
    send(&store, &limits, Some("a"));
    let expect = [Counted, Counted, Repeated, Pending];
    assert_eq!(states(&store, &limits, 4), expect);
    fold(&store, &limits).unwrap();
    // Nothing of it is in the log any more.
    clean(&store, &limits);
    assert_eq!(store.keys("log:"), ["log:next"; 0]);
    let expect = [Counted, Counted, Repeated, Repeated];
    assert_eq!(states(&store, &limits, 4), expect);
    let root = current(&store, &limits);
    assert_eq!((root.hits, root.drops.repeated_batches), (2, 2));
}

#[test]
fn a_number_that_is_open_is_pending_and_then_counted_or_dropped() {
    for is_written in [true, false] {
        let (store, limits) = (MemoryStore::new(), small());
        let hits = vec![hit("192.0.2.9", "/late", NOW_MS)];
        let late = writer(&store, &limits, None, hits).up_to("set log:");
        send(&store, &limits, None);
        fold(&store, &limits).unwrap();
        assert_eq!(states(&store, &limits, 2), [Pending, Counted]);
        match is_written {
            true => drop(late.to_the_end().unwrap()),
            false => drop(late.crash()),
        }
        store.clock.pass(limits.skip_after_ms + 1);
        send(&store, &limits, None);
        fold(&store, &limits).unwrap();
        let first = if is_written { Counted } else { Dropped };
        assert_eq!(states(&store, &limits, 3), [first, Counted, Counted]);
        let hits = if is_written { 3 } else { 2 };
        assert_eq!(current(&store, &limits).hits, hits);
    }
}

#[test]
fn the_newest_batches_that_are_not_counted_are_known_and_none_is_called_counted() {
    let (store, limits) = (MemoryStore::new(), small());
    let limits = Limits {
        uncounted: 2,
        ..limits
    };
    for _ in 0..3 {
        send(&store, &limits, Some("a"));
        fold(&store, &limits).unwrap();
    }
    let expect = [Counted, Repeated, Repeated];
    assert_eq!(states(&store, &limits, 3), expect, "as many as are kept");
    send(&store, &limits, Some("a"));
    send(&store, &limits, None);
    fold(&store, &limits).unwrap();
    let expect = [TooOld, TooOld, Repeated, Repeated, Counted];
    assert_eq!(states(&store, &limits, 5), expect, "one more");
}

#[test]
fn batches_that_share_an_append_have_numbers_that_follow_one_another() {
    let (store, limits) = (MemoryStore::new(), small());
    send(&store, &limits, None);
    let batch = |id: &str| rollcall_ledger::NewBatch {
        id: Some(rollcall_ledger::BatchId::of(id)),
        hits: vec![hit("192.0.2.1", "/a", NOW_MS)],
        repaired: Default::default(),
    };
    let batches = [batch("a"), batch("b"), batch("a")];
    let newest = block_on(ledger(&store, &limits).append_all(&batches)).unwrap();
    assert_eq!(newest, 4);
    fold(&store, &limits).unwrap();
    let expect = [Counted, Counted, Counted, Repeated];
    assert_eq!(states(&store, &limits, 4), expect);
}

#[test]
fn each_kind_of_dropped_hits_has_the_time_of_its_newest_hit() {
    let (store, limits) = (MemoryStore::new(), Limits { ips: 1, ..small() });
    let record = |ip: &str, path: &str, age_ms: u64| {
        append(&store, &limits, None, vec![hit(ip, path, NOW_MS - age_ms)]).unwrap();
        fold(&store, &limits).unwrap();
    };
    let until = || {
        let of = current(&store, &limits).dropped();
        assert_eq!(of.unsummed_until_ms, None, "the sums have every hit");
        [
            of.evicted_until_ms,
            of.unreadable_until_ms,
            of.erased_until_ms,
            of.other_paths_until_ms,
        ]
    };
    record("192.0.2.1", "/a", 70);
    record("192.0.2.1", "/a", 60);
    assert_eq!(until(), [None; 4]);
    record("192.0.2.2", "/a", 50);
    let evicted = Some(NOW_MS - 60);
    assert_eq!(until(), [evicted, None, None, None], "the first IP left");

    let key = format!("ip:{}:192.0.2.2", current(&store, &limits).k);
    store.values.borrow_mut().insert(key, vec![7, 7, 7]);
    record("192.0.2.2", "/a", 40);
    let unreadable = Some(NOW_MS - 50);
    assert_eq!(until(), [evicted, unreadable, None, None]);

    block_on(ledger(&store, &limits).erase(&["192.0.2.2".parse().unwrap()])).unwrap();
    fold(&store, &limits).unwrap();
    let erased = Some(NOW_MS - 40);
    assert_eq!(until(), [evicted, unreadable, erased, None]);
    // A hit from before the erasure comes late.
    record("192.0.2.2", "/a", 30);
    let erased = Some(NOW_MS - 30);
    assert_eq!(until(), [evicted, unreadable, erased, None]);

    let many = (0..1_000).map(|n| hit("192.0.2.3", &format!("/{n}"), NOW_MS));
    append(&store, &limits, None, many.collect()).unwrap();
    fold(&store, &limits).unwrap();
    record("192.0.2.3", "/0", 0);
    assert_eq!(until(), [evicted, unreadable, erased, None], "all by name");
    record("192.0.2.3", "/one-more", 20);
    let others = Some(NOW_MS - 20);
    assert_eq!(until(), [evicted, unreadable, erased, others]);
}
