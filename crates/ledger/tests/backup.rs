//! A backup is one root, whatever happens meanwhile. Restored, it gives the same answers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::IpAddr;

use crate::common::kept;
use crate::common::ways::{all_details, of_sums};
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{LedgerError, Opened, Root, Upgraded};
use rollcall_store::LAYOUT;
use rollcall_tally::{BackupHead, BackupPlace, BatchState, Filter, Window};

/// Parts of a few values, so that a backup has many.
fn tight() -> Limits {
    Limits {
        backup_part_bytes: 300,
        ..small()
    }
}

/// All parts of a backup. `meanwhile` is called before each.
fn backup(store: &MemoryStore, k: u64, meanwhile: impl Fn()) -> Vec<Vec<u8>> {
    let limits = tight();
    let mut parts = Vec::new();
    let mut place = Some(BackupPlace::default());
    while let Some(at) = place {
        meanwhile();
        let part = block_on(ledger(store, &limits).backup_part(k, at)).unwrap();
        if !part.bytes.is_empty() {
            parts.push(part.bytes);
        }
        place = part.next;
    }
    parts
}

fn head() -> BackupHead {
    let store = MemoryStore::new();
    ledger(&store, &tight()).backup_head(&Root::default(), 0)
}

/// Restores the parts from the one that is due. Ends early where a call fails.
fn try_restore(store: &MemoryStore, parts: &[Vec<u8>], replace: bool) -> Result<(), LedgerError> {
    let limits = tight();
    let next = block_on(ledger(store, &limits).begin_restore("a", &head(), replace))?;
    let (root, values) = parts.split_last().unwrap();
    for (number, part) in (0..).zip(values).skip(next as usize) {
        block_on(ledger(store, &limits).restore_part("a", number, part))?;
    }
    block_on(ledger(store, &limits).end_restore("a", values.len() as u64, root))
}

fn some(store: &MemoryStore, seed: u64) {
    let now_ms = store.clock.wall_ms.get();
    for n in 0..20 {
        let ip = format!("192.0.2.{}", (n + seed) % 9);
        let long = "x".repeat((n % 3) as usize * 300);
        let hits = vec![hit(&ip, &format!("/{n}{long}"), now_ms - n * 7_200_000)];
        append(store, &small(), Some(&format!("{seed}-{n}")), hits).unwrap();
    }
    let text = Some(format!("text {seed}"));
    block_on(ledger(store, &small()).change_document("labels/a", text)).unwrap();
    while fold(store, &small()).unwrap() == rollcall_ledger::Folded::Done {}
}

/// A store of several folds, with an erased IP and documents.
fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    assert_eq!(
        block_on(ledger(&store, &small()).open()).unwrap(),
        Opened::Ready
    );
    some(&store, 1);
    let erased: IpAddr = "192.0.2.3".parse().unwrap();
    block_on(ledger(&store, &small()).erase(&[erased])).unwrap();
    store.clock.pass(1_000);
    some(&store, 5);
    store
}

/// Both stores tell the same of every IP, path and document.
fn are_equal(left: &MemoryStore, right: &MemoryStore) {
    let limits = small();
    let now_ms = [left, right].map(|store| store.clock.wall_ms.get());
    for store in [left, right] {
        store.clock.wall_ms.set(now_ms[0].max(now_ms[1]));
    }
    assert_eq!(all(left, &limits), all(right, &limits));
    let sums = |store| {
        of_sums(
            store,
            &limits,
            Window::All,
            &Filter::default(),
            all_details(),
            3,
        )
    };
    assert_eq!(sums(left), sums(right));
    let [of_left, of_right] = [left, right].map(|store| {
        let root = current(store, &limits);
        let mut documents = block_on(ledger(store, &limits).documents(&root)).unwrap();
        documents.iter_mut().for_each(|of| of.changed_at_ms = 0);
        (
            root.ips,
            root.hits,
            root.traffic.clone(),
            root.next_ip,
            root.first_seen_ms,
            documents,
        )
    });
    assert_eq!(of_left, of_right);
}

