//! Keeps the synchronous and the asynchronous store calls of an instance apart.
//!
//! While a synchronous call runs, the host polls nothing else of the instance. On Redis all calls of a host stand in one queue. If an
//! asynchronous call of the instance stood there before a synchronous one, nobody would poll it, the synchronous one would wait for it,
//! and behind both every other instance, for ever. So a synchronous call waits until no asynchronous one is in flight.
//!
//! Asynchronous calls come in rounds. While a synchronous call waits, no round begins: it would never find the gate open.
//!
//! Work behind the responses goes on in short steps. Between two of them, whoever is waited for goes first.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use spin_sdk::time::sleep;

/// How often whoever waits looks again. One request of an instance cannot wake another.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How long work behind the responses holds the instance before it gives way. A store call, or the reading of one large state, may end later.
const STEP: Duration = Duration::from_millis(20);
/// How long it waits for the requests of its instance, before it takes another step all the same: or it would never come to its end.
const COURTESY: Duration = Duration::from_millis(10);

/// Scope: instance. Rounds of asynchronous calls in flight.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);
/// Scope: instance. Synchronous calls that wait for those to end.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Scope: instance. Requests that are being answered, but for those that wait for a fold.
static ANSWERING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Scope: instance. When the work behind the responses began its step.
    static STEP_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Counts for as long as it lives, so that a future that is dropped no longer does.
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

/// Waits until no round is in flight. It stays so until the next `await`: make the synchronous call before.
pub async fn pass() {
    if ROUNDS.load(Relaxed) == 0 {
        return;
    }
    let _waiting = Counted::new(&WAITING);
    while ROUNDS.load(Relaxed) > 0 {
        sleep(LOOK_AGAIN).await;
    }
}

/// Begins a round of asynchronous calls, which ends with what is returned: let that outlive every one of them.
pub async fn round() -> Counted {
    while WAITING.load(Relaxed) > 0 {
        sleep(LOOK_AGAIN).await;
    }
    Counted::new(&ROUNDS)
}

/// A request is being answered for as long as this lives.
pub fn answering() -> Counted {
    Counted::new(&ANSWERING)
}

/// Ends the step of the work behind the responses, if it was long enough: others go on meanwhile.
pub async fn give_way() {
    let is_over = |began: Instant| began.elapsed() >= STEP;
    if STEP_BEGAN.get().is_none_or(is_over) {
        rest().await;
    }
}

/// The same at once.
pub async fn rest() {
    let since = Instant::now();
    sleep(LOOK_AGAIN).await;
    while ANSWERING.load(Relaxed) > 0 && since.elapsed() < COURTESY {
        sleep(LOOK_AGAIN).await;
    }
    STEP_BEGAN.set(Some(Instant::now()));
}
