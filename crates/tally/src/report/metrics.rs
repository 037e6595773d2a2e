//! Status classes, errors, response times and bytes of a set of hits.

use serde::{Deserialize, Serialize};

use crate::contract::{StatusCounts, Tally};
use crate::report::Provenance;

/// Status classes, errors, response times and bytes of a set of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub status_classes: StatusCounts,
    /// Share of hits with a status of 400 and more.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub error_rate: f64,
    /// Milliseconds, over the hits that told theirs. `null` where none did, and under a filter by status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub avg_response_time: Option<f64>,
    /// Half of those hits took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p50_response_time: Option<f64>,
    /// 95 in a hundred took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p95_response_time: Option<f64>,
    /// 99 in a hundred took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p99_response_time: Option<f64>,
    /// Of the responses. `null` under a filter by status: bytes are not kept by class.
    #[cfg_attr(feature = "openapi", schema(required))]
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
