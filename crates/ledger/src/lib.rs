//! Append, then fold: a ledger of hits over a store that has only get, set, delete and increment.
//!
//! Any number of writers append segments to a log, each under a number of its own. A fold takes a fold number and brings segments
//! into the states of the IPs, under names that carry that number, so that nothing a reader may need is ever overwritten; it is
//! confirmed by looking at the counter once more. A query reads the versions of one confirmed root. docs/internals/ledger.md has the
//! protocol and why each step is there.
//!
//! What it promises: every acknowledged hit counts exactly once, every other at most once. What it needs of the store: reads see
//! finished writes, and `increment` never answers the same twice. It never takes a store's error for a missing key, trusts no
//! lock, and never reads or writes a counter by any other call than `increment`.
//!
//! No I/O, no clock and no SDK of its own: see [`Store`] and [`Clock`].

mod append;
mod clean;
mod error;
mod fold;
mod heaviest;
pub mod keys;
mod lease;
pub mod limits;
mod open;
mod portion;
mod query;
mod read;
mod stop;
mod stored;
mod sums;

pub use clean::Cleaned;
pub use error::LedgerError;
pub use fold::Folded;
pub use heaviest::Candidates;
pub use open::{Opened, Upgraded};
pub use query::{Behind, Current, Listed, Snapshot};
pub use rollcall_store::{Clock, Store, StoreError, get_each};
pub use stored::{BatchId, Root};

use limits::Limits;

/// A ledger in a store. Cheap to make; holds no state but what saves a read.
pub struct Ledger<'a, S, C> {
    store: &'a S,
    clock: &'a C,
    limits: Limits,
}

impl<'a, S: Store, C: Clock> Ledger<'a, S, C> {
    pub fn new(store: &'a S, clock: &'a C, limits: Limits) -> Self {
        Self {
            store,
            clock,
            limits,
        }
    }
}
