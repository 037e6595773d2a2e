//! Time and random numbers of the platform.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rollcall_ledger::Clock;

use crate::gate;

/// The clocks of the machine.
pub struct SpinClock {
    started: Instant,
}

impl SpinClock {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
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
        gate::give_way().await;
    }

    async fn sleep_ms(&self, ms: u64) {
        spin_sdk::time::sleep(Duration::from_millis(ms)).await;
    }

    fn unique(&self) -> u64 {
        spin_sdk::wasip3::random::random::get_random_u64()
    }
}
