//! Response times of a set of hits: their average and percentiles.

use serde::{Deserialize, Serialize};

use crate::contract::Tally;

/// Average and percentiles of the response times of a set of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseTimes {
    /// The average in milliseconds, over the hits that have a response time. `null` if there are
    /// none, and under a filter by status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub avg_response_time: Option<f64>,
    /// Half of these hits took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p50_response_time: Option<f64>,
    /// 95 of 100 of these hits took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p95_response_time: Option<f64>,
    /// 99 of 100 of these hits took no longer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub p99_response_time: Option<f64>,
}

impl ResponseTimes {
    pub fn new(tally: &Tally) -> Self {
        Self {
            avg_response_time: tally.avg_response_time_ms(),
            p50_response_time: tally.percentile_ms(50),
            p95_response_time: tally.percentile_ms(95),
            p99_response_time: tally.percentile_ms(99),
        }
    }
}
