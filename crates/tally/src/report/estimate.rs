//! What an answer would cost.

use serde::{Deserialize, Serialize};

use crate::report::rfc3339;

/// Who would give an answer.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EstimateSource {
    /// The sums over all IPs.
    Sums,
    /// Each of the IPs.
    Ips,
}

/// What an answer would cost, if it had to be computed now. Nothing was computed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    pub source: EstimateSource,
    /// IPs whose states would be read. If the sums tell too little of the IPs that called most, it
    /// may be more.
    #[serde(rename = "ipsToRead")]
    pub ips_to_read: u64,
    /// Requests to the collector for these states, or for the sums.
    pub requests: u64,
    #[serde(rename = "asOf", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of_ms: u64,
}
