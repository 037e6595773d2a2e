//! Status classes, errors, response times and bytes of a set of hits.

use serde::{Deserialize, Serialize};

use crate::contract::{StatusCounts, Tally};
use crate::report::Provenance;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub status_classes: StatusCounts,
    /// Share of hits with a status of 400 and more.
    pub error_rate: f64,
    /// Milliseconds, as all response times. None where no hit told one, and under a filter by status.
    pub avg_response_time: Option<f64>,
    pub p50_response_time: Option<f64>,
    pub p95_response_time: Option<f64>,
    pub p99_response_time: Option<f64>,
    /// None under a filter by status: bytes are not kept by class.
    pub total_bytes: Option<u64>,
}

impl Metrics {
    pub fn new(tally: &Tally, provenance: &Provenance) -> Self {
        Self {
            status_classes: tally.statuses,
            error_rate: tally.error_rate(),
            avg_response_time: tally.avg_response_time_ms(),
            p50_response_time: tally.percentile_ms(50),
            p95_response_time: tally.percentile_ms(95),
            p99_response_time: tally.percentile_ms(99),
            total_bytes: (!provenance.is_of_one_class()).then_some(tally.bytes),
        }
    }
}
