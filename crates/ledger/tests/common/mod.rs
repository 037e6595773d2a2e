//! A store and clocks in memory. A test may look into the store, make its next calls fail, and move time.
#![allow(dead_code, reason = "each test file uses its share")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wrong_self_convention
)]

pub mod steps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;

use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{
    BatchId, Cleaned, Clock, Folded, Ledger, LedgerError, Root, Store, StoreError,
};
use rollcall_tally::{Hit, IpState};

pub const NOW_MS: u64 = 1_800_000_000_000;

/// What becomes of a call that a test has struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing happened.
    Before,
    /// An error, though the call took effect.
    After,
}

#[derive(Default)]
pub struct MemoryStore {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// Calls so far.
    pub calls: Cell<u64>,
    /// The call to strike, counted like `calls`, and how.
    pub strike: Cell<Option<(u64, Fault)>>,
    /// Moves the clock within a call whose key starts so.
    pub slow: RefCell<Option<(&'static str, u64)>>,
    pub clock: MemoryClock,
}

#[derive(Default)]
pub struct MemoryClock {
    pub wall_ms: Cell<u64>,
    pub monotonic_ms: Cell<u64>,
    unique: Cell<u64>,
}

impl MemoryClock {
    pub fn pass(&self, ms: u64) {
        self.wall_ms.set(self.wall_ms.get() + ms);
        self.monotonic_ms.set(self.monotonic_ms.get() + ms);
    }
}

impl Clock for MemoryClock {
    fn wall_ms(&self) -> u64 {
        self.wall_ms.get()
    }
    fn monotonic_ms(&self) -> u64 {
        self.monotonic_ms.get()
    }
    async fn sleep_ms(&self, ms: u64) {
        self.pass(ms);
    }
    fn unique(&self) -> u64 {
        self.unique.set(self.unique.get() + 1);
        self.unique.get()
    }
}

impl MemoryStore {
    pub fn new() -> Self {
        let store = Self::default();
        store.clock.wall_ms.set(NOW_MS);
        store
    }

    fn call<T>(
        &self,
        call: &'static str,
        key: &str,
        effect: impl FnOnce() -> T,
    ) -> Result<T, StoreError> {
        self.calls.set(self.calls.get() + 1);
        if let Some((prefix, ms)) = *self.slow.borrow()
            && key.starts_with(prefix)
        {
            self.clock.pass(ms);
        }
        let error = StoreError {
            call,
            key: key.to_owned(),
            reason: "struck".to_owned(),
        };
        match self.strike.get() {
            Some((at, Fault::Before)) if at == self.calls.get() => Err(error),
            Some((at, Fault::After)) if at == self.calls.get() => {
                effect();
                Err(error)
            }
            _ => Ok(effect()),
        }
    }

    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let values = self.values.borrow();
        values
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }
}

impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        assert!(
            !self.counters.borrow().contains_key(key),
            "{key} is a counter"
        );
        self.call("get", key, || self.values.borrow().get(key).cloned())
    }
    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.call("exists", key, || self.values.borrow().contains_key(key))
    }
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        assert!(
            !self.counters.borrow().contains_key(key),
            "{key} is a counter"
        );
        self.call("set", key, || {
            self.values.borrow_mut().insert(key.to_owned(), value);
        })
    }
    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call("delete", key, || {
            self.values.borrow_mut().remove(key);
            self.counters.borrow_mut().remove(key);
        })
    }
    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        assert!(!self.values.borrow().contains_key(key), "{key} is a value");
        self.call("increment", key, || {
            let mut counters = self.counters.borrow_mut();
            let counter = counters.entry(key.to_owned()).or_default();
            *counter += delta;
            *counter as u64
        })
    }
}

pub fn ledger<'a>(store: &'a MemoryStore, limits: &Limits) -> Ledger<'a, MemoryStore, MemoryClock> {
    Ledger::new(store, &store.clock, limits.clone())
}

/// Few shards and small chunks, so that tests cross their edges.
pub fn small() -> Limits {
    Limits {
        shards: 4,
        chunk: 3,
        fold_segments: 5,
        ids_per_chunk: 4,
        ids_kept: 12,
        ..Limits::default()
    }
}

pub fn hit(ip: &str, path: &str, timestamp_ms: u64) -> Hit {
    Hit {
        ip: ip.parse().unwrap(),
        timestamp_ms,
        method: "GET".to_owned(),
        path: path.to_owned(),
        status: Some(200),
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
    }
}

pub fn append(
    store: &MemoryStore,
    limits: &Limits,
    id: Option<&str>,
    hits: Vec<Hit>,
) -> Result<u64, LedgerError> {
    block_on(ledger(store, limits).append(id.map(BatchId::of), hits))
}

pub fn fold(store: &MemoryStore, limits: &Limits) -> Result<Folded, LedgerError> {
    block_on(ledger(store, limits).fold())
}

pub fn snapshot(store: &MemoryStore, limits: &Limits) -> Result<Root, LedgerError> {
    let ledger = ledger(store, limits);
    let snapshot = block_on(ledger.snapshot(|idle| ledger.fold_here(idle)))?;
    assert_eq!(snapshot.behind, None);
    Ok(snapshot.root)
}

pub fn current(store: &MemoryStore, limits: &Limits) -> Root {
    let ledger = ledger(store, limits);
    let current: Result<_, LedgerError> = block_on(ledger.current(|idle| ledger.fold_here(idle)));
    current.unwrap().root
}

/// Cleans until nothing is due.
pub fn clean(store: &MemoryStore, limits: &Limits) {
    while block_on(ledger(store, limits).clean()).unwrap() == Cleaned::Some {}
}

/// Every IP's state, aged to now, as a query after everything sees it.
pub fn all(store: &MemoryStore, limits: &Limits) -> BTreeMap<IpAddr, IpState> {
    let root = snapshot(store, limits).unwrap();
    let ledger = ledger(store, limits);
    block_on(async {
        let listed = ledger.list(root.k, 0..limits.shards).await.unwrap();
        let wanted: Vec<(IpAddr, u64)> = listed.iter().map(|ip| (ip.ip, ip.version)).collect();
        let mut all: BTreeMap<IpAddr, IpState> = BTreeMap::new();
        let take = |ip, state: Result<_, _>| drop(all.insert(ip, state.unwrap()));
        ledger.states(&wanted, take).await.unwrap();
        for state in all.values_mut() {
            state.age(store.clock.wall_ms.get());
        }
        assert_eq!(root.ips, all.len() as u64);
        all
    })
}

pub fn hits_of(all: &BTreeMap<IpAddr, IpState>) -> u64 {
    all.values().map(IpState::hits).sum()
}
