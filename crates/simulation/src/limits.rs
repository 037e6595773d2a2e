//! The limits of a history. They are drawn from its seed, and passed to the ledger.

use fastrand::Rng;
use rollcall_ledger::limits::Limits;

use crate::faults::{IN_FLIGHT_MS_MAX, Mix, Theme};

/// A client sends a batch again for this long.
pub const RETRY_MS: u64 = 60_000;
/// By this time, every client has sent its batch once.
const CLIENTS_MS: u64 = 45_000;
const ACK_WITHIN_MS: u64 = 4_000;
/// The longest lease.
const LEASE_MS_MAX: u64 = 60_000;
/// The time between two folds while healing. Healing ends after [`Tight::quiet_rounds`] folds
/// without a change.
const HEAL_EVERY_MS: u64 = 2_700;
/// How much longer nothing must change in a store that stays slow, where a fold may take minutes.
const SLOW_QUIET_MS: u64 = 200_000;
/// The time between two folds while healing, if they must not overlap. It is longer than a folder
/// lives.
const SLOW_HEAL_EVERY_MS: u64 = 190_000;
/// The same, if values are in pieces: a fold makes several times as many calls.
const HEAL_PIECES_EVERY_MS: u64 = 20_000;

/// The limits of a history, drawn from its seed.
#[derive(Clone, Copy, Debug)]
pub struct Tight {
    pub fold_segments: usize,
    pub chunk: usize,
    pub ips: usize,
    /// Many values are in pieces. Otherwise none is.
    pub in_pieces: bool,
    /// Either as short as the clocks allow, or a minute.
    pub skip_after_ms: u64,
    /// The clocks of two nodes differ by at most this.
    pub skew_ms: u64,
    /// Each folder sees only its own lease. A lease is a hint, so nothing may depend on it.
    pub own_leases: bool,
    /// The most keys that one round of cleaning deletes.
    pub clean_keys: usize,
    /// The store stays slow.
    pub is_slow: bool,
}

impl Tight {
    /// Draws the limits of a history with these faults.
    pub fn draw(rng: &mut Rng, mix: &Mix) -> Self {
        let skip_after_ms = match mix.theme {
            Theme::SlowWriters | Theme::LateWriters => 5_100,
            _ => [5_100, 60_000][rng.usize(0..2)],
        };
        // The clocks differ as much as they may, or hardly.
        let far_ms = skip_after_ms - ACK_WITHIN_MS - 100;
        let tight = Tight {
            fold_segments: [1, 3, 50][rng.usize(0..3)],
            chunk: [1, 3, 50][rng.usize(0..3)],
            ips: [1_000, 1_000, 1, 2][rng.usize(0..4)],
            in_pieces: rng.usize(0..3) == 0,
            skip_after_ms,
            skew_ms: [1_000, far_ms][rng.usize(0..2)],
            own_leases: mix.theme == Theme::SlowWriters || rng.f64() < 0.4,
            clean_keys: [5, 20, 500][rng.usize(0..3)],
            is_slow: false,
        };
        match mix.slow {
            None => tight,
            // A fold of everything that it may take would take longer than a folder lives.
            Some(_) => Tight {
                fold_segments: 50,
                chunk: [16, 50][rng.usize(0..2)],
                ips: 1_000,
                skew_ms: 1_000,
                own_leases: rng.f64() < 0.3,
                clean_keys: 20,
                in_pieces: false,
                is_slow: true,
                ..tight
            },
        }
    }

    /// After this number of folds without a change, nothing is left to do, by any node's clock.
    pub fn quiet_rounds(&self) -> u64 {
        let longest_ms = self.skip_after_ms.max(self.clean_after_ms()) + self.skew_ms;
        let slow_ms = if self.is_slow { SLOW_QUIET_MS } else { 0 };
        (longest_ms + slow_ms) / self.heal_every_ms() + 5
    }

    /// The time between two folds while healing. If no folder sees another's lease, slow folds
    /// finish only if they do not overlap.
    pub fn heal_every_ms(&self) -> u64 {
        match (self.is_slow, self.in_pieces) {
            (true, _) if self.own_leases => SLOW_HEAL_EVERY_MS,
            (_, true) => HEAL_PIECES_EVERY_MS,
            _ => HEAL_EVERY_MS,
        }
    }

    /// A void folder needs time to notice that it is void, and then its last write may be in
    /// flight. This is longer than both together, as the ledger's own limit is.
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
            // So few that most plans have several parts.
            plan_changes: 8,
            delete_chunk: self.chunk,
            clean_keys: self.clean_keys,
            // So long that only lost folds make the next fold smaller.
            fold_read_ms: 120_000,
            ips: self.ips,
            value_bytes: if self.in_pieces { 150 } else { usize::MAX },
            // So few that most IPs are in no list.
            listed: 2,
            ids_per_chunk: 2,
            // As long as retries, flight and skew together, and no longer.
            ids_kept_ms: RETRY_MS + IN_FLIGHT_MS_MAX + 4_000 + self.skew_ms,
            ids_kept: 1,
            // As long as a hit may come after it was made, by any clock, and no longer.
            erased_kept_ms: CLIENTS_MS + RETRY_MS + IN_FLIGHT_MS_MAX + 4_000 + self.skew_ms,
            ..Limits::default()
        }
    }
}
