//! A ledger of hits: append, then fold. It runs over a store that has only get, set, delete and
//! increment.
//!
//! Any number of writers append segments to a log. Each segment has a number of its own. A fold
//! takes a fold number and brings segments into the states of the IPs. The key of each value that
//! it writes carries the fold number, so no value that a reader may need is overwritten. Before the
//! fold is confirmed, it looks at the counter once more. A query reads the versions that one
//! confirmed root names. docs/internals/ledger.md has the protocol and the reason for each step.
//!
//! The ledger promises: every acknowledged hit counts exactly once, and every other hit at most
//! once.
//!
//! The ledger needs of the store: a read sees every finished write, and `increment` never returns a
//! value twice.
//!
//! The ledger never takes a store's error for a missing key. It trusts no lock. It reads and writes
//! counters by `increment` alone.
//!
//! The crate has no I/O, no clock and no SDK: see [`Store`] and [`Clock`].

mod append;
mod atlas;
mod backup;
mod callers;
mod clean;
mod documents;
mod error;
mod fold;
mod heaviest;
pub mod keys;
mod lease;
pub mod limits;
mod of_ip;
mod open;
mod pieces;
mod portion;
mod query;
mod read;
mod stop;
mod stored;
mod sums;

pub use append::NewBatch;
pub use atlas::Atlas;
pub use clean::Cleaned;
pub use documents::Document;
pub use error::LedgerError;
pub use fold::Folded;
pub use heaviest::Candidates;
pub use of_ip::OfIp;
pub use open::{Opened, Upgraded};
pub use query::{Behind, Current, Listed, Snapshot};
pub use rollcall_store::{Clock, Store, StoreError, get_each};
pub use stored::{BatchId, Root};

use limits::Limits;
use pieces::InPieces;

/// A ledger in a store. It is cheap to make, and holds no state except values that save a read.
pub struct Ledger<'a, S, C> {
    store: InPieces<'a, S>,
    clock: &'a C,
    limits: Limits,
    atlas: Option<&'a dyn Atlas>,
}

impl<'a, S: Store, C: Clock> Ledger<'a, S, C> {
    pub fn new(store: &'a S, clock: &'a C, limits: Limits) -> Self {
        Self {
            store: InPieces(store),
            clock,
            limits,
            atlas: None,
        }
    }

    /// Looks up where IPs are, when they call.
    pub fn with_atlas(self, atlas: &'a dyn Atlas) -> Self {
        Self {
            atlas: Some(atlas),
            ..self
        }
    }
}
