//! Tallies, as parts of other stored values.

use rollcall_tally as live;
use rollcall_tally::histogram::{add_bucket, bucket_index};
use rollcall_tally::{Bucket, StatusCount, StatusCounts};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Debug, Deserialize)]
pub(super) struct Tally {
    count: u64,
    /// Code and count. Sorted by code, without zeros.
    statuses: Vec<(u16, u64)>,
    bytes: u64,
    timed: u64,
    time_sum_us: u64,
    time_max_us: u64,
    /// Index and count. Sorted by index, without zeros.
    histogram: Vec<(u16, u64)>,
}

/// Writes a [`Tally`] from a live tally, without a copy.
#[derive(Serialize)]
pub(super) struct LiveTally<'t> {
    count: u64,
    #[serde(serialize_with = "statuses")]
    statuses: &'t [StatusCount],
    bytes: u64,
    timed: u64,
    time_sum_us: u64,
    time_max_us: u64,
    #[serde(serialize_with = "histogram")]
    histogram: &'t [Bucket],
}

fn statuses<S: Serializer>(statuses: &[StatusCount], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(statuses.iter().map(|of| (of.code, of.count)))
}

fn histogram<S: Serializer>(histogram: &[Bucket], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(histogram.iter().map(|of| (of.index, of.count)))
}

impl<'t> From<&'t live::Tally> for LiveTally<'t> {
    fn from(tally: &'t live::Tally) -> Self {
        Self {
            count: tally.count,
            statuses: &tally.statuses,
            bytes: tally.bytes,
            timed: tally.timed,
            time_sum_us: tally.time_sum_us,
            time_max_us: tally.time_max_us,
            histogram: &tally.histogram,
        }
    }
}

/// The tally of layout 4. It has statuses by class, and a histogram with eight steps from one power
/// of two to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tally4 {
    count: u64,
    statuses: Statuses,
    bytes: u64,
    timed: u64,
    time_sum_us: u64,
    time_max_us: u64,
    histogram: Vec<(u16, u64)>,
}

/// 1xx to 5xx, then unknown.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Statuses(u64, u64, u64, u64, u64, u64);

impl From<Tally> for live::Tally {
    fn from(tally: Tally) -> Self {
        let status = |(code, count)| StatusCount { code, count };
        let bucket = |(index, count)| Bucket { index, count };
        Self {
            count: tally.count,
            statuses: tally.statuses.into_iter().map(status).collect(),
            bytes: tally.bytes,
            timed: tally.timed,
            time_sum_us: tally.time_sum_us,
            time_max_us: tally.time_max_us,
            histogram: tally.histogram.into_iter().map(bucket).collect(),
        }
    }
}

impl From<Tally4> for live::Tally {
    fn from(tally: Tally4) -> Self {
        let Statuses(informational, success, redirection, client, server, unknown) = tally.statuses;
        let classes = [unknown, informational, success, redirection, client, server];
        let statuses = (0..).zip(classes).filter(|(_, count)| *count > 0);
        let mut histogram = Vec::new();
        for (index, count) in tally.histogram {
            let index = bucket_index(end_us_4(index));
            add_bucket(&mut histogram, Bucket { index, count });
        }
        Self {
            count: tally.count,
            statuses: statuses
                .map(|(code, count)| StatusCount { code, count })
                .collect(),
            bytes: tally.bytes,
            timed: tally.timed,
            time_sum_us: tally.time_sum_us,
            time_max_us: tally.time_max_us,
            histogram,
        }
    }
}

/// The longest response time of a bucket in layout 4.
fn end_us_4(index: u16) -> u64 {
    if index < 8 {
        return u64::from(index);
    }
    let power = u32::from(index / 8) - 1;
    let next = u64::from(9 + index % 8);
    let start = 1u64
        .checked_shl(power)
        .and_then(|unit| next.checked_mul(unit));
    start.map_or(u64::MAX, |start| start - 1)
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
