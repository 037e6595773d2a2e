//! Claims: what one instance does, no other does meanwhile.
//!
//! A claim is of a generation of what is kept in the store, and holds while it is renewed. Whoever died with one is followed by whoever
//! has looked for long enough.

use rollcall_tally::Place;
use rollcall_web::log;
use std::time::Duration;

use futures::future::{Either, select};
use spin_sdk::time::sleep;

use crate::collector;

/// How often an instance looks whether another one has done what it waits for.
pub const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// A claim that somebody won and that is not to be seen after so long belongs to an instance that died: longer than the call may take that
/// wins one.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often a claim is renewed, well before it lapses.
const RENEW_EVERY: Duration = Duration::from_millis(800);

/// Does what a claim was made for, and renews it on the way.
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

/// Lets another instance claim the same.
pub async fn give_up(place: &Place, generation: u64) {
    if let Err(failure) = collector::SHARED.end_claim(place, &generation).await {
        log!(Warn, "claim-not-given-up", failure = failure);
    }
}
