//! The rate of a token: exact at its edge, over all instances, and open again afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use futures::executor::block_on;
use rollcall_shared::{Limits, Rate, Shared, Window};
use rollcall_store::testing::{Fault, MemoryStore};

/// An instance, which remembers the window.
struct Instance<'a> {
    store: &'a MemoryStore,
    known: Option<Window>,
}

impl<'a> Instance<'a> {
    fn new(store: &'a MemoryStore) -> Self {
        Self { store, known: None }
    }

    /// The milliseconds to wait. None: the hits are let in.
    fn send(&mut self, rate: &str, hits: u64) -> Option<u64> {
        self.send_as(1, rate, hits)
    }

    fn send_as(&mut self, token: usize, rate: &str, hits: u64) -> Option<u64> {
        let shared = Shared::new(self.store, &self.store.clock, Limits::default());
        let rate: Rate = rate.parse().unwrap();
        block_on(shared.let_in(rate, token, hits, &mut self.known)).unwrap()
    }
}

/// Every key of the store that is about rates.
fn keys(store: &MemoryStore) -> Vec<String> {
    let counters = store.counters.borrow();
    let all = store.keys("").into_iter().chain(counters.keys().cloned());
    all.filter(|key| key.starts_with("rate")).collect()
}

#[test]
fn a_rate_is_hits_a_second_and_a_burst() {
    for good in [
        "1",
        "1000",
        "1000/1000",
        "1000/3600000",
        " 10 / 50 ",
        "1000000000",
    ] {
        assert!(good.parse::<Rate>().is_ok(), "{good}");
    }
    assert_eq!("7".parse::<Rate>(), "7/70".parse());
    for bad in [
        "",
        "0",
        "-1",
        "1.5",
        "many",
        "1000/",
        "/5",
        "1000/999",
        "1000/3600001",
        "10/20/30",
        "1000000001",
        "99999999999999999999",
    ] {
        assert!(bad.parse::<Rate>().is_err(), "{bad}");
    }
}

#[test]
fn as_many_hits_as_the_burst_are_let_in_and_no_more_until_the_window_is_over() {
    let store = MemoryStore::new();
    let mut instance = Instance::new(&store);
    for _ in 0..50 {
        assert_eq!(instance.send("10/50", 1), None);
    }
    assert_eq!(instance.send("10/50", 1), Some(5_000));
    // Ten times as many change nothing.
    for _ in 0..500 {
        assert!(instance.send("10/50", 1).is_some());
    }
    store.clock.pass(4_999);
    assert_eq!(instance.send("10/50", 1), Some(1));
    store.clock.pass(1);
    for _ in 0..50 {
        assert_eq!(instance.send("10/50", 1), None);
    }
    assert_eq!(instance.send("10/50", 1), Some(5_000));
}

#[test]
fn a_request_with_more_hits_than_the_burst_is_let_in_and_paid_for() {
    let store = MemoryStore::new();
    let mut instance = Instance::new(&store);
    assert_eq!(instance.send("10/50", 49), None);
    assert_eq!(instance.send("10/50", 1_001), None);
    // 1,050 hits take 105 seconds at this rate.
    assert_eq!(instance.send("10/50", 1), Some(105_000));
    store.clock.pass(104_999);
    assert_eq!(instance.send("10/50", 1), Some(1));
    store.clock.pass(1);
    assert_eq!(instance.send("10/50", 1), None);
}

#[test]
fn the_rate_is_over_all_instances_and_of_each_token() {
    let store = MemoryStore::new();
    let mut let_in = 0;
    // As on Spin: no instance lives for long.
    for _ in 0..30 {
        let mut instance = Instance::new(&store);
        for _ in 0..10 {
            let_in += u64::from(instance.send("10/50", 1).is_none());
        }
    }
    assert_eq!(let_in, 50);
    let mut another = Instance::new(&store);
    assert_eq!(another.send_as(2, "10/50", 50), None);
    assert_eq!(another.send_as(2, "10/50", 1), Some(5_000));
}

#[test]
fn an_instance_that_knew_the_old_end_waits_for_the_new_one() {
    let store = MemoryStore::new();
    let (mut one, mut two) = (Instance::new(&store), Instance::new(&store));
    assert_eq!(two.send("10/50", 1), None);
    assert_eq!(one.send("10/50", 149), None);
    assert_eq!(two.send("10/50", 1), Some(15_000));
    store.clock.pass(6_000);
    assert_eq!(two.send("10/50", 1), Some(9_000));
    assert_eq!(Instance::new(&store).send("10/50", 1), Some(9_000));
}

#[test]
fn a_token_has_two_keys_however_long_it_sends() {
    let store = MemoryStore::new();
    for _ in 0..100 {
        let mut instance = Instance::new(&store);
        for _ in 0..7 {
            instance.send("10/50", 10);
        }
        store.clock.pass(60_000);
    }
    assert_eq!(keys(&store), ["rate:1", "rate-hits:1"]);
}

#[test]
fn a_request_costs_one_call_and_one_that_is_known_to_be_too_many_costs_none() {
    let store = MemoryStore::new();
    let mut instance = Instance::new(&store);
    instance.send("10/50", 1);
    let before = store.calls.get();
    instance.send("10/50", 1);
    assert_eq!(store.calls.get() - before, 1);
    instance.send("10/50", 48);
    let before = store.calls.get();
    assert!(instance.send("10/50", 1).is_some());
    assert_eq!(store.calls.get(), before);
}

#[test]
fn a_failing_store_is_an_error_and_a_mistaken_end_does_not_count() {
    let store = MemoryStore::new();
    let shared = Shared::new(&store, &store.clock, Limits::default());
    let rate: Rate = "10/50".parse().unwrap();
    store.strike.set(Some((1, Fault::Before)));
    assert!(block_on(shared.let_in(rate, 1, 1, &mut None)).is_err());
    // Full for 10,005 seconds. Then the operator raises the rate.
    let mut instance = Instance::new(&store);
    assert_eq!(instance.send("10/50", 100_049), None);
    assert_eq!(instance.send("10/50", 1), Some(10_004_900));
    assert_eq!(instance.send("1000/5000", 1), None);
    // A damaged end.
    let damaged = b"\xff damaged".to_vec();
    store
        .values
        .borrow_mut()
        .insert("rate:1".to_owned(), damaged);
    assert_eq!(Instance::new(&store).send("10/50", 50), None);
    assert_eq!(Instance::new(&store).send("10/50", 1), Some(5_000));
}
