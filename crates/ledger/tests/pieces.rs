//! No stored value is longer than the limit. A longer one is in pieces, whatever dies meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use crate::common::ways::{all_details, of_ips, of_sums};
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::LedgerError;
use rollcall_ledger::limits::Limits;
use rollcall_store::LAYOUT;
use rollcall_tally::report::{Left, WindowVerified};
use rollcall_tally::{Filter, Window};

/// Every value of a history below is longer than this, or nearly so.
fn tiny() -> Limits {
    Limits {
        value_bytes: 40,
        ..small()
    }
}

/// The keys of pieces and notes.
fn pieces(store: &MemoryStore) -> Vec<String> {
    let mut keys = store.keys("");
    keys.retain(|key| key.contains('-'));
    keys
}

/// A value in pieces has all of them, and there is no other piece.
fn are_complete(store: &MemoryStore) {
    let pieces: BTreeSet<String> = pieces(store).into_iter().collect();
    let mut found = BTreeSet::new();
    for (key, value) in store.values.borrow().iter() {
        if value[0] == 0x80 | LAYOUT && !key.contains('-') {
            found.extend((0..=u32::from(value[5])).map(|number| format!("{key}-{number}")));
        }
    }
    assert_eq!(pieces, found);
}

fn hits(path: &str) -> Vec<rollcall_tally::Hit> {
    let ips = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
    ips.map(|ip| hit(ip, path, NOW_MS)).into()
}

#[test]
fn no_value_is_longer_than_the_limit_and_both_ways_agree() {
    const LONGEST: usize = 16 << 10;
    let limits = Limits {
        value_bytes: LONGEST,
        plan_changes: 300,
        fold_segments: 100,
        ..Limits::default()
    };
    let store = MemoryStore::new();
    // One IP has long paths, one path has many IPs, the IPs are of many countries, and a batch has
    // many hits.
    let long = (0..60).map(|n| hit("192.0.2.1", &format!("/{n}{}", "x".repeat(2_000)), NOW_MS));
    append(&store, &limits, None, long.collect()).unwrap();
    for block in 0..2u8 {
        let ips = (0..10_000u32).map(|n| {
            let [.., high, low] = n.to_be_bytes();
            let mut hit = hit(&format!("10.{block}.{high}.{low}"), "/a", NOW_MS);
            let letter = |n: u32| char::from(b'A' + (n % 26) as u8);
            hit.country = Some([letter(n), letter(n / 26)].iter().collect());
            hit
        });
        append(&store, &limits, None, ips.collect()).unwrap();
    }
    fold(&store, &limits).unwrap();
    let of_kind = |kind: &str| pieces(&store).iter().any(|key| key.starts_with(kind));
    for kind in ["log:", "ip:", "totals:", "paths:"] {
        assert!(of_kind(kind), "{kind}");
    }
    for (key, value) in store.values.borrow().iter() {
        assert!(value.len() <= LONGEST, "{key}: {}", value.len());
    }
    are_complete(&store);
    let filter = Filter::default();
    let sums = of_sums(&store, &limits, Window::All, &filter, all_details(), 2);
    assert_eq!((sums.tally.count, sums.ips), (20_060, 20_001));
    let ips = of_ips(&store, &limits, Window::All, &filter, all_details());
    let verified = WindowVerified::new(Window::All, &sums, &ips, Left::default(), 0);
    assert!(verified.agrees, "{verified:?}");
    // All of it is replaced, and deleted.
    store.clock.pass(24 * 3_600_000);
    append(&store, &limits, None, hits("/a")).unwrap();
    fold(&store, &limits).unwrap();
    clean(&store, &limits);
    store.clock.pass(limits.keep_replaced_ms + 1);
    clean(&store, &limits);
    are_complete(&store);
    assert_eq!(store.keys("log:"), Vec::<String>::new());
}

