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
//! - No answer after an acknowledged erasure has a state with a hit from before it.
//! - A status counts at least as many hits as the status before it.
//! - A receipt calls a batch counted only if its hits are counted, and of all batches under one id
//!   only one.
//! - Nothing is stuck, and no key is left behind.
//!
//! In some histories the store stays slow, states are large, and folders are ended again and again.
//! The same rules apply there. Everything must come to rest within a bounded number of folds.
//!
//! `mutants` is a copy of the ledger, which build.rs makes. It runs as one mutant at a time, and then
//! lacks one safeguard. Every mutant must fail.
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

use std::cell::Cell;

use history::Outcome;
use mutations::MUTATIONS;

/// One ledger under test.
#[derive(Clone, Copy)]
pub enum Subject {
    Real,
    /// The copy of the ledger, with no safeguard left out.
    Copy,
    /// The copy, as the mutant of this number in [`MUTATIONS`].
    Mutant(usize),
}

thread_local! {
    static MUTANT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whether this thread runs a history of this mutant.
fn runs(mutant: usize) -> bool {
    MUTANT.get() == Some(mutant)
}

impl Subject {
    pub fn mutants() -> impl Iterator<Item = Self> {
        (0..MUTATIONS.len()).map(Self::Mutant)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "the ledger",
            Self::Copy => "the copy of the ledger",
            Self::Mutant(number) => MUTATIONS[number].name,
        }
    }

    /// Runs the history of a seed.
    pub fn run(self, seed: u64, trace: bool) -> Outcome {
        let mutant = match self {
            Self::Real => return real::run(seed, trace),
            Self::Copy => None,
            Self::Mutant(number) => Some(number),
        };
        MUTANT.set(mutant);
        copy::run(seed, trace)
    }
}

/// Implements the protocol for one ledger. Each ledger needs a module of its own for this.
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
            ) -> Option<u64> {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                let batches = batches.into_iter().map(|(id, hits)| ledger::NewBatch {
                    id: id.as_deref().map(ledger::BatchId::of),
                    hits,
                    repaired: Default::default(),
                });
                let batches: Vec<_> = batches.collect();
                ledger.append_all(&batches).await.ok()
            }

            async fn erase(
                store: &$crate::store::SimStore,
                clock: &$crate::store::SimClock,
                ip: std::net::IpAddr,
            ) -> Option<u64> {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                ledger.erase(&[ip]).await.ok()
            }

            async fn change(
                store: &$crate::store::SimStore,
                clock: &$crate::store::SimClock,
                name: &str,
                text: &str,
            ) -> bool {
                let limits = clock.tight.limits();
                let ledger = ledger::Ledger::new(store, clock, limits);
                let changed = ledger.change_document(name, Some(text.to_owned()));
                changed.await.is_ok()
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
                let documents = ledger.documents(&root).await.ok()?;
                let documents = documents.into_iter().map(|of| (of.name, of.text));
                let heaviest = ledger.heaviest(root.k, slice.window, slice.as_of_ms, 1);
                let heaviest = heaviest.await.ok()?;
                Some($crate::record::Answer {
                    sums,
                    listed: heaviest.ips.iter().map(|listed| listed.ip).collect(),
                    others_at_most: heaviest.others_at_most,
                    rollup_keys: root
                        .rollup_keys()
                        .into_iter()
                        .chain(root.documents_key())
                        .collect(),
                    documents: documents.collect(),
                    is_behind: snapshot.behind.is_some(),
                    k: root.k,
                    log: root.log,
                    open: root.open.len(),
                    ips: root.ips,
                    hits: root.hits,
                    traffic: root.traffic.total.count,
                    drops: root.dropped(),
                    batches: (1..=root.log).map(|n| root.batch(n)).collect(),
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
    subject!(rollcall_ledger);
}

mod copy {
    subject!(crate::mutants);
}

/// A copy of the ledger, with changes for every mutant.
#[allow(
    dead_code,
    unused,
    clippy::all,
    reason = "a copy: the original is linted"
)]
mod mutants {
    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));

    pub(crate) use super::runs;
    // The items of the ledger's `lib.rs`, which is not copied.
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
}
