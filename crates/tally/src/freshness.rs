//! How long an answer is fresh. The less the answer changes, the longer it is fresh.

use crate::tally::ratio;

/// If an answer lacks nothing, it is fresh for at least this time.
pub const TTL_MIN_MS: u64 = 60_000;
/// How long an answer is fresh that lacks batches which are being folded. In this time, other
/// clients may get it, too.
pub const TTL_BEHIND_MS: u64 = 2_000;
/// The share of its time that an answer loses if all of its hits are new.
const VOLATILE_SHARE: f64 = 0.8;

/// How much an answer changes: the share of its hits that came in the last hour. 0: no hit is new.
/// 1: all hits are new.
pub fn volatility(hits: u64, last_hour: u64) -> f64 {
    ratio(last_hour, hits).min(1.0)
}

/// How long an answer is fresh. `base_ms` is the time for an answer without new hits.
pub fn ttl_ms(base_ms: u64, volatility: f64) -> u64 {
    let factor = 1.0 - VOLATILE_SHARE * volatility.clamp(0.0, 1.0);
    ((base_ms as f64 * factor).round() as u64).max(TTL_MIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn volatility_is_the_share_of_the_last_hour() {
        assert_eq!(volatility(0, 0), 0.0);
        assert_eq!(volatility(240, 10), 10.0 / 240.0);
        assert_eq!(volatility(10, 10), 1.0);
    }

    #[test]
    fn an_answer_at_rest_is_fresh_for_all_of_its_time_and_a_new_one_for_a_fifth_but_a_minute_at_least()
     {
        assert_eq!(ttl_ms(10 * MINUTE, 0.0), 10 * MINUTE);
        assert_eq!(ttl_ms(10 * MINUTE, 0.5), 6 * MINUTE);
        assert_eq!(ttl_ms(10 * MINUTE, 1.0), 2 * MINUTE);
        assert_eq!(ttl_ms(5 * MINUTE, 1.0), MINUTE);
        assert_eq!(ttl_ms(4 * MINUTE, 1.0), MINUTE);
        assert_eq!(ttl_ms(MINUTE, 0.0), MINUTE);
    }
}
