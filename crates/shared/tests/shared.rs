//! Kept answers and claims: shared while they are of use, and gone from the store afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use futures::executor::block_on;
use rollcall_shared::{Limits, Shared};
use rollcall_store::testing::{MemoryClock, MemoryStore, NOW_MS};
use rollcall_tally::{Count, Kept, Place};

const QUESTION: &str = "top-paths?limit=10";

fn shared<'a>(store: &'a MemoryStore, limits: &Limits) -> Shared<'a, MemoryStore, MemoryClock> {
    Shared::new(store, &store.clock, limits.clone())
}

fn place(question: &str) -> Place {
    Place::Answer(question.to_owned())
}

fn answer(question: &str, computed_at_ms: u64) -> Kept {
    Kept {
        place: place(question),
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
    let values = [
        store.keys("answer"),
        store.keys("claim"),
        store.keys("notifications"),
    ]
    .concat();
    values.into_iter().chain(counters).collect()
}

#[test]
fn a_kept_answer_is_found_unless_it_is_known() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    let found = block_on(shared.get(&place(QUESTION), 0)).unwrap();
    assert_eq!((found.kept, found.generation), (None, 0));
    block_on(shared.put(&answer(QUESTION, NOW_MS), 0)).unwrap();
    let found = block_on(shared.get(&place(QUESTION), NOW_MS - 1)).unwrap();
    assert_eq!(found.kept, Some(answer(QUESTION, NOW_MS)));
    let found = block_on(shared.get(&place(QUESTION), NOW_MS)).unwrap();
    assert_eq!((found.kept, found.generation), (None, NOW_MS));
}

#[test]
fn questions_that_share_a_slot_never_get_each_others_answer() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let limits = Limits { slots: 1, ..limits };
    let shared = shared(&store, &limits);
    block_on(shared.put(&answer("a", NOW_MS), 0)).unwrap();
    let found = block_on(shared.get(&place("b"), 0)).unwrap();
    assert_eq!((found.kept, found.generation), (None, NOW_MS));
    assert!(block_on(shared.claim(&place("b"), NOW_MS)).unwrap());
    block_on(shared.put(&answer("b", NOW_MS + 1), NOW_MS)).unwrap();
    assert_eq!(block_on(shared.get(&place("a"), 0)).unwrap().kept, None);
}

#[test]
fn of_many_that_claim_a_generation_one_computes() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    for generation in [0, NOW_MS, NOW_MS + 1] {
        let claims = (0..20).map(|_| block_on(shared.claim(&place(QUESTION), generation)).unwrap());
        assert_eq!(claims.filter(|won| *won).count(), 1);
        assert!(
            block_on(shared.get(&place(QUESTION), 0))
                .unwrap()
                .is_claimed
        );
        let next = NOW_MS.max(generation + 1);
        block_on(shared.put(&answer(QUESTION, next), generation)).unwrap();
        assert!(
            !block_on(shared.get(&place(QUESTION), 0))
                .unwrap()
                .is_claimed
        );
        // Late: it found before, and claims only now.
        assert!(!block_on(shared.claim(&place(QUESTION), generation)).unwrap());
    }
    assert_eq!(left(&store).len(), 1, "only the answer: {:?}", left(&store));
}

#[test]
fn a_claim_lapses_unless_it_is_renewed() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    let is_claimed = || {
        block_on(shared.get(&place(QUESTION), 0))
            .unwrap()
            .is_claimed
    };
    assert!(block_on(shared.claim(&place(QUESTION), 0)).unwrap());
    store.clock.pass(limits.claim_ms - 1);
    assert!(is_claimed());
    block_on(shared.renew_claim(&place(QUESTION))).unwrap();
    store.clock.pass(limits.claim_ms - 1);
    assert!(is_claimed());
    store.clock.pass(1);
    assert!(!is_claimed());
    // Whoever computes without a claim puts it right for those who come later.
    assert!(!block_on(shared.claim(&place(QUESTION), 0)).unwrap());
    block_on(shared.put(&answer(QUESTION, NOW_MS), 0)).unwrap();
    assert!(block_on(shared.claim(&place(QUESTION), NOW_MS)).unwrap());
}

