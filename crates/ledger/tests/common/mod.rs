//! A store and clocks in memory. A test may look into the store, make its next calls fail, and move time.
#![allow(dead_code, unused_imports, reason = "each test file uses its share")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wrong_self_convention
)]

pub mod kept;
pub mod steps;
pub mod ways;

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{BatchId, Cleaned, Folded, Ledger, LedgerError, Root};
pub use rollcall_store::testing::{Fault, MemoryClock, MemoryStore, NOW_MS};
use rollcall_tally::{Hit, IpState};

pub fn ledger<'a>(store: &'a MemoryStore, limits: &Limits) -> Ledger<'a, MemoryStore, MemoryClock> {
    Ledger::new(store, &store.clock, limits.clone())
}

/// Few shards and small chunks, so that tests cross their edges.
pub fn small() -> Limits {
    Limits {
        shards: 4,
        chunk: 3,
        value_bytes: 600,
        plan_changes: 3,
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
        told: Default::default(),
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
    let snapshot = block_on(ledger.snapshot(None, |idle| ledger.fold_here(idle)))?;
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
            state.age(&ledger.ranges(store.clock.wall_ms.get()));
        }
        assert_eq!(root.ips, all.len() as u64);
        all
    })
}

pub fn hits_of(all: &BTreeMap<IpAddr, IpState>) -> u64 {
    all.values().map(IpState::hits).sum()
}
