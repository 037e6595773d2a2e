//! The fields that every answer has about itself.

use serde::{Deserialize, Serialize};

use crate::contract::{Behind, Filter, Window};
use crate::filter::as_parameters;
use crate::report::{rfc3339, rfc3339_if_any};

/// The fields that every answer has about itself.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The window asked for. Absent if `from` or `to` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub time_range: Option<Window>,
    /// When the first bucket that counts begins. `null`: all hits up to `to` count.
    #[serde(rename = "from", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub from_ms: Option<u64>,
    /// When the last bucket that counts ends.
    #[serde(rename = "to", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to_ms: u64,
    /// The IANA name of the time zone whose days are counted.
    pub time_zone: String,
    /// The filters that applied. Absent: all hits count.
    #[serde(
        with = "as_parameters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = as_parameters::Parameters))]
    pub filter: Option<Filter>,
    /// The moment of the answer: windows end then. If `behind` is absent, the answer holds
    /// everything that was acknowledged before the question.
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
    /// The missing data, in words.
    pub warnings: Vec<String>,
    /// Hits that were recorded before the question and are not in the answer. Absent if there are
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub behind: Option<Behind>,
}

impl Provenance {
    /// Whether no hit is missing that was acknowledged before the question.
    pub fn is_whole(&self) -> bool {
        self.coverage >= 1.0 && self.behind.is_none()
    }

    /// Whether a filter by status applied. Then bytes and response times are not known.
    pub fn is_of_one_status(&self) -> bool {
        let filter = self.filter.as_ref();
        filter.is_some_and(|filter| filter.status.is_some())
    }

    /// The length of the window. A window without a beginning counts from the first hit.
    pub fn length_ms(&self, first_seen_ms: Option<u64>) -> u64 {
        let since =
            |from_ms: Option<u64>| from_ms.map_or(0, |from_ms| self.to_ms.saturating_sub(from_ms));
        let of_window = self.time_range.and_then(Window::length_ms);
        of_window.unwrap_or_else(|| since(self.from_ms.or(first_seen_ms)))
    }
}