/// Every value of the store is one that its newest root needs.
fn has_nothing_left_behind(store: &MemoryStore) {
    store.clock.pass(10 * small().keep_replaced_ms);
    let hits = vec![hit("192.0.2.200", "/last", store.clock.wall_ms.get())];
    append(store, &small(), None, hits).unwrap();
    fold(store, &small()).unwrap();
    store.clock.pass(10 * small().keep_replaced_ms);
    clean(store, &small());
    let k = current(store, &small()).k;
    let copy = MemoryStore::new();
    try_restore(&copy, &backup(store, k, || ()), false).unwrap();
    // The kind of a key, and what it is of, without the number of the fold.
    let names = |store: &MemoryStore| {
        let keys = store.keys("").into_iter();
        let named = keys.filter_map(|key| {
            let (kind, rest) = key.split_once(':')?;
            let of = match kind {
                "ip" => rest.split_once(':')?.1,
                _ => rest.rsplit_once(':').map_or("", |(of, _)| of),
            };
            let piece = rest.rsplit_once('-').map_or("", |(_, piece)| piece);
            let is_value = !["plan", "log", "root"].contains(&kind);
            is_value.then(|| format!("{kind} {of} {piece}"))
        });
        let mut names: Vec<String> = named.collect();
        names.sort();
        names
    };
    assert_eq!(names(store), names(&copy));
}

#[test]
fn a_backup_is_one_root_while_hits_come_and_old_values_are_cleaned() {
    let (store, before) = (filled(), filled());
    let k = current(&store, &small()).k;
    let seeds = std::cell::Cell::new(10);
    let parts = backup(&store, k, || {
        seeds.set(seeds.get() + 1);
        some(&store, seeds.get());
        store.clock.pass(small().keep_replaced_ms / 3);
        clean(&store, &small());
    });
    assert!(parts.len() > 10, "{}", parts.len());
    let restored = MemoryStore::new();
    try_restore(&restored, &parts, false).unwrap();
    are_equal(&before, &restored);
    // Later, the values of the old root are cleaned after all.
    has_nothing_left_behind(&store);
}

#[test]
fn a_restored_store_goes_on_as_the_first_one() {
    let (store, restored) = (filled(), MemoryStore::new());
    let k = current(&store, &small()).k;
    restored.clock.wall_ms.set(store.clock.wall_ms.get());
    try_restore(&restored, &backup(&store, k, || ()), false).unwrap();
    for store in [&store, &restored] {
        store.clock.pass(1_000);
        // An id that the backup knows, a hit of the erased IP, and new ones.
        let again = vec![hit("192.0.2.1", "/0", store.clock.wall_ms.get())];
        append(store, &small(), Some("5-0"), again).unwrap();
        let old = vec![hit("192.0.2.3", "/old", NOW_MS - 1_000)];
        append(store, &small(), None, old).unwrap();
        some(store, 30);
    }
    are_equal(&store, &restored);
    has_nothing_left_behind(&restored);
}

#[test]
fn hits_that_come_before_and_during_a_restore_are_counted_after_it() {
    let store = filled();
    let parts = backup(&store, current(&store, &small()).k, || ());
    let restored = MemoryStore::new();
    let send = |n: u64| {
        append(
            &restored,
            &small(),
            None,
            vec![hit("192.0.2.99", "/new", NOW_MS - n)],
        )
    };
    send(1).unwrap();
    let limits = tight();
    let next = block_on(ledger(&restored, &limits).begin_restore("a", &head(), false));
    assert_eq!(next.unwrap(), 0);
    let during = send(2).unwrap();
    assert_eq!(
        fold(&restored, &small()).unwrap(),
        rollcall_ledger::Folded::Busy
    );
    try_restore(&restored, &parts, false).unwrap();
    let hits = current(&store, &small()).hits;
    let root = snapshot(&restored, &small()).unwrap();
    assert_eq!(root.hits, hits + 2);
    assert_eq!(root.batch(during), BatchState::Counted);
    assert_eq!(
        all(&restored, &small())[&"192.0.2.99".parse::<IpAddr>().unwrap()].hits(),
        2
    );
}

#[test]
fn a_restore_that_fails_at_any_call_goes_on_and_is_whole() {
    let store = filled();
    let parts = backup(&store, current(&store, &small()).k, || ());
    let mut at = 0;
    loop {
        at += 7;
        let restored = MemoryStore::new();
        let fault = [Fault::Before, Fault::After][(at % 2) as usize];
        restored.strike.set(Some((at, fault)));
        let first = try_restore(&restored, &parts, false);
        restored.strike.set(None);
        if first.is_ok() && restored.calls.get() < at {
            break;
        }
        // If a lease was taken whose owner is not known, it has to end first.
        restored.clock.pass(small().lease_max_ms + 1);
        if first.is_err() {
            let again = try_restore(&restored, &parts, false);
            // The root may have been confirmed before.
            let is_done = current(&restored, &small()).hits > 0;
            assert!(again.is_ok() || is_done, "{at}: {again:?}");
        }
        are_equal(&store, &restored);
    }
    assert!(at > 200, "{at}");
}

