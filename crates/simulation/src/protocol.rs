//! A ledger, as the actors of a history call it.

use std::net::IpAddr;

use rollcall_tally::Hit;

use crate::record::Answer;
use crate::store::{SimClock, SimStore};

/// The ledger itself, or a mutant of it.
#[allow(async_fn_in_trait, reason = "one thread")]
pub trait Protocol {
    /// Appends batches, each with its id, in one append. Gives the newest of their numbers. None:
    /// they were not acknowledged.
    async fn append(
        store: &SimStore,
        clock: &SimClock,
        batches: Vec<(Option<String>, Vec<Hit>)>,
    ) -> Option<u64>;
    /// Erases an IP. Gives the time up to which its hits are erased. None: it was not acknowledged.
    async fn erase(store: &SimStore, clock: &SimClock, ip: IpAddr) -> Option<u64>;
    /// Changes a document. False: it was not acknowledged.
    async fn change(store: &SimStore, clock: &SimClock, name: &str, text: &str) -> bool;
    async fn fold(store: &SimStore, clock: &SimClock);
    /// The number of hits in the status.
    async fn status(store: &SimStore, clock: &SimClock) -> Option<u64>;
    /// Everything that one snapshot holds.
    async fn read(store: &SimStore, clock: &SimClock) -> Option<Answer>;
}
