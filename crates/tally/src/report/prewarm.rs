//! The result of prewarming.

use serde::Serialize;

/// The answers that were computed in advance.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prewarmed {
    /// In the order in which they were computed.
    pub computed: Vec<Computed>,
}

/// One answer that was computed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Computed {
    /// The name of the question, and every parameter.
    pub question: String,
    pub duration_ms: u64,
}
