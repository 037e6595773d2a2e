//! What prewarming did.

use serde::Serialize;

/// The answers that were computed so that whoever asks finds them fresh.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prewarmed {
    /// In their order.
    pub computed: Vec<Computed>,
}

/// One answer that was computed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Computed {
    /// Its name, and each parameter written out.
    pub question: String,
    pub duration_ms: u64,
}
