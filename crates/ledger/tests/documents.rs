//! Documents: a change is as durable as a hit, the last one counts, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::steps::{changer, folder};
use crate::common::*;
use futures::executor::block_on;
use rollcall_ledger::LedgerError;
use rollcall_ledger::limits::Limits;

fn change(store: &MemoryStore, limits: &Limits, name: &str, text: Option<&str>) {
    let text = text.map(str::to_owned);
    block_on(ledger(store, limits).change_document(name, text)).unwrap();
}

/// The documents as a question sees them.
fn documents(store: &MemoryStore, limits: &Limits) -> Vec<(String, String)> {
    let root = snapshot(store, limits).unwrap();
    let all = block_on(ledger(store, limits).documents(&root)).unwrap();
    all.into_iter().map(|of| (of.name, of.text)).collect()
}

fn is(store: &MemoryStore, limits: &Limits, expect: &[(&str, &str)]) {
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let expect: Vec<_> = expect.iter().map(own).collect();
    assert_eq!(documents(store, limits), expect);
}

/// Folds a hit and cleans, when nobody needs the replaced values any more.
fn clean_later(store: &MemoryStore, limits: &Limits) {
    store
        .clock
        .pass(limits.keep_replaced_ms + limits.clean_after_ms);
    append(store, limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    fold(store, limits).unwrap();
    clean(store, limits);
}

/// The versions of the documents in the store.
fn versions(store: &MemoryStore) -> usize {
    store.keys("documents:").len()
}

#[test]
fn the_last_change_of_a_document_counts_in_every_later_answer() {
    let (store, limits) = (MemoryStore::new(), small());
    is(&store, &limits, &[]);
    change(&store, &limits, "labels/b", Some("1"));
    is(&store, &limits, &[("labels/b", "1")]);
    change(&store, &limits, "labels/b", Some("2"));
    change(&store, &limits, "labels/a", Some("3"));
    append(&store, &limits, None, vec![hit("192.0.2.1", "/a", NOW_MS)]).unwrap();
    is(&store, &limits, &[("labels/a", "3"), ("labels/b", "2")]);
    change(&store, &limits, "labels/b", None);
    is(&store, &limits, &[("labels/a", "3")]);
    assert_eq!(current(&store, &limits).hits, 1);
}

#[test]
fn a_change_that_comes_late_does_not_undo_a_newer_one() {
    for newer in [Some("new"), None] {
        let (store, limits) = (MemoryStore::new(), small());
        let late = changer(&store, &limits, "views/a", Some("old".to_owned()));
        // It has its number, and is not written.
        let late = late.up_to("set log:");
        change(&store, &limits, "views/a", newer);
        fold(&store, &limits).unwrap();
        late.to_the_end().unwrap();
        let expect: Vec<_> = newer.map(|text| ("views/a", text)).into_iter().collect();
        is(&store, &limits, &expect);
    }
}

#[test]
fn a_fold_that_dies_loses_no_document_and_no_version_is_left_behind() {
    for dies_before in ["set plan:", "set documents:", "set root:", "set head"] {
        let (store, limits) = (MemoryStore::new(), small());
        change(&store, &limits, "notes/a", Some("1"));
        fold(&store, &limits).unwrap();
        change(&store, &limits, "notes/a", Some("2"));
        folder(&store, &limits).up_to(dies_before).crash();
        store.clock.pass(limits.lease_max_ms);
        is(&store, &limits, &[("notes/a", "2")]);
        for _ in 0..4 {
            clean_later(&store, &limits);
        }
        assert_eq!(versions(&store), 1, "{dies_before}");
        is(&store, &limits, &[("notes/a", "2")]);
    }
}

#[test]
fn a_deleted_document_is_forgotten_after_a_while() {
    let (store, limits) = (MemoryStore::new(), small());
    change(&store, &limits, "rules/a", Some("1"));
    change(&store, &limits, "rules/a", None);
    fold(&store, &limits).unwrap();
    let bytes = |store: &MemoryStore| {
        let keys = store.keys("documents:");
        let values = store.values.borrow();
        keys.iter().map(|key| values[key].len()).max().unwrap()
    };
    let before = bytes(&store);
    store.clock.pass(limits.erased_kept_ms + 1);
    change(&store, &limits, "rules/b", None);
    fold(&store, &limits).unwrap();
    clean_later(&store, &limits);
    assert_eq!(bytes(&store), before, "b is in the place of a");
}

#[test]
fn documents_have_at_most_so_many_bytes_in_all() {
    let (store, limits) = (MemoryStore::new(), small());
    let limits = Limits {
        document_bytes: 100,
        ..limits
    };
    let of = |count: usize| Some("x".repeat(count));
    let refused = |name: &str, count: usize| {
        let changed = block_on(ledger(&store, &limits).change_document(name, of(count)));
        matches!(changed, Err(LedgerError::TooManyDocuments))
    };
    assert!(!refused("views/a", 43));
    fold(&store, &limits).unwrap();
    assert!(refused("views/b", 44));
    assert!(!refused("views/b", 43));
    fold(&store, &limits).unwrap();
    assert!(refused("views/c", 1));
    change(&store, &limits, "views/a", None);
    fold(&store, &limits).unwrap();
    assert!(!refused("views/c", 1));
}
