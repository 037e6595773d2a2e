//! The price of a wrong token: its sender waits, and the token is counted.
//!
//! Nobody else waits. Few wrong tokens wait at a time, so that most places of an instance stay
//! free. A right token never waits. A client with many connections can still try more tokens than a
//! client with one. So a token must be safe by its length.

use std::cell::Cell;
use std::time::Duration;

use rollcall_tally::Count;
use rollcall_web::Problem;
use rollcall_web::auth::DENIED_COUNTER;
use rollcall_web::collector::Collector;
use rollcall_web::later::Later;
use rollcall_web::log;
use spin_sdk::time::sleep;

/// How long the answer to a wrong token takes. A person who mistyped does not notice it. A program
/// can try two tokens a second.
const DELAY: Duration = Duration::from_millis(500);
/// Scope: instance. The most wrong tokens that wait at once: a quarter of the 16 requests that Spin
/// gives an instance at a time. If more come, they are answered 429 at once.
const WAITING_MAX: usize = 4;
/// How long wrong tokens are collected before they are added to the store's counter. So a flood of
/// wrong tokens costs one call.
const ADD_AFTER: Duration = Duration::from_millis(500);
/// The time that adding them may take.
const ADD_DEADLINE: Duration = Duration::from_secs(2);

thread_local! {
    static WAITING: Cell<usize> = const { Cell::new(0) };
    /// Wrong tokens that are not counted in the store yet.
    static DENIED: Cell<u64> = const { Cell::new(0) };
    static FLUSH: Later = const { Later::new() };
}

/// The answer to a wrong token, after its sender waited: 401, or 429.
pub async fn wrong_token() -> Problem {
    count();
    match Place::take() {
        Some(_place) => {
            sleep(DELAY).await;
            Problem::unauthorized()
        }
        None => Problem::too_many_wrong_tokens(),
    }
}

/// A place among the wrong tokens that wait. It is given back also if the client leaves.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let waiting = WAITING.get();
        (waiting < WAITING_MAX).then(|| {
            WAITING.set(waiting + 1);
            Self
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.set(WAITING.get().saturating_sub(1));
    }
}

/// Adds one to the store's counter, after the response. If the instance dies, the tokens that it
/// did not add yet are not counted.
fn count() {
    DENIED.set(DENIED.get() + 1);
    Later::schedule(&FLUSH, ADD_AFTER, flush);
}

async fn flush() {
    let counts = [Count {
        name: DENIED_COUNTER.to_owned(),
        times: DENIED.take(),
    }];
    let added = Collector::within(ADD_DEADLINE).count_up(&counts).await;
    if let Err(failure) = added {
        log!(Warn, "denials-not-counted", failure = failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_wait_and_a_place_comes_free() {
        let places: Vec<Place> = std::iter::from_fn(Place::take).take(100).collect();
        assert_eq!(places.len(), WAITING_MAX);
        drop(places);
        assert!(Place::take().is_some());
        assert_eq!(WAITING.get(), 0);
    }
}
