//! Histograms of response times. Their buckets are fixed. So two histograms can be added.

use serde::{Deserialize, Serialize};

/// One bucket of a histogram of response times.
// As in the WIT: a list of records without pointers is copied as it lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub index: u16,
    pub count: u64,
}

/// The number of equal steps from each power of two to the next. It is a power of two itself.
const STEPS: u64 = 64;
const STEPS_LOG: u32 = STEPS.ilog2();

/// The bucket of a response time. Below 64 µs each microsecond has its own bucket. Above, there are
/// 64 equal steps from each power of two to the next. So a bucket is never wider than a 64th (1.6
/// %) of its response times.
pub fn bucket_index(time_us: u64) -> u16 {
    let power = time_us.max(1).ilog2();
    if power < STEPS_LOG {
        return time_us as u16;
    }
    let step = (time_us >> (power - STEPS_LOG)) & (STEPS - 1);
    ((power - STEPS_LOG + 1) * STEPS as u32) as u16 + step as u16
}

/// The longest response time of a bucket.
pub fn bucket_end_us(index: u16) -> u64 {
    let index = u64::from(index);
    if index < STEPS {
        return index;
    }
    let power = u32::try_from(index / STEPS).unwrap_or(u32::MAX) - 1;
    let next = STEPS + 1 + index % STEPS;
    let start = 1u64
        .checked_shl(power)
        .and_then(|unit| next.checked_mul(unit));
    start.map_or(u64::MAX, |start| start - 1)
}

/// Adds the counts of a bucket to a sorted histogram.
pub fn add_bucket(histogram: &mut Vec<Bucket>, bucket: Bucket) {
    add_bucket_from(histogram, 0, bucket);
}

/// Like [`add_bucket`], if all buckets before `from` are smaller. Returns the bucket's position. So
/// another histogram can be added in one pass.
pub fn add_bucket_from(histogram: &mut Vec<Bucket>, from: usize, bucket: Bucket) -> usize {
    let at = from + position(histogram.get(from..).unwrap_or_default(), bucket.index);
    match histogram.get_mut(at) {
        Some(known) if known.index == bucket.index => known.count += bucket.count,
        _ => histogram.insert(at, bucket),
    }
    at
}

/// The number of buckets with a smaller index. Looks near the beginning first, because two long
/// histograms have about the same buckets.
fn position(histogram: &[Bucket], index: u16) -> usize {
    let is_smaller = |known: &Bucket| known.index < index;
    let (mut from, mut to, mut step) = (0, 0, 1);
    while histogram.get(to).is_some_and(is_smaller) {
        from = to + 1;
        to += step;
        step *= 2;
    }
    let rest = histogram.get(from..to.min(histogram.len()));
    from + rest.unwrap_or_default().partition_point(is_smaller)
}

/// Subtracts the counts that [`add_bucket`] added.
pub fn subtract_bucket(histogram: &mut Vec<Bucket>, less: Bucket) {
    if let Ok(at) = histogram.binary_search_by_key(&less.index, |known| known.index)
        && let Some(known) = histogram.get_mut(at)
    {
        known.count = known.count.saturating_sub(less.count);
        if known.count == 0 {
            histogram.remove(at);
        }
    }
}

/// Finds the smallest response time that `percent` of all response times do not exceed, and returns
/// the end of its bucket. None if the histogram is empty.
pub fn percentile_us(histogram: &[Bucket], percent: u64) -> Option<u64> {
    let total: u64 = histogram.iter().map(|bucket| bucket.count).sum();
    let rank = (u128::from(total) * u128::from(percent)).div_ceil(100);
    let mut seen = 0;
    let reaches = |bucket: &&Bucket| {
        seen += u128::from(bucket.count);
        seen >= rank
    };
    let bucket = histogram.iter().find(reaches)?;
    Some(bucket_end_us(bucket.index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_power_of_two_is_cut_into_64_equal_buckets() {
        for index in 64..2_400u16 {
            let power = u32::from(index / 64) - 1;
            let start = u64::from(64 + index % 64) << power;
            assert_eq!(bucket_index(start), index, "{start} µs");
            assert_eq!(bucket_index(start - 1), index - 1, "{start} µs less one");
        }
    }

    #[test]
    fn a_bucket_ends_where_the_next_one_begins() {
        for index in 0..2_400u16 {
            let end = bucket_end_us(index);
            assert_eq!(
                (bucket_index(end), bucket_index(end + 1)),
                (index, index + 1)
            );
        }
    }

    #[test]
    fn the_longest_response_time_has_a_bucket() {
        for time_us in 0..=64 {
            assert_eq!(u64::from(bucket_index(time_us)), time_us);
        }
        assert!(bucket_index(crate::hit::RESPONSE_TIME_US_MAX) < 3_000);
    }

    #[test]
    fn a_bucket_that_nothing_counts_in_has_an_end_all_the_same() {
        for index in 3_000..=u16::MAX {
            assert!(bucket_end_us(index) >= bucket_end_us(index - 1));
        }
        assert_eq!(bucket_end_us(u16::MAX), u64::MAX);
    }

    #[test]
    fn of_nothing_there_is_no_percentile() {
        assert_eq!(percentile_us(&[], 50), None);
    }

    proptest! {
        #[test]
        fn a_percentile_is_never_under_the_true_one_and_at_most_2_percent_above(
            mut times_us in proptest::collection::vec(prop_oneof![0..20u64, 0..2_000u64, 0..90_000_000_000u64], 1..200),
            percent in 1..=100u64,
        ) {
            let mut histogram = Vec::new();
            for time_us in &times_us {
                add_bucket(&mut histogram, Bucket { index: bucket_index(*time_us), count: 1 });
            }
            times_us.sort_unstable();
            let rank = (times_us.len() * percent as usize).div_ceil(100);
            let exact = times_us[rank - 1];
            let told = percentile_us(&histogram, percent).unwrap();
            prop_assert!(told >= exact && told - exact <= exact / 50, "{} for {}", told, exact);
        }
    }
}
