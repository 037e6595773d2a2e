//! What the instances of the aggregator share, over the same store as the ledger: kept answers, claims to compute one, the state of the
//! notifications, and counters.
//!
//! The ledger needs none of it. An answer that is lost or computed twice costs a computation, and is never wrong.

mod claims;
mod counters;
mod error;
mod kept;
mod keys;
mod stored;

pub use error::SharedError;
use rollcall_store::{Clock, Store};

/// What may be kept, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A claim holds for so long, unless it is renewed.
    pub claim_ms: u64,
    /// The difference of any two clocks. A claim that ends later than that allows is a mistake, and does not count.
    pub clocks_ms: u64,
    /// Slots for kept answers. Two questions with the same slot push each other out.
    pub slots: u64,
    /// Slots looked through for expired answers whenever one is kept.
    pub slots_swept: u64,
    /// A kept answer leaves the store after this: nobody is given an older one.
    pub kept_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            claim_ms: 3_000,
            clocks_ms: 60_000,
            slots: 256,
            slots_swept: 4,
            kept_ms: 30 * 60_000,
        }
    }
}

/// What is shared in a store. Cheap to make; holds no state.
pub struct Shared<'a, S, C> {
    store: &'a S,
    clock: &'a C,
    limits: Limits,
}

impl<'a, S: Store, C: Clock> Shared<'a, S, C> {
    pub fn new(store: &'a S, clock: &'a C, limits: Limits) -> Self {
        Self {
            store,
            clock,
            limits,
        }
    }
}
