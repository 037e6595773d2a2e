//! The histogram of response times in the metrics. It has fewer bounds than the stored one.

use rollcall_tally::Tally;
use rollcall_tally::histogram::{Bucket, bucket_end_us};

use super::page::seconds;

/// The bounds are these powers of two, about 1 ms to half a minute, less one microsecond. Each is
/// the end of a stored histogram bucket, so that the counts are exact.
const BOUNDS_US_LOG2: std::ops::Range<u32> = 10..26;

/// The histogram with fewer bounds. Each bound is in seconds. Its count is that of the hits that
/// took no longer than this bound, but longer than the bound before.
pub fn buckets(tally: &Tally) -> Vec<(f64, u64)> {
    let bounds = BOUNDS_US_LOG2.map(|power| (1 << power) - 1);
    let bounds = bounds.map(|bound_us| (bound_us, seconds(bound_us)));
    let mut kept = tally.histogram.iter().peekable();
    let fewer = bounds.chain([(u64::MAX, f64::INFINITY)]);
    fewer
        .map(|(bound_us, bound)| {
            let within = |bucket: &&Bucket| bucket_end_us(bucket.index) <= bound_us;
            let within = std::iter::from_fn(|| kept.next_if(within));
            (bound, within.map(|bucket| bucket.count).sum())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::histogram::{add_bucket, bucket_index};

    #[test]
    fn a_response_time_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed() {
        let of = |times_us: &[u64]| {
            let mut tally = Tally::default();
            for time_us in times_us {
                let index = bucket_index(*time_us);
                add_bucket(&mut tally.histogram, Bucket { index, count: 1 });
            }
            buckets(&tally)
        };
        for power in BOUNDS_US_LOG2 {
            let bound_us = (1 << power) - 1;
            let at = (power - BOUNDS_US_LOG2.start) as usize;
            let buckets = of(&[bound_us, bound_us + 1]);
            assert_eq!(buckets[at], (bound_us as f64 / 1e6, 1), "{bound_us} µs");
            assert_eq!(buckets[at + 1].1, 1, "{bound_us} µs and one");
        }
        let day_us = rollcall_tally::hit::RESPONSE_TIME_US_MAX;
        let all = of(&[0, 0, day_us]);
        assert_eq!((all[0], all[16]), ((0.001_023, 2), (f64::INFINITY, 1)));
        assert_eq!(of(&[]).iter().map(|(_, hits)| hits).sum::<u64>(), 0);
    }
}
