//! A store that an older version filled is brought up, whatever dies meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Fault, MemoryStore, all, append, clean, fold, hit, ledger, small};
use futures::executor::block_on;
use rollcall_ledger::{LedgerError, Opened, Upgraded};
use rollcall_store::LAYOUT;
use rollcall_tally::{Filter, Window};

/// A store as a version with this layout left it: folds, one that died, one that was not told of, a hole, and what waits.
fn left_by(layout: u8) -> MemoryStore {
    let store = MemoryStore::new();
    for line in file(&format!("{layout}.store")).lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["clock", ms] => store.clock.wall_ms.set(ms.parse().unwrap()),
            ["counter", key, count] => {
                let mut counters = store.counters.borrow_mut();
                counters.insert(key.to_owned(), count.parse().unwrap());
            }
            ["value", key, hex] => {
                let bytes = (0..hex.len()).step_by(2);
                let bytes = bytes.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
                let mut values = store.values.borrow_mut();
                values.insert(key.to_owned(), bytes.collect());
            }
            _ => panic!("{line}"),
        }
    }
    store
}

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The rows of an export of everything, a line each.
fn rows(store: &MemoryStore) -> String {
    let mut rows = String::new();
    for (ip, state) in all(store, &small()) {
        let now_ms = store.clock.wall_ms.get();
        for row in state.rows(&ip.to_string(), Window::All, now_ms, &Filter::default()) {
            rows += &serde_json::to_string(&row).unwrap();
            rows.push('\n');
        }
    }
    rows
}

fn open(store: &MemoryStore) -> Result<Opened, LedgerError> {
    block_on(ledger(store, &small()).open())
}

/// Opens a store, and has it brought up if it must be.
fn bring_up(store: &MemoryStore) -> Result<(), LedgerError> {
    let limits = small();
    if open(store)? == Opened::Upgrading {
        let upgraded = block_on(ledger(store, &limits).upgrade())?;
        assert_eq!(upgraded, Upgraded::Done);
    }
    Ok(())
}

#[test]
fn a_store_of_layout_3_gives_the_same_answers_after_it_was_brought_up() {
    let store = left_by(3);
    assert_eq!(open(&store).unwrap(), Opened::Upgrading);
    bring_up(&store).unwrap();
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("3.rows"));
    // Nothing of the older layout is left in the end.
    let limits = small();
    for _ in 0..2 {
        store
            .clock
            .pass(limits.keep_replaced_ms + limits.clean_after_ms);
        append(
            &store,
            &limits,
            None,
            vec![hit("192.0.2.1", "/", 1_800_000_000_000)],
        )
        .unwrap();
        fold(&store, &limits).unwrap();
        clean(&store, &limits);
    }
    let values = store.values.borrow();
    // Answers are not the ledger's.
    let values = values.iter().filter(|(key, _)| !key.starts_with("answer:"));
    for (key, value) in values {
        assert_eq!(value[0], LAYOUT, "{key}");
    }
    assert_eq!(store.keys("root:").len(), 2, "{:?}", store.keys("root:"));
}

#[test]
fn an_upgrade_that_dies_at_any_call_is_taken_again() {
    let calls = {
        let store = left_by(3);
        bring_up(&store).unwrap();
        store.calls.get()
    };
    assert!(calls > 50, "{calls}");
    for fault in [Fault::Before, Fault::After] {
        for dies_at in 1..=calls {
            let store = left_by(3);
            store.strike.set(Some((dies_at, fault)));
            assert!(bring_up(&store).is_err(), "call {dies_at}");
            store.strike.set(None);
            // Whoever died may still hold the lease.
            store.clock.pass(small().lease_max_ms);
            bring_up(&store).unwrap();
            let rows = rows(&store);
            assert!(rows == file("3.rows"), "call {dies_at}, {fault:?}: {rows}");
        }
    }
}

