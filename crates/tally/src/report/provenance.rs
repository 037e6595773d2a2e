//! What every answer says of itself.

use serde::{Deserialize, Serialize};

use crate::contract::{Filter, Window};
use crate::filter::as_parameters;
use crate::report::rfc3339;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    pub time_range: Window,
    /// Which hits count. None: all of them.
    #[serde(
        with = "as_parameters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub filter: Option<Filter>,
    /// The moment that the window ends.
    #[serde(rename = "asOf", with = "rfc3339")]
    pub as_of_ms: u64,
    #[serde(rename = "generatedAt", with = "rfc3339")]
    pub generated_at_ms: u64,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    pub warnings: Vec<String>,
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
