//! What is counted of any set of hits. Sums and maxima only, so that merging is associative and commutative.

use serde::{Deserialize, Serialize};

use crate::hit::Hit;

/// Hits by class of status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    #[serde(rename = "1xx")]
    pub informational: u64,
    #[serde(rename = "2xx")]
    pub success: u64,
    #[serde(rename = "3xx")]
    pub redirection: u64,
    #[serde(rename = "4xx")]
    pub client_error: u64,
    #[serde(rename = "5xx")]
    pub server_error: u64,
    /// Hits without a status.
    pub unknown: u64,
}

impl StatusCounts {
    fn class(&mut self, status: Option<u16>) -> &mut u64 {
        match status.map(|code| code / 100) {
            Some(1) => &mut self.informational,
            Some(2) => &mut self.success,
            Some(3) => &mut self.redirection,
            Some(4) => &mut self.client_error,
            Some(5) => &mut self.server_error,
            _ => &mut self.unknown,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.informational += other.informational;
        self.success += other.success;
        self.redirection += other.redirection;
        self.client_error += other.client_error;
        self.server_error += other.server_error;
        self.unknown += other.unknown;
    }
}

/// One bucket of a histogram of response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub index: u16,
    pub count: u64,
}

/// The bucket of a response time: exact below 8 µs, then eight equal steps from each power of two to the next, so that a
/// bucket is never wider than an eighth of what it holds.
pub fn bucket_index(time_us: u64) -> u16 {
    let power = time_us.max(1).ilog2();
    if power < 3 {
        return time_us as u16;
    }
    let step = (time_us >> (power - 3)) & 7;
    ((power - 2) * 8) as u16 + step as u16
}

/// Count, status classes, bytes and response times of a set of hits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub count: u64,
    pub statuses: StatusCounts,
    pub bytes: u64,
    /// Hits that told their response time.
    pub timed: u64,
    pub time_sum_us: u64,
    pub time_max_us: u64,
    /// Sorted by index; empty buckets are left out.
    pub histogram: Vec<Bucket>,
}

impl Tally {
    /// Counts one hit.
    pub fn add(&mut self, hit: &Hit) {
        self.count += 1;
        *self.statuses.class(hit.status) += 1;
        self.bytes = self.bytes.saturating_add(hit.bytes.unwrap_or(0));
        if let Some(time_us) = hit.response_time_us {
            self.timed += 1;
            self.time_sum_us = self.time_sum_us.saturating_add(time_us);
            self.time_max_us = self.time_max_us.max(time_us);
            self.add_bucket(Bucket {
                index: bucket_index(time_us),
                count: 1,
            });
        }
    }

    /// Counts what `other` counted, too.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.statuses.merge(&other.statuses);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.timed += other.timed;
        self.time_sum_us = self.time_sum_us.saturating_add(other.time_sum_us);
        self.time_max_us = self.time_max_us.max(other.time_max_us);
        for bucket in &other.histogram {
            self.add_bucket(*bucket);
        }
    }

    fn add_bucket(&mut self, bucket: Bucket) {
        match self
            .histogram
            .binary_search_by_key(&bucket.index, |b| b.index)
        {
            Ok(at) => {
                if let Some(known) = self.histogram.get_mut(at) {
                    known.count += bucket.count;
                }
            }
            Err(at) => self.histogram.insert(at, bucket),
        }
    }

    /// Share of hits with a status of 400 and more, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        ratio(
            self.statuses.client_error + self.statuses.server_error,
            self.count,
        )
    }

    /// Milliseconds, over the hits that told their response time.
    pub fn avg_response_time_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.time_sum_us as f64 / self.timed as f64 / 1_000.0)
    }
}

/// `part / whole`, and 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_power_of_two_is_cut_into_eight_equal_buckets() {
        for index in 8..300u16 {
            let power = u32::from(index / 8) - 1;
            let start = u64::from(8 + index % 8) << power;
            assert_eq!(bucket_index(start), index, "{start} µs");
            assert_eq!(bucket_index(start - 1), index - 1, "{start} µs less one");
        }
    }

    #[test]
    fn the_longest_response_time_has_a_bucket() {
        assert_eq!(bucket_index(0), 0);
        assert_eq!(bucket_index(7), 7);
        assert_eq!(bucket_index(8), 8);
        assert_eq!(bucket_index(16), 16);
        assert!(bucket_index(crate::hit::RESPONSE_TIME_US_MAX) < 512);
    }
}
