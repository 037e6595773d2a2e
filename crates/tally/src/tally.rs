//! What is counted of any set of hits. Sums and maxima only, so that merging is associative and commutative.

use serde::{Deserialize, Serialize};

use crate::histogram::{Bucket, add_bucket, bucket_index, percentile_us};
use crate::hit::Hit;
use crate::status::{StatusClass, StatusCounts};

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
        self.statuses.add(StatusClass::of(hit.status), 1);
        self.bytes = self.bytes.saturating_add(hit.bytes.unwrap_or(0));
        if let Some(time_us) = hit.response_time_us {
            self.timed += 1;
            self.time_sum_us = self.time_sum_us.saturating_add(time_us);
            self.time_max_us = self.time_max_us.max(time_us);
            let index = bucket_index(time_us);
            add_bucket(&mut self.histogram, Bucket { index, count: 1 });
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
            add_bucket(&mut self.histogram, *bucket);
        }
    }

    /// Counts what `other` counted of a class of status. Bytes and response times are not kept by class: of them, nothing.
    pub fn merge_class(&mut self, other: &Self, class: Option<StatusClass>) {
        match class {
            None => self.merge(other),
            Some(class) => {
                let count = other.statuses.of(class);
                self.count += count;
                self.statuses.add(class, count);
            }
        }
    }

    /// Hits of a class of status, or all.
    pub fn count_of(&self, class: Option<StatusClass>) -> u64 {
        class.map_or(self.count, |class| self.statuses.of(class))
    }

    /// Hits with a status of 400 and more.
    pub fn errors(&self) -> u64 {
        self.statuses.client_error + self.statuses.server_error
    }

    /// Share of hits with a status of 400 and more, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        ratio(self.errors(), self.count)
    }

    /// Milliseconds, over the hits that told their response time.
    pub fn avg_response_time_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.time_sum_us as f64 / self.timed as f64 / 1_000.0)
    }

    /// What `percent` of the response times do not exceed: never under the true value, at most an eighth above it, and at most
    /// the longest.
    pub fn percentile_us(&self, percent: u64) -> Option<u64> {
        percentile_us(&self.histogram, percent).map(|time_us| time_us.min(self.time_max_us))
    }

    /// The same in milliseconds.
    pub fn percentile_ms(&self, percent: u64) -> Option<f64> {
        self.percentile_us(percent)
            .map(|time_us| time_us as f64 / 1_000.0)
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
