//! What was missing or changed in hits that were counted all the same.

use serde::{Deserialize, Serialize};

/// Hits of which something could not be kept as it came, by what it was. They are counted all the
/// same. A hit may be in several of these numbers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repairs {
    /// Hits with one of these repairs or more.
    pub hits: u64,
    /// No usable method or target. It counts as the method `-`, or as the path `(unknown)`.
    pub unknown_requests: u64,
    /// The path had more than 2,048 bytes. It was cut, and ends in `…`.
    pub cut_paths: u64,
    /// The path had control characters, or bytes that are no UTF-8. Each is `U+FFFD` now.
    pub replaced_text: u64,
    /// The status was not from 100 to 599.
    pub unknown_statuses: u64,
    /// The response time was negative, no number, or longer than a day.
    pub unknown_response_times: u64,
    /// The size of the response was negative, no number, or more than 1 TiB.
    pub unknown_bytes: u64,
    /// The country was no code of two characters.
    pub unknown_countries: u64,
}

impl Repairs {
    pub fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        self.unknown_requests += other.unknown_requests;
        self.cut_paths += other.cut_paths;
        self.replaced_text += other.replaced_text;
        self.unknown_statuses += other.unknown_statuses;
        self.unknown_response_times += other.unknown_response_times;
        self.unknown_bytes += other.unknown_bytes;
        self.unknown_countries += other.unknown_countries;
    }
}