#[test]
fn one_brings_a_store_up_while_the_others_wait() {
    let (store, limits) = (left_by(3), small());
    open(&store).unwrap();
    // Somebody has the lease, and dies.
    let lease = (1u64, store.clock.wall_ms.get() + limits.lease_max_ms);
    let lease = rollcall_store::value::encode("lease", &lease).unwrap();
    store.values.borrow_mut().insert("lease".to_owned(), lease);
    let other = block_on(ledger(&store, &limits).upgrade()).unwrap();
    assert_eq!(other, Upgraded::Busy);
    store.clock.pass(limits.lease_max_ms);
    let other = block_on(ledger(&store, &limits).upgrade()).unwrap();
    assert_eq!(other, Upgraded::Done);
}

#[test]
fn what_is_appended_during_an_upgrade_is_counted() {
    let (store, limits) = (left_by(3), small());
    open(&store).unwrap();
    append(
        &store,
        &limits,
        None,
        vec![hit("203.0.113.77", "/new", 1_800_000_000_000)],
    )
    .unwrap();
    bring_up(&store).unwrap();
    let rows = rows(&store);
    let (new, old): (Vec<&str>, Vec<&str>) = rows.lines().partition(|row| row.contains("/new"));
    assert_eq!(new.len(), 1);
    assert_eq!(old, file("3.rows").lines().collect::<Vec<_>>());
}

#[test]
fn a_value_that_an_older_version_writes_later_is_named_and_brought_up() {
    let (store, limits) = (left_by(3), small());
    let late = store.values.borrow()["log:16"].clone();
    bring_up(&store).unwrap();
    rows(&store);
    let n = append(
        &store,
        &limits,
        None,
        vec![hit("203.0.113.7", "/", 1_800_000_000_000)],
    )
    .unwrap();
    let key = format!("log:{n}");
    store.values.borrow_mut().insert(key.clone(), late);
    let error = fold(&store, &limits).unwrap_err();
    assert!(
        matches!(&error, LedgerError::OtherLayout { key: named, layout: 3 } if *named == key),
        "{error}"
    );
    store.clock.pass(limits.lease_max_ms);
    block_on(ledger(&store, &limits).open_again()).unwrap();
    bring_up(&store).unwrap();
    // The same batch came again under another number: it counts once.
    assert_eq!(rows(&store), file("3.rows"));
}

#[test]
fn a_state_of_another_layout_is_never_begun_anew() {
    let (store, limits) = (left_by(3), small());
    let old = store.values.borrow()["ip:192.0.2.1:5"].clone();
    bring_up(&store).unwrap();
    store
        .values
        .borrow_mut()
        .insert("ip:192.0.2.1:5".to_owned(), old);
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.1", "/", 1_800_000_000_000)],
    )
    .unwrap();
    store.clock.pass(limits.lease_max_ms);
    let error = fold(&store, &limits).unwrap_err();
    assert!(
        matches!(&error, LedgerError::OtherLayout { key, layout: 3 } if key == "ip:192.0.2.1:5"),
        "{error}"
    );
}

#[test]
fn a_store_of_layout_2_or_of_a_newer_one_is_refused_and_left_as_it_is() {
    // Layout 2 and version byte 1, 4 shards.
    let newer = {
        let mut value = rollcall_store::value::encode("meta", &(4u32, None::<u8>)).unwrap();
        value[0] = LAYOUT + 1;
        let sum = crc32c::crc32c_append(crc32c::crc32c(b"meta"), &value[..1]);
        let sum = crc32c::crc32c_append(sum, &value[5..]);
        value[1..5].copy_from_slice(&sum.to_le_bytes());
        value
    };
    for (layout, meta) in [(2, vec![1, 2, 4]), (LAYOUT + 1, newer)] {
        let store = MemoryStore::new();
        store
            .values
            .borrow_mut()
            .insert("meta".to_owned(), meta.clone());
        let error = open(&store).unwrap_err();
        assert!(matches!(&error, LedgerError::OtherStore(_)), "{error}");
        let told = error.to_string();
        assert!(told.contains(&format!("layout {layout}")), "{told}");
        assert_eq!(store.values.borrow()["meta"], meta);
    }
}
