//! The lengths of time that hits are counted in.

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// The finest bucket.
pub const FINE_MS: u64 = 5 * MINUTE_MS;

/// The length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// 5 minutes.
    Fine,
    Hour,
    Day,
    /// One bucket for all time before the days kept.
    Before,
}
