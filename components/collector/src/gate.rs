//! Keeps the synchronous and the asynchronous store calls of an instance apart.
//!
//! While a synchronous call runs, the host polls nothing else of the instance. On Redis all calls of a host stand in one queue. If an
//! asynchronous call of the instance stood there before a synchronous one, nobody would poll it, the synchronous one would wait for it,
//! and behind both every other instance, for ever. So a synchronous call waits until no asynchronous one is in flight.
//!
//! Asynchronous calls come in rounds. While a synchronous call waits, no round begins: it would never find the gate open.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use spin_sdk::time::sleep;

/// How often whoever waits looks again. One request of an instance cannot wake another.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Scope: instance. Rounds of asynchronous calls in flight.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);
/// Scope: instance. Synchronous calls that wait for those to end.
static WAITING: AtomicUsize = AtomicUsize::new(0);

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