#[test]
fn an_expired_answer_is_not_given_and_leaves_the_store() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    block_on(shared.put(&answer(QUESTION, NOW_MS), 0)).unwrap();
    block_on(shared.put(&answer("never asked again", NOW_MS), 0)).unwrap();
    store.clock.pass(limits.kept_ms);
    assert!(
        block_on(shared.get(&place(QUESTION), 0))
            .unwrap()
            .kept
            .is_some()
    );
    store.clock.pass(1);
    let found = block_on(shared.get(&place(QUESTION), 0)).unwrap();
    assert_eq!((found.kept, found.generation), (None, 0));
    assert_eq!(left(&store).len(), 1);
    // Keeping others is enough to get rid of it, in the end.
    for at in 1..1_000 {
        let now = NOW_MS + limits.kept_ms + at;
        block_on(shared.put(&answer(QUESTION, now), 0)).unwrap();
    }
    assert_eq!(left(&store).len(), 1, "{:?}", left(&store));
    block_on(shared.put(&answer("another", NOW_MS), 0)).unwrap();
    block_on(shared.sweep()).unwrap();
    assert_eq!(left(&store).len(), 1, "{:?}", left(&store));
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error_and_is_swept_away() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    block_on(shared.put(&answer(QUESTION, NOW_MS), 0)).unwrap();
    let key = left(&store).remove(0);
    store.values.borrow_mut().insert(key.clone(), vec![9]);
    let error = block_on(shared.get(&place(QUESTION), 0)).unwrap_err();
    assert!(error.to_string().contains(&key), "{error}");
    block_on(shared.sweep()).unwrap();
    assert_eq!(
        block_on(shared.get(&place(QUESTION), 0)).unwrap().kept,
        None
    );
}

#[test]
fn every_answer_and_the_last_check_are_forgotten_at_once() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    for n in 0..4 * limits.slots {
        block_on(shared.put(&answer(&format!("question {n}"), NOW_MS), 0)).unwrap();
    }
    for place in [Place::LastCheck, Place::Notifications] {
        let kept = Kept {
            place,
            ..answer("", NOW_MS)
        };
        block_on(shared.put(&kept, 0)).unwrap();
    }
    assert!(store.keys("answer").len() > 200 && store.keys("last-check").len() == 1);
    block_on(shared.forget()).unwrap();
    assert_eq!(left(&store), ["notifications"]);
    assert_eq!(store.keys("last-check"), Vec::<String>::new());
}

#[test]
fn the_notifications_stay_and_are_claimed_like_an_answer() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    let place = Place::Notifications;
    let notifications = Kept {
        place: place.clone(),
        ..answer("", NOW_MS)
    };
    assert!(block_on(shared.claim(&place, 0)).unwrap());
    assert!(!block_on(shared.claim(&place, 0)).unwrap());
    block_on(shared.put(&notifications, 0)).unwrap();
    store.clock.pass(10 * limits.kept_ms);
    // No question gets their place, whatever it says.
    for n in 0..10 * limits.slots {
        let other = answer(&format!("question {n}"), NOW_MS);
        block_on(shared.put(&other, 0)).unwrap();
    }
    block_on(shared.put(&answer("notifications", NOW_MS), 0)).unwrap();
    block_on(shared.sweep()).unwrap();
    let found = block_on(shared.get(&place, 0)).unwrap();
    assert_eq!(found.kept, Some(notifications));
    assert_eq!((found.generation, found.is_claimed), (NOW_MS, false));
    assert_eq!(left(&store), ["notifications"]);
}

#[test]
fn counters_add_up_over_all_who_count() {
    let (store, limits) = (MemoryStore::new(), Limits::default());
    let shared = shared(&store, &limits);
    let count = |name: &str, times| Count {
        name: name.to_owned(),
        times,
    };
    block_on(shared.count(&[count("hits", 2), count("misses", 1)])).unwrap();
    let totals = block_on(shared.count(&[count("hits", 3), count("misses", 0)])).unwrap();
    assert_eq!(totals, [count("hits", 5), count("misses", 1)]);
}
