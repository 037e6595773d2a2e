//! Time and random numbers of the platform.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rollcall_ledger::Clock;
use spin_sdk::wit_bindgen::yield_async;

use crate::gate;

/// The clocks of the machine.
pub struct SpinClock {
    started: Instant,
    /// For work behind the responses: see [`gate::give_way`].
    gives_way: bool,
    /// When this request last let others go on.
    step_began: Cell<Instant>,
}

impl SpinClock {
    pub fn new(gives_way: bool) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            gives_way,
            step_began: Cell::new(now),
        }
    }
}

impl Clock for SpinClock {
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    }

    fn monotonic_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    async fn give_way(&self) {
        if self.gives_way {
            gate::give_way().await;
        } else if self.step_began.get().elapsed() >= gate::STEP {
            // A request does not wait for the others, as they would wait for it, too.
            yield_async().await;
            self.step_began.set(Instant::now());
        }
    }

    async fn sleep_ms(&self, ms: u64) {
        spin_sdk::time::sleep(Duration::from_millis(ms)).await;
    }

    fn unique(&self) -> u64 {
        spin_sdk::wasip3::random::random::get_random_u64()
    }
}
