//! Status classes, errors, response times and bytes of a set of hits.

use serde::{Deserialize, Serialize};

use crate::contract::{StatusCounts, Tally};
use crate::report::{Provenance, ResponseTimes};

/// Status classes, errors, response times and bytes of a set of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub status_classes: StatusCounts,
    /// Share of hits with a status of 400 and more.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub error_rate: f64,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
    /// Of the responses. `null` under a filter by status: bytes are not kept by class.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub total_bytes: Option<u64>,
}

impl Metrics {
    pub fn new(tally: &Tally, provenance: &Provenance) -> Self {
        Self {
            status_classes: tally.statuses,
            error_rate: tally.error_rate(),
            response_times: ResponseTimes::new(tally),
            total_bytes: (!provenance.is_of_one_class()).then_some(tally.bytes),
        }
    }
}
