//! The values that all instances of the aggregator share, in the same store as the ledger: kept
//! answers, claims to compute an answer, the notification state, counters, and the rates of tokens.
//!
//! The ledger needs none of them. If an answer is lost or computed twice, this costs a computation.
//! It never makes an answer wrong.

mod claims;
mod counters;
mod error;
mod kept;
mod keys;
mod rate;
mod stored;

pub use error::SharedError;
pub use rate::{BadRate, Rate, Window};
use rollcall_store::{Clock, Store};

/// The limits of the shared values.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a claim holds, unless it is renewed.
    pub claim_ms: u64,
    /// The largest difference of any two clocks. If a claim ends later than this allows, it is a
    /// mistake and does not count.
    pub clocks_ms: u64,
    /// Slots for kept answers. If two questions have the same slot, each replaces the other's
    /// answer.
    pub slots: u64,
    /// How many slots are searched for expired answers when an answer is kept.
    pub slots_swept: u64,
    /// After this time, a kept answer leaves the store. Nobody is given an older one.
    pub kept_ms: u64,
    /// The most hits of one request. See [`Rate`].
    pub request_hits: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            claim_ms: 3_000,
            clocks_ms: 60_000,
            slots: 256,
            slots_swept: 4,
            kept_ms: 30 * 60_000,
            request_hits: 100_000,
        }
    }
}

/// The shared values in a store. It is cheap to make, and holds no state.
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
