//! The counts of any set of hits. They are only sums and maxima. So merging is associative and
//! commutative.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::{
    Bucket, add_bucket, add_bucket_from, bucket_end_us, bucket_index, percentile_us,
    subtract_bucket,
};
use crate::hit::{Grouping, Measures};
use crate::status::{
    NO_STATUS, StatusCount, StatusCounts, StatusFilter, add_status, subtract_status,
};

/// Count, statuses, bytes and response times of a set of hits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub count: u64,
    /// Sorted by code. Statuses without a hit are left out.
    pub statuses: Vec<StatusCount>,
    pub bytes: u64,
    /// Hits with a response time.
    pub timed: u64,
    pub time_sum_us: u64,
    pub time_max_us: u64,
    /// Sorted by index. Empty buckets are left out.
    pub histogram: Vec<Bucket>,
}

impl Tally {
    /// Counts one hit.
    pub fn add(&mut self, hit: Measures) {
        self.count += 1;
        let code = hit.status.unwrap_or(NO_STATUS);
        add_status(&mut self.statuses, StatusCount { code, count: 1 });
        self.bytes = self.bytes.saturating_add(hit.bytes.unwrap_or(0));
        if let Some(time_us) = hit.response_time_us {
            self.timed += 1;
            self.time_sum_us = self.time_sum_us.saturating_add(time_us);
            self.time_max_us = self.time_max_us.max(time_us);
            let index = bucket_index(time_us);
            add_bucket(&mut self.histogram, Bucket { index, count: 1 });
        }
    }

    /// Begins anew, in the same memory.
    pub fn clear(&mut self) {
        let (mut statuses, mut histogram) = (
            std::mem::take(&mut self.statuses),
            std::mem::take(&mut self.histogram),
        );
        statuses.clear();
        histogram.clear();
        *self = Self {
            statuses,
            histogram,
            ..Self::default()
        };
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for status in &other.statuses {
            add_status(&mut self.statuses, *status);
        }
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.timed += other.timed;
        self.time_sum_us = self.time_sum_us.saturating_add(other.time_sum_us);
        self.time_max_us = self.time_max_us.max(other.time_max_us);
        let mut at = 0;
        for bucket in &other.histogram {
            at = add_bucket_from(&mut self.histogram, at, *bucket);
        }
    }

    /// Subtracts the counts of `other`. The longest response time stays, because the longest one
    /// without `other` is not known.
    pub fn subtract(&mut self, other: &Self) {
        self.count = self.count.saturating_sub(other.count);
        for status in &other.statuses {
            subtract_status(&mut self.statuses, *status);
        }
        self.bytes = self.bytes.saturating_sub(other.bytes);
        self.timed = self.timed.saturating_sub(other.timed);
        self.time_sum_us = self.time_sum_us.saturating_sub(other.time_sum_us);
        for bucket in &other.histogram {
            subtract_bucket(&mut self.histogram, *bucket);
        }
    }

    /// Sets the longest response time to the value that the histogram gives. For sums on which
    /// [`Self::subtract`] is used.
    pub fn forget_max(&mut self) {
        let longest = self.histogram.last();
        self.time_max_us = longest.map_or(0, |bucket| bucket_end_us(bucket.index));
    }

    /// Adds the hits of `other` that this filter lets through. Bytes and response times are not
    /// kept by status. So none of them are added. None: adds all of `other`.
    pub fn merge_status(&mut self, other: &Self, filter: Option<&StatusFilter>) {
        match filter {
            None => self.merge(other),
            Some(filter) => {
                for status in other.of_status(filter) {
                    self.add_status(*status);
                }
            }
        }
    }

    /// Adds hits of a status, of which nothing else is known.
    pub fn add_status(&mut self, status: StatusCount) {
        self.count += status.count;
        add_status(&mut self.statuses, status);
    }

    /// The hits of each status, or of each class.
    pub fn by_status(&self, by: Grouping) -> BTreeMap<String, Self> {
        let mut groups: BTreeMap<String, Self> = BTreeMap::new();
        for status in &self.statuses {
            let group = groups.entry(by.name_of(status)).or_default();
            group.add_status(*status);
        }
        groups
    }

    /// Hits that this filter lets through. None: all hits.
    pub fn count_of(&self, filter: Option<&StatusFilter>) -> u64 {
        filter.map_or(self.count, |filter| {
            self.of_status(filter).map(|status| status.count).sum()
        })
    }

    fn of_status(&self, filter: &StatusFilter) -> impl Iterator<Item = &StatusCount> {
        let statuses = self.statuses.iter();
        statuses.filter(move |status| filter.lets(status.code))
    }

    /// Hits by class of status.
    pub fn classes(&self) -> StatusCounts {
        StatusCounts::of_statuses(&self.statuses)
    }

    /// Hits with a status of 400 and more.
    pub fn errors(&self) -> u64 {
        let classes = self.classes();
        classes.client_error + classes.server_error
    }

    /// Share of hits with a status of 400 and more, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        ratio(self.errors(), self.count)
    }

    /// In milliseconds, over the hits with a response time.
    pub fn avg_response_time_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.time_sum_us as f64 / self.timed as f64 / 1_000.0)
    }

    /// The time that `percent` of the response times do not exceed. It is never under the true
    /// value, and at most 1.6 % above it. It is never longer than the longest response time.
    pub fn percentile_us(&self, percent: u64) -> Option<u64> {
        percentile_us(&self.histogram, percent).map(|time_us| time_us.min(self.time_max_us))
    }

    /// Like [`Self::percentile_us`], in milliseconds.
    pub fn percentile_ms(&self, percent: u64) -> Option<f64> {
        self.percentile_us(percent)
            .map(|time_us| time_us as f64 / 1_000.0)
    }
}

/// `part / whole`. 0 if `whole` is 0.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
