//! Computes each question at most once at a time in this instance.
//!
//! One request cannot wake another here. So followers look again and again. If a leader is dropped
//! on the way, the next request leads. If a leader fails, its followers learn of it. Else each of
//! them would fail anew.

use std::cell::RefCell;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use rollcall_tally::Failure;

/// How often a follower looks.
pub const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Scope: instance. The number of questions whose last failure is remembered. Older failures are
/// forgotten.
const FAILURES_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

thread_local! {
    static FLIGHTS: RefCell<Flights> = RefCell::new(Flights {
        tick: 0,
        under_way: HashSet::new(),
        failures: LruCache::new(FAILURES_MAX),
    });
}

struct Flights {
    /// Counts the events here, to tell their order.
    tick: u64,
    under_way: HashSet<String>,
    failures: LruCache<String, Failed>,
}

struct Failed {
    began: u64,
    ended: u64,
    failure: Failure,
}

impl Flights {
    fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

/// The right to compute the answer to a question. If it is dropped, another request may compute.
pub struct Flight {
    question: String,
    pub began: u64,
}

impl Flight {
    /// None: another request computes the answer.
    pub fn lead(question: &str) -> Option<Self> {
        FLIGHTS.with_borrow_mut(|flights| {
            let is_first = flights.under_way.insert(question.to_owned());
            is_first.then(|| Self {
                question: question.to_owned(),
                began: flights.next_tick(),
            })
        })
    }

    /// Tells the waiting requests of the failure.
    pub fn fail(self, failure: &Failure) {
        FLIGHTS.with_borrow_mut(|flights| {
            let failed = Failed {
                began: self.began,
                ended: flights.next_tick(),
                failure: failure.clone(),
            };
            flights.failures.put(self.question.clone(), failed);
        });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        FLIGHTS.with_borrow_mut(|flights| flights.under_way.remove(&self.question));
    }
}

/// The current tick of this instance.
pub fn now() -> u64 {
    FLIGHTS.with_borrow_mut(Flights::next_tick)
}

/// The failure of a computation that ended after `arrived`. If `strictly`, it also began after
/// `arrived`.
pub fn failure_since(question: &str, arrived: u64, strictly: bool) -> Option<Failure> {
    FLIGHTS.with_borrow_mut(|flights| {
        let failed = flights.failures.get(question)?;
        let moment = if strictly { failed.began } else { failed.ended };
        (moment > arrived).then(|| failed.failure.clone())
    })
}

/// The number of computations under way.
pub fn under_way() -> usize {
    FLIGHTS.with_borrow(|flights| flights.under_way.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure::Unavailable("simulated".into())
    }

    #[test]
    fn one_leads_and_when_it_is_dropped_the_next_one_does() {
        let first = Flight::lead("q").expect("nobody else");
        assert!(Flight::lead("q").is_none());
        assert!(Flight::lead("another").is_some());
        drop(first);
        assert!(Flight::lead("q").is_some());
        assert_eq!(under_way(), 0);
    }

    #[test]
    fn a_failure_is_told_to_those_who_waited_for_it_and_to_nobody_else() {
        let before = now();
        let flight = Flight::lead("q").expect("nobody else");
        let meanwhile = now();
        flight.fail(&failure());
        assert_eq!(failure_since("q", before, true), Some(failure()));
        assert_eq!(failure_since("q", meanwhile, false), Some(failure()));
        assert_eq!(
            failure_since("q", meanwhile, true),
            None,
            "it wants a computation of its own"
        );
        assert_eq!(failure_since("q", now(), false), None);
        assert_eq!(failure_since("another", before, false), None);
        assert!(Flight::lead("q").is_some());
    }
}
