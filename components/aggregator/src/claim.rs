//! Claims: while one instance does a piece of work, no other instance does it.
//!
//! A claim is for one generation of a value in the store, and holds while it is renewed. If an
//! instance dies with a claim, another instance takes over after it has waited long enough.

use rollcall_tally::Place;
use rollcall_web::log;
use std::time::Duration;

use futures::future::{Either, select};
use spin_sdk::time::sleep;

use crate::collector;

/// How often an instance looks whether another one has finished the work.
pub const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// If an instance won a claim, and the claim is still not visible after this time, that instance is
/// dead. This is longer than the call that wins a claim may take.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often a claim is renewed, well before it lapses.
const RENEW_EVERY: Duration = Duration::from_millis(800);

/// Does the work of a claim, and renews the claim meanwhile.
pub async fn holding<T>(place: &Place, work: impl Future<Output = T>) -> T {
    let work = std::pin::pin!(work);
    let renewing = std::pin::pin!(async {
        loop {
            sleep(RENEW_EVERY).await;
            if let Err(failure) = collector::SHARED.renew_claim(place).await {
                log!(Warn, "claim-not-renewed", failure = failure);
            }
        }
    });
    match select(work, renewing).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

/// Ends the claim, so that another instance can claim the same work.
pub async fn give_up(place: &Place, generation: u64) {
    if let Err(failure) = collector::SHARED.end_claim(place, &generation).await {
        log!(Warn, "claim-not-given-up", failure = failure);
    }
}