#[test]
fn an_append_that_dies_leaves_no_piece() {
    let limits = tiny();
    let calls = {
        let store = MemoryStore::new();
        append(&store, &limits, Some("a"), hits("/a")).unwrap();
        assert!(pieces(&store).len() > 3);
        store.calls.get()
    };
    for (at, fault) in (1..=calls).flat_map(|at| [(at, Fault::Before), (at, Fault::After)]) {
        let store = MemoryStore::new();
        store.strike.set(Some((at, fault)));
        append(&store, &limits, Some("a"), hits("/a")).unwrap_err();
        append(&store, &limits, Some("a"), hits("/a")).unwrap();
        store.clock.pass(limits.skip_after_ms + 1);
        append(&store, &limits, Some("b"), hits("/b")).unwrap();
        assert_eq!(hits_of(&all(&store, &limits)), 6, "{fault:?} at call {at}");
        store.clock.pass(limits.skip_after_ms + 1);
        append(&store, &limits, Some("c"), hits("/c")).unwrap();
        fold(&store, &limits).unwrap();
        clean(&store, &limits);
        assert_eq!(
            store.keys("log:"),
            Vec::<String>::new(),
            "{fault:?} at {at}"
        );
    }
}

#[test]
fn an_append_whose_pieces_take_too_long_is_not_acknowledged() {
    let (store, limits) = (MemoryStore::new(), tiny());
    *store.slow.borrow_mut() = Some(("log:1-", limits.ack_within_ms / 3));
    let error = append(&store, &limits, None, hits("/a")).unwrap_err();
    assert!(matches!(error, LedgerError::TooSlow { .. }), "{error}");
    assert!(!store.values.borrow().contains_key("log:1"));
}

#[test]
fn a_fold_or_a_cleaning_that_dies_leaves_no_piece() {
    let limits = tiny();
    let folded = || {
        let store = MemoryStore::new();
        append(&store, &limits, None, hits("/a")).unwrap();
        fold(&store, &limits).unwrap();
        append(&store, &limits, None, hits("/b")).unwrap();
        store
    };
    let due = || {
        let store = folded();
        fold(&store, &limits).unwrap();
        store.clock.pass(limits.keep_replaced_ms + 1);
        store
    };
    let clean_once = |store: &MemoryStore| block_on(ledger(store, &limits).clean()).map(drop);
    let fold_once = |store: &MemoryStore| fold(store, &limits).map(drop);
    type Step<'s> = &'s dyn Fn(&MemoryStore) -> Result<(), LedgerError>;
    type Made<'s> = &'s dyn Fn() -> MemoryStore;
    let steps: [(Made<'_>, Step<'_>); 2] = [(&folded, &fold_once), (&due, &clean_once)];
    for (made, step) in steps {
        let calls = {
            let store = made();
            let before = store.calls.get();
            step(&store).unwrap();
            store.calls.get() - before
        };
        assert!(calls > 30, "{calls}");
        for (at, fault) in (1..=calls).flat_map(|at| [(at, Fault::Before), (at, Fault::After)]) {
            let store = made();
            store.strike.set(Some((store.calls.get() + at, fault)));
            let _ = step(&store);
            store.strike.set(None);
            store.clock.pass(limits.lease_max_ms);
            assert_eq!(hits_of(&all(&store, &limits)), 6, "{fault:?} at {at}");
            for _ in 0..3 {
                store
                    .clock
                    .pass(limits.keep_replaced_ms + limits.clean_after_ms);
                fold(&store, &limits).unwrap();
                clean(&store, &limits);
            }
            are_complete(&store);
            let states = store
                .keys("ip:")
                .into_iter()
                .filter(|key| !key.contains('-'));
            assert_eq!(states.count(), 3, "{fault:?} at {at}: {:?}", store.keys(""));
        }
    }
}

#[test]
fn a_damaged_piece_is_an_error_of_its_value_and_a_missing_one_is_a_missing_value() {
    let limits = tiny();
    let store = MemoryStore::new();
    append(&store, &limits, None, hits("/a")).unwrap();
    let piece = "log:1-2";
    let whole = store.values.borrow()[piece].clone();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        store.values.borrow_mut().insert(piece.to_owned(), damaged);
        let error = fold(&store, &limits).unwrap_err();
        assert!(
            matches!(&error, LedgerError::Corrupt { key, .. } if key == "log:1"),
            "{error}"
        );
    }
    store.values.borrow_mut().remove(piece);
    // The number may still be written.
    fold(&store, &limits).unwrap();
    assert_eq!(current(&store, &limits).hits, 0);
    store.values.borrow_mut().insert(piece.to_owned(), whole);
    assert_eq!(hits_of(&all(&store, &limits)), 3);
}
