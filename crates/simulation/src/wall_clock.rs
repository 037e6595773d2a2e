//! The wall clock of a node: how far it is off, and when it jumps.

use fastrand::Rng;

/// The wall clock of a node.
#[derive(Default)]
pub struct WallClock {
    off_us: i64,
    /// The time of a jump, and how far the clock is off after it.
    jump: Option<(u64, i64)>,
}

impl WallClock {
    pub fn draw(rng: &mut Rng, skew_ms: u64, until_ms: u64) -> Self {
        let half = (skew_ms * 500) as i64;
        let off_us = |rng: &mut Rng| match rng.u8(0..4) {
            0 => 0,
            1 => half,
            2 => -half,
            _ => rng.i64(-half..half),
        };
        Self {
            off_us: off_us(rng),
            jump: (rng.u8(0..8) == 0).then(|| (rng.u64(0..until_ms * 1_000), off_us(rng))),
        }
    }

    pub fn off_us(&self, now_us: u64) -> i64 {
        match self.jump {
            Some((at_us, off_us)) if at_us <= now_us => off_us,
            _ => self.off_us,
        }
    }
}
