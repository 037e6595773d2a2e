//! Keeps the synchronous and the asynchronous store calls of an instance apart.
//!
//! While a synchronous call runs, the host polls nothing else of the instance. On Redis, all calls
//! of a host stand in one queue. Assume that an asynchronous call of the instance stands there
//! before a synchronous call. Then nobody polls the asynchronous call, and the synchronous call
//! waits for it for ever. The calls of all other instances wait behind both. So a synchronous call
//! waits until no asynchronous call is in flight.
//!
//! Asynchronous calls come in rounds. While a synchronous call waits, no round begins. Otherwise
//! the synchronous call might never find the gate open.
//!
//! Work behind the responses goes on in short steps. Between two steps, requests go first.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use spin_sdk::time::sleep;

/// How often a waiting call looks again. One request of an instance cannot wake another.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How long a request, or work behind the responses, holds the instance before it lets others go
/// on. A store call, or reading one large state, may take longer.
pub const STEP: Duration = Duration::from_millis(10);
/// How long work behind the responses waits for the requests of its instance. After that it takes
/// another step, even if requests are being answered. Otherwise it would never end.
const COURTESY: Duration = Duration::from_millis(10);

/// Scope: instance. Rounds of asynchronous calls in flight.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);
/// Scope: instance. Synchronous calls that wait until no round is in flight.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Scope: instance. Requests that are being answered, without requests that wait for a fold.
static ANSWERING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Scope: instance. The time at which the work behind the responses began its step.
    static STEP_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Adds one to a counter while it lives. So a future that is dropped no longer counts.
pub struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(counter: &'static AtomicUsize) -> Self {
        counter.fetch_add(1, Relaxed);
        Self(counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Waits until no round is in flight. No round begins before the next `await`, so make the
/// synchronous call before it.
pub async fn pass() {
    if ROUNDS.load(Relaxed) == 0 {
        return;
    }
    let _waiting = Counted::new(&WAITING);
    while ROUNDS.load(Relaxed) > 0 {
        sleep(LOOK_AGAIN).await;
    }
}

/// Begins a round of asynchronous calls. The round ends when the returned value is dropped. Keep it
/// until every call of the round has ended.
pub async fn round() -> Counted {
    while WAITING.load(Relaxed) > 0 {
        sleep(LOOK_AGAIN).await;
    }
    Counted::new(&ROUNDS)
}

/// While the returned value lives, a request is being answered.
pub fn answering() -> Counted {
    Counted::new(&ANSWERING)
}

/// Whether more than one request is being answered.
pub fn has_company() -> bool {
    ANSWERING.load(Relaxed) > 1
}

/// For work behind the responses. If its step was long enough, ends the step and lets others go on.
pub async fn give_way() {
    let is_over = |began: Instant| began.elapsed() >= STEP;
    if STEP_BEGAN.get().is_none_or(is_over) {
        rest().await;
    }
}

/// For work behind the responses. Ends its step at once and lets others go on.
pub async fn rest() {
    let since = Instant::now();
    sleep(LOOK_AGAIN).await;
    while ANSWERING.load(Relaxed) > 0 && since.elapsed() < COURTESY {
        sleep(LOOK_AGAIN).await;
    }
    STEP_BEGAN.set(Some(Instant::now()));
}
