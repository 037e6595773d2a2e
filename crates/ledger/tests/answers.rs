//! Kept answers and claims: shared while they are of use, and gone from the store afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{MemoryStore, NOW_MS, small};
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_tally::alert::BOOK;
use rollcall_tally::{Count, KeptAnswer};

const QUESTION: &str = "top-paths?limit=10";

fn answer(question: &str, computed_at_ms: u64) -> KeptAnswer {
    KeptAnswer {
        question: question.to_owned(),
        body: format!("{question} at {computed_at_ms}").into_bytes(),
        computed_at_ms,
        ttl_ms: 60_000,
    }
}

/// Keys of answers and claims, whether values or counters.
fn left(store: &MemoryStore) -> Vec<String> {
    let counters = store.counters.borrow();
    let counters = counters
        .keys()
        .filter(|key| key.starts_with("claim"))
        .cloned();
    let values = [store.keys("answer"), store.keys("claim")].concat();
    values.into_iter().chain(counters).collect()
}

#[test]
fn a_kept_answer_is_recalled_unless_it_is_known() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    let recalled = block_on(ledger.recall(QUESTION, 0)).unwrap();
    assert_eq!((recalled.answer, recalled.generation), (None, 0));
    block_on(ledger.keep(&answer(QUESTION, NOW_MS), 0)).unwrap();
    let recalled = block_on(ledger.recall(QUESTION, NOW_MS - 1)).unwrap();
    assert_eq!(recalled.answer, Some(answer(QUESTION, NOW_MS)));
    let recalled = block_on(ledger.recall(QUESTION, NOW_MS)).unwrap();
    assert_eq!((recalled.answer, recalled.generation), (None, NOW_MS));
}

#[test]
fn questions_that_share_a_slot_never_get_each_others_answer() {
    let (store, limits) = (MemoryStore::new(), small());
    let limits = Limits {
        answer_slots: 1,
        ..limits
    };
    let ledger = common::ledger(&store, &limits);
    block_on(ledger.keep(&answer("a", NOW_MS), 0)).unwrap();
    let recalled = block_on(ledger.recall("b", 0)).unwrap();
    assert_eq!((recalled.answer, recalled.generation), (None, NOW_MS));
    assert!(block_on(ledger.claim("b", NOW_MS)).unwrap());
    block_on(ledger.keep(&answer("b", NOW_MS + 1), NOW_MS)).unwrap();
    assert_eq!(block_on(ledger.recall("a", 0)).unwrap().answer, None);
}

#[test]
fn of_many_that_claim_a_generation_one_computes() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    for generation in [0, NOW_MS, NOW_MS + 1] {
        let claims = (0..20).map(|_| block_on(ledger.claim(QUESTION, generation)).unwrap());
        assert_eq!(claims.filter(|won| *won).count(), 1);
        assert!(block_on(ledger.recall(QUESTION, 0)).unwrap().is_claimed);
        let next = NOW_MS.max(generation + 1);
        block_on(ledger.keep(&answer(QUESTION, next), generation)).unwrap();
        assert!(!block_on(ledger.recall(QUESTION, 0)).unwrap().is_claimed);
        // Late: it recalled before, and claims only now.
        assert!(!block_on(ledger.claim(QUESTION, generation)).unwrap());
    }
    assert_eq!(left(&store).len(), 1, "only the answer: {:?}", left(&store));
}

#[test]
fn a_claim_lapses_unless_it_is_renewed() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    let is_claimed = || block_on(ledger.recall(QUESTION, 0)).unwrap().is_claimed;
    assert!(block_on(ledger.claim(QUESTION, 0)).unwrap());
    store.clock.pass(limits.lease_ms - 1);
    assert!(is_claimed());
    block_on(ledger.renew_claim(QUESTION)).unwrap();
    store.clock.pass(limits.lease_ms - 1);
    assert!(is_claimed());
    store.clock.pass(1);
    assert!(!is_claimed());
    // Whoever computes without a claim puts it right for those who come later.
    assert!(!block_on(ledger.claim(QUESTION, 0)).unwrap());
    block_on(ledger.keep(&answer(QUESTION, NOW_MS), 0)).unwrap();
    assert!(block_on(ledger.claim(QUESTION, NOW_MS)).unwrap());
}

#[test]
fn an_expired_answer_is_not_given_and_leaves_the_store() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    block_on(ledger.keep(&answer(QUESTION, NOW_MS), 0)).unwrap();
    block_on(ledger.keep(&answer("never asked again", NOW_MS), 0)).unwrap();
    store.clock.pass(limits.answers_kept_ms);
    assert!(
        block_on(ledger.recall(QUESTION, 0))
            .unwrap()
            .answer
            .is_some()
    );
    store.clock.pass(1);
    let recalled = block_on(ledger.recall(QUESTION, 0)).unwrap();
    assert_eq!((recalled.answer, recalled.generation), (None, 0));
    assert_eq!(left(&store).len(), 1);
    // Keeping others is enough to get rid of it, in the end.
    for at in 1..1_000 {
        let now = NOW_MS + limits.answers_kept_ms + at;
        block_on(ledger.keep(&answer(QUESTION, now), 0)).unwrap();
    }
    assert_eq!(left(&store).len(), 1, "{:?}", left(&store));
    block_on(ledger.keep(&answer("another", NOW_MS), 0)).unwrap();
    block_on(ledger.sweep_all()).unwrap();
    assert_eq!(left(&store).len(), 1, "{:?}", left(&store));
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error_and_is_swept_away() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    block_on(ledger.keep(&answer(QUESTION, NOW_MS), 0)).unwrap();
    let key = left(&store).remove(0);
    store.values.borrow_mut().insert(key.clone(), vec![9]);
    let error = block_on(ledger.recall(QUESTION, 0)).unwrap_err();
    assert!(error.to_string().contains(&key), "{error}");
    block_on(ledger.sweep_all()).unwrap();
    assert_eq!(block_on(ledger.recall(QUESTION, 0)).unwrap().answer, None);
}

#[test]
fn what_was_told_of_the_alerts_stays_and_is_claimed_like_an_answer() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    assert!(block_on(ledger.claim(BOOK, 0)).unwrap());
    assert!(!block_on(ledger.claim(BOOK, 0)).unwrap());
    block_on(ledger.keep(&answer(BOOK, NOW_MS), 0)).unwrap();
    store.clock.pass(10 * limits.answers_kept_ms);
    for n in 0..10 * limits.answer_slots {
        let other = answer(&format!("question {n}"), NOW_MS);
        block_on(ledger.keep(&other, 0)).unwrap();
    }
    block_on(ledger.sweep_all()).unwrap();
    let recalled = block_on(ledger.recall(BOOK, 0)).unwrap();
    assert_eq!(recalled.answer, Some(answer(BOOK, NOW_MS)));
    assert_eq!(
        (recalled.generation, recalled.is_claimed),
        (NOW_MS, false),
        "no answer ends its claims"
    );
    assert_eq!(left(&store).len(), 1, "{:?}", left(&store));
}

#[test]
fn counters_add_up_over_all_who_count() {
    let (store, limits) = (MemoryStore::new(), small());
    let ledger = common::ledger(&store, &limits);
    let count = |name: &str, times| Count {
        name: name.to_owned(),
        times,
    };
    block_on(ledger.count(&[count("hits", 2), count("misses", 1)])).unwrap();
    let totals = block_on(ledger.count(&[count("hits", 3), count("misses", 0)])).unwrap();
    assert_eq!(totals, [count("hits", 5), count("misses", 1)]);
}
