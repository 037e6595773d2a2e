//! A store and clocks in memory. A test may look into the store, make its next calls fail, and move
//! time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::{Clock, Store, StoreError};

pub const NOW_MS: u64 = 1_800_000_000_000;

/// The effect of a call that fails because a test asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call returns an error and has no effect.
    Before,
    /// The call returns an error, but has its effect.
    After,
}

#[derive(Default)]
pub struct MemoryStore {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// The number of calls so far.
    pub calls: Cell<u64>,
    /// The number of the call that fails, counted like `calls`, and how it fails.
    pub strike: Cell<Option<(u64, Fault)>>,
    /// If a call's key starts with this text, the clock moves on by this many milliseconds.
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
