//! Runs the ledger under faults.
//!
//! A history is made from a seed. Clients, writers, folders and readers run the ledger's own code
//! on a simulated store and simulated clocks.
//!
//! - At any store call, an actor may stall or crash, alone or with its node.
//! - A call may fail before it takes effect, or after. It may take effect up to 40 s later.
//! - The clocks of the nodes differ. Clients send batches again.
//!
//! Then the faults end, the store heals, and the judge checks these rules.
//!
//! - Every acknowledged hit counts once. Every other hit counts at most once.
//! - Each answer holds every hit that was acknowledged before the question, or says that it is
//!   behind.
//! - A status counts at least as many hits as the status before it.
//! - Nothing is stuck, and no key is left behind.
//!
//! In some histories the store stays slow, states are large, and folders are ended again and again.
//! The same rules apply there. Everything must come to rest within a bounded number of folds.
//!
//! `mutants` holds copies of the ledger, which build.rs makes. Each copy lacks one safeguard. Every
//! copy must fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulator that cannot go on stops"
)]

mod actors;
mod call;
mod driver;
pub mod faults;
pub mod history;
mod judge;
mod limits;
pub mod mutations;
pub mod protocol;
pub mod record;
mod scene;
mod store;
mod wall_clock;
mod workload;
mod world;

/// One ledger under test: the real one, or a mutant.
#[derive(Clone, Copy)]
pub struct Subject {
    pub name: &'static str,
    /// Runs the history of a seed.
    pub run: fn(seed: u64, trace: bool) -> history::Outcome,
}

/// The ledger itself.
pub const REAL: Subject = Subject {
    name: "the ledger",
    run: real::run,
};

/// Implements the protocol for one ledger. Each ledger needs a module of its own for this.
#[doc(hidden)]
#[macro_export]
macro_rules! subject {
    ($ledger:path) => {
        use $ledger as ledger;

        /// The protocol as actors call it.
        pub struct Protocol;

        impl $crate::protocol::Protocol for Protocol {
            async fn append(
                store: &$crate::store::SimStore,
                clock: &$crate::store::SimClock,
                batches: Vec<(Option<String>, Vec<rollcall_tally::Hit>)>,
            ) -> bool {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                let batches = batches.into_iter().map(|(id, hits)| ledger::NewBatch {
                    id: id.as_deref().map(ledger::BatchId::of),
                    hits,
                    repaired: Default::default(),
                });
                let batches: Vec<_> = batches.collect();
                ledger.append_all(&batches).await.is_ok()
            }

            async fn fold(store: &$crate::store::SimStore, clock: &$crate::store::SimClock) {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                // The fold may fail. Nothing may depend on it.
                let _ = ledger.fold().await;
                let _ = ledger.clean().await;
            }

            async fn status(
                store: &$crate::store::SimStore,
                clock: &$crate::store::SimClock,
            ) -> Option<u64> {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                let current = ledger.current(|idle| ledger.fold_here(idle)).await.ok()?;
                Some(current.root.traffic.total.count)
            }

            async fn read(
                store: &$crate::store::SimStore,
                clock: &$crate::store::SimClock,
            ) -> Option<$crate::record::Answer> {
                let limits = clock.tight.limits();
                let shards = limits.shards;
                let ledger = ledger::Ledger::new(store, clock, limits);
                let snapshot = ledger
                    .snapshot(None, |idle| ledger.fold_here(idle))
                    .await
                    .ok()?;
                let root = snapshot.root;
                let listed = ledger.list(root.k, 0..shards).await.ok()?;
                let wanted: Vec<_> = listed
                    .iter()
                    .map(|listed| (listed.ip, listed.version))
                    .collect();
                let mut states = Vec::new();
                let take = |_, state| states.push(state);
                ledger.states(&wanted, take).await.ok()?;
                let states: Vec<_> = states.into_iter().collect::<Result<_, _>>().ok()?;
                let slice = $crate::record::everything(root.k, clock, root.aged_ms);
                let sums = ledger.sums(&slice, 0).await.ok()?;
                let heaviest = ledger.heaviest(root.k, slice.window, slice.as_of_ms, 1);
                let heaviest = heaviest.await.ok()?;
                Some($crate::record::Answer {
                    sums,
                    listed: heaviest.ips.iter().map(|listed| listed.ip).collect(),
                    others_at_most: heaviest.others_at_most,
                    rollup_keys: root.rollup_keys(),
                    is_behind: snapshot.behind.is_some(),
                    k: root.k,
                    log: root.log,
                    open: root.open.len(),
                    ips: root.ips,
                    hits: root.hits,
                    traffic: root.traffic.total.count,
                    drops: root.drops,
                    shards: root.shards,
                    ids: root
                        .ids
                        .iter()
                        .map(|chunk| (chunk.number, chunk.version))
                        .collect(),
                    states: listed
                        .into_iter()
                        .map(|listed| (listed.ip, listed.version, listed.last_seen_ms))
                        .zip(states)
                        .collect(),
                })
            }
        }

        pub fn run(seed: u64, trace: bool) -> $crate::history::Outcome {
            $crate::history::run::<Protocol>(seed, trace)
        }
    };
}

mod real {
    crate::subject!(rollcall_ledger);
}

/// The items of a mutant's root module, apart from the copied files.
#[doc(hidden)]
#[macro_export]
macro_rules! mutant_root {
    () => {
        pub use append::NewBatch;
        pub use atlas::Atlas;
        pub use error::LedgerError;
        pub use rollcall_ledger::limits;
        pub use rollcall_ledger::{Clock, Store, StoreError};
        pub use stored::BatchId;

        pub struct Ledger<'a, S, C> {
            store: pieces::InPieces<'a, S>,
            clock: &'a C,
            limits: limits::Limits,
            atlas: Option<&'a dyn Atlas>,
        }

        impl<'a, S: Store, C: Clock> Ledger<'a, S, C> {
            pub fn new(store: &'a S, clock: &'a C, limits: limits::Limits) -> Self {
                Self {
                    store: pieces::InPieces(store),
                    clock,
                    limits,
                    atlas: None,
                }
            }
        }
    };
}

/// Lists the mutants.
#[doc(hidden)]
#[macro_export]
macro_rules! every_mutant {
    ($($name:ident),*) => {
        pub const EVERY: &[$crate::Subject] = &[$($crate::Subject {
            name: stringify!($name),
            run: subjects::$name::run,
        }),*];
        mod subjects {
            $(pub mod $name {
                $crate::subject!($crate::mutants::$name);
            })*
        }
    };
}

/// Copies of the ledger. Each lacks one safeguard.
#[allow(
    dead_code,
    unused,
    clippy::all,
    reason = "copies: the original is linted"
)]
pub mod mutants {
    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
