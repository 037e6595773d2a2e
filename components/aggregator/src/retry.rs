//! Repeats a request to the collector once if it had no answer.

use std::cell::Cell;
use std::time::Duration;

use rollcall_tally::Failure;
use rollcall_web::log;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::random::random;

/// A failed batch is asked again after this time to twice this time.
const RETRY_AFTER_MS: u64 = 50;

/// Sends a request to the collector. If there is no answer, sends it once more.
pub async fn ask_twice<T>(
    ask: impl AsyncFn() -> Result<T, Failure>,
    retried: impl FnOnce(),
) -> Result<T, Failure> {
    let _in_flight = InFlight::new();
    match ask().await {
        Err(Failure::Unavailable(reason)) => {
            log!(Info, "batch-asked-again", reason = reason);
            retried();
            sleep(jitter()).await;
            ask().await
        }
        answer => answer,
    }
}

thread_local! {
    /// Scope: instance.
    static IN_FLIGHT: Cell<u64> = const { Cell::new(0) };
}

/// A request to the collector that is under way.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        IN_FLIGHT.set(IN_FLIGHT.get() + 1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.set(IN_FLIGHT.get() - 1);
    }
}

/// The number of requests to the collector that this instance waits for.
pub fn in_flight() -> u64 {
    IN_FLIGHT.get()
}

/// How long to wait before a batch is asked again. The wait varies, so that batches that failed
/// together do not come again together.
fn jitter() -> Duration {
    Duration::from_millis(RETRY_AFTER_MS + random::get_random_u64() % RETRY_AFTER_MS)
}
