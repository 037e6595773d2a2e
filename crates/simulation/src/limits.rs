//! What a history allows: drawn from its seed, and handed to the ledger as its limits.

use fastrand::Rng;
use rollcall_ledger::limits::Limits;

use crate::faults::{IN_FLIGHT_MS_MAX, Mix, Theme};

/// A client sends again for so long.
pub const RETRY_MS: u64 = 60_000;
const ACK_WITHIN_MS: u64 = 4_000;
/// The longest lease.
const LEASE_MS_MAX: u64 = 60_000;
/// While healing somebody folds this often, until nothing has changed for so long that nobody can have anything left to do.
const HEAL_EVERY_MS: u64 = 2_700;
/// ... in a store that stays slow, where a fold may take minutes.
const SLOW_QUIET_MS: u64 = 200_000;
/// Longer than a folder lives.
const SLOW_HEAL_EVERY_MS: u64 = 190_000;

/// What a history allows, drawn from its seed.
#[derive(Clone, Copy, Debug)]
pub struct Tight {
    pub fold_segments: usize,
    pub chunk: usize,
    pub ips: usize,
    /// At its edge, or long enough that not even garbage is left.
    pub skip_after_ms: u64,
    /// Any two nodes' clocks differ by at most this.
    pub skew_ms: u64,
    /// Every folder has a lease of its own: it is a hint, and nothing may depend on it.
    pub own_leases: bool,
    /// Keys deleted by one round of cleaning.
    pub clean_keys: usize,
    /// The store stays slow.
    pub is_slow: bool,
}

impl Tight {
    /// Draws what a history with this mix of faults allows.
    pub fn draw(rng: &mut Rng, mix: &Mix) -> Self {
        let skip_after_ms = match mix.theme {
            Theme::SlowWriters | Theme::LateWriters => 5_100,
            _ => [5_100, 60_000][rng.usize(0..2)],
        };
        // As far apart as they may be, or nearly the same.
        let far_ms = skip_after_ms - ACK_WITHIN_MS - 100;
        let tight = Tight {
            fold_segments: [1, 3, 50][rng.usize(0..3)],
            chunk: [1, 3, 50][rng.usize(0..3)],
            ips: [1_000, 1_000, 1, 2][rng.usize(0..4)],
            skip_after_ms,
            skew_ms: [1_000, far_ms][rng.usize(0..2)],
            own_leases: mix.theme == Theme::SlowWriters || rng.f64() < 0.4,
            clean_keys: [5, 20, 500][rng.usize(0..3)],
            is_slow: false,
        };
        match mix.slow {
            None => tight,
            // All that a fold may take is more than a folder lives for.
            Some(_) => Tight {
                fold_segments: 50,
                chunk: [16, 50][rng.usize(0..2)],
                ips: 1_000,
                skew_ms: 1_000,
                own_leases: rng.f64() < 0.3,
                clean_keys: 20,
                is_slow: true,
                ..tight
            },
        }
    }

    /// How long it takes until the last thing that waits for its time is done, by whichever clock.
    pub fn quiet_rounds(&self) -> u64 {
        let longest_ms = self.skip_after_ms.max(self.clean_after_ms()) + self.skew_ms;
        let slow_ms = if self.is_slow { SLOW_QUIET_MS } else { 0 };
        (longest_ms + slow_ms) / self.heal_every_ms() + 5
    }

    /// Where nobody sees another's lease, slow folds come to their end only where they do not meet.
    pub fn heal_every_ms(&self) -> u64 {
        match self.is_slow && self.own_leases {
            true => SLOW_HEAL_EVERY_MS,
            false => HEAL_EVERY_MS,
        }
    }

    /// As the ledger's own limit: longer than it may take until a folder notices that it is void, and then a write is in flight.
    pub fn clean_after_ms(&self) -> u64 {
        LEASE_MS_MAX / 2 + IN_FLIGHT_MS_MAX + 19_000 + self.skew_ms
    }

    /// The ledger's limits in this history.
    pub fn limits(&self) -> Limits {
        Limits {
            shards: 3,
            ack_within_ms: ACK_WITHIN_MS,
            skip_after_ms: self.skip_after_ms,
            lease_ms: 3_000,
            lease_max_ms: LEASE_MS_MAX,
            keep_replaced_ms: 60_000,
            clean_after_ms: self.clean_after_ms(),
            fold_wait_ms: 20_000,
            query_wait_ms: 20_000,
            fold_segments: self.fold_segments,
            chunk: self.chunk,
            delete_chunk: self.chunk,
            clean_keys: self.clean_keys,
            // Only folds that were lost make one smaller.
            fold_read_ms: 120_000,
            ips: self.ips,
            // So few that most IPs are in no list.
            listed: 2,
            ids_per_chunk: 2,
            // Retries, flight and skew together, and no more.
            ids_kept_ms: RETRY_MS + IN_FLIGHT_MS_MAX + 4_000 + self.skew_ms,
            ids_kept: 1,
            ..Limits::default()
        }
    }
}