#[test]
fn a_fold_that_begins_meanwhile_voids_the_restore_and_leaves_nothing_of_it() {
    let store = filled();
    let parts = backup(&store, current(&store, &small()).k, || ());
    let restored = MemoryStore::new();
    let limits = tight();
    block_on(ledger(&restored, &limits).begin_restore("a", &head(), false)).unwrap();
    for (number, part) in (0..3).zip(&parts) {
        block_on(ledger(&restored, &limits).restore_part("a", number, part)).unwrap();
    }
    restored.clock.pass(small().lease_max_ms + 1);
    append(
        &restored,
        &small(),
        None,
        vec![hit("192.0.2.99", "/new", NOW_MS)],
    )
    .unwrap();
    fold(&restored, &small()).unwrap();
    let late = block_on(ledger(&restored, &limits).restore_part("a", 3, &parts[3])).unwrap_err();
    assert!(late.to_string().contains("begin anew"), "{late}");
    let refused = try_restore(&restored, &parts, false).unwrap_err();
    assert!(refused.to_string().contains("1 hits of 1 IPs"), "{refused}");
    has_nothing_left_behind(&restored);
    try_restore(&restored, &parts, true).unwrap();
    are_equal(&store, &restored);
    has_nothing_left_behind(&restored);
}

#[test]
fn a_backup_that_does_not_fit_is_refused_and_changes_nothing() {
    let (store, full) = (filled(), filled());
    let parts = backup(&store, current(&store, &small()).k, || ());
    let begin =
        |head: &BackupHead| block_on(ledger(&full, &tight()).begin_restore("b", head, false));
    let other = [
        (
            BackupHead {
                layout: LAYOUT + 1,
                ..head()
            },
            "layout",
        ),
        (
            BackupHead {
                layout: 10,
                ..head()
            },
            "layout",
        ),
        (
            BackupHead {
                shards: 5,
                ..head()
            },
            "shards",
        ),
        (
            BackupHead {
                time_zone: "Europe/Berlin".to_owned(),
                ..head()
            },
            "time zone",
        ),
        (head(), "not empty"),
    ];
    for (head, reason) in other {
        let refused = begin(&head).unwrap_err();
        assert!(
            matches!(&refused, LedgerError::NotRestored(text) if text.contains(reason)),
            "{refused}"
        );
    }
    are_equal(&store, &full);
    let empty = MemoryStore::new();
    let at =
        |number, part: &[u8]| block_on(ledger(&empty, &tight()).restore_part("a", number, part));
    assert!(at(0, &parts[0]).is_err(), "not begun");
    block_on(ledger(&empty, &tight()).begin_restore("a", &head(), false)).unwrap();
    assert!(at(1, &parts[1]).is_err(), "out of order");
    assert!(at(0, b"no part").is_err());
    let mut damaged = parts[0].clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(at(0, &damaged), Err(LedgerError::Corrupt { .. })));
    assert!(at(0, parts.last().unwrap()).is_err(), "the root is no part");
    at(0, &parts[0]).unwrap();
    // A part that comes again changes nothing.
    at(0, &parts[0]).unwrap();
    let end = block_on(ledger(&empty, &tight()).end_restore("a", 1, parts.last().unwrap()));
    assert!(
        end.unwrap_err().to_string().contains("values"),
        "incomplete"
    );
    assert_eq!(current(&empty, &small()).hits, 0);
}

#[test]
fn a_store_that_an_older_version_filled_is_backed_up_as_it_is() {
    for layout in 4..LAYOUT {
        let store = kept::store_of(&kept::file(&format!("{layout}.store")));
        if block_on(ledger(&store, &small()).open()).unwrap() == Opened::Upgrading {
            let upgraded = block_on(ledger(&store, &small()).upgrade()).unwrap();
            assert_eq!(upgraded, Upgraded::Done);
        }
        let k = snapshot(&store, &small()).unwrap().k;
        let restored = MemoryStore::new();
        restored.clock.wall_ms.set(store.clock.wall_ms.get());
        try_restore(&restored, &backup(&store, k, || ()), false).unwrap();
        are_equal(&store, &restored);
    }
}
