//! Tallies, as parts of other stored values.

use rollcall_tally as live;
use rollcall_tally::{Bucket, StatusCounts};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tally {
    count: u64,
    statuses: Statuses,
    bytes: u64,
    timed: u64,
    time_sum_us: u64,
    time_max_us: u64,
    /// Index and count, sorted by index, without empty ones.
    histogram: Vec<(u16, u64)>,
}

/// 1xx to 5xx, then unknown.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Statuses(u64, u64, u64, u64, u64, u64);

impl From<&live::Tally> for Tally {
    fn from(tally: &live::Tally) -> Self {
        let pair = |bucket: &Bucket| (bucket.index, bucket.count);
        Self {
            count: tally.count,
            statuses: tally.statuses.into(),
            bytes: tally.bytes,
            timed: tally.timed,
            time_sum_us: tally.time_sum_us,
            time_max_us: tally.time_max_us,
            histogram: tally.histogram.iter().map(pair).collect(),
        }
    }
}

impl From<Tally> for live::Tally {
    fn from(tally: Tally) -> Self {
        let bucket = |(index, count)| Bucket { index, count };
        Self {
            count: tally.count,
            statuses: tally.statuses.into(),
            bytes: tally.bytes,
            timed: tally.timed,
            time_sum_us: tally.time_sum_us,
            time_max_us: tally.time_max_us,
            histogram: tally.histogram.into_iter().map(bucket).collect(),
        }
    }
}

impl From<StatusCounts> for Statuses {
    fn from(counts: StatusCounts) -> Self {
        Self(
            counts.informational,
            counts.success,
            counts.redirection,
            counts.client_error,
            counts.server_error,
            counts.unknown,
        )
    }
}

impl From<Statuses> for StatusCounts {
    fn from(counts: Statuses) -> Self {
        Self {
            informational: counts.0,
            success: counts.1,
            redirection: counts.2,
            client_error: counts.3,
            server_error: counts.4,
            unknown: counts.5,
        }
    }
}
