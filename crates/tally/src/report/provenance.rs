//! What every answer says of itself.

use serde::{Deserialize, Serialize};

use crate::contract::{Behind, Filter, Window};
use crate::filter::as_parameters;
use crate::report::rfc3339;

/// What an answer says of itself.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The window asked for.
    pub time_range: Window,
    /// Which hits count. Left out: all of them.
    #[serde(
        with = "as_parameters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = as_parameters::Parameters))]
    pub filter: Option<Filter>,
    /// The moment that the window ends. Everything acknowledged before the question is in the answer, unless `behind` is there.
    #[serde(rename = "asOf", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of_ms: u64,
    /// When the answer was made.
    #[serde(rename = "generatedAt", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at_ms: u64,
    /// Share of the IPs asked that answered.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub coverage: f64,
    /// What is missing, in words.
    pub warnings: Vec<String>,
    /// What was recorded before the question and is not in the answer. Left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub behind: Option<Behind>,
}

impl Provenance {
    /// Whether only hits of one class of status count, of which bytes and response times are not known.
    pub fn is_of_one_class(&self) -> bool {
        let filter = self.filter.as_ref();
        filter.is_some_and(|filter| filter.status.is_some())
    }

    /// How long the window is. `all` counts from the first hit.
    pub fn length_ms(&self, first_seen_ms: Option<u64>) -> u64 {
        let since_first =
            || first_seen_ms.map_or(0, |first_ms| self.as_of_ms.saturating_sub(first_ms));
        self.time_range.length_ms().unwrap_or_else(since_first)
    }
}
