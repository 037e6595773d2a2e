//! Rows of an export.

use serde::Serialize;

use crate::contract::ExportRow;
use crate::filter::UNKNOWN;
use crate::report::rfc3339;

/// What a spreadsheet takes for the beginning of a formula, or may leave out before one. The wide ones are read as the narrow ones are.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A row of an export, with the names of its columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRecord {
    pub ip: String,
    pub path_key: String,
    pub method: String,
    pub count: u64,
    #[serde(rename = "firstSeen", serialize_with = "rfc3339::serialize")]
    pub first_seen_ms: u64,
    #[serde(rename = "lastAccessed", serialize_with = "rfc3339::serialize")]
    pub last_accessed_ms: u64,
    pub country: String,
    pub user_agent: String,
    pub path: String,
    pub errors: u64,
    /// None under a filter by status, as is the response time.
    pub bytes: Option<u64>,
    pub avg_response_time: Option<f64>,
}

impl ExportRecord {
    /// The columns, in their order.
    pub const COLUMNS: [&str; 12] = [
        "ip",
        "pathKey",
        "method",
        "count",
        "firstSeen",
        "lastAccessed",
        "country",
        "userAgent",
        "path",
        "errors",
        "bytes",
        "avgResponseTime",
    ];

    /// For spreadsheets: a text that one would run as a formula is quoted.
    pub fn defused(mut self) -> Self {
        for text in [
            &mut self.path_key,
            &mut self.method,
            &mut self.country,
            &mut self.user_agent,
            &mut self.path,
        ] {
            if text.starts_with(FORMULA_STARTS) {
                text.insert(0, '\'');
            }
        }
        self
    }
}

impl From<ExportRow> for ExportRecord {
    fn from(row: ExportRow) -> Self {
        Self {
            ip: row.ip,
            path_key: row.path_key,
            method: row.method,
            count: row.count,
            first_seen_ms: row.first_seen_ms,
            last_accessed_ms: row.last_accessed_ms,
            country: row.country.unwrap_or_else(|| UNKNOWN.to_owned()),
            user_agent: row.user_agent.unwrap_or_else(|| UNKNOWN.to_owned()),
            path: row.path,
            errors: row.client_errors + row.server_errors,
            bytes: row.bytes,
            avg_response_time: (row.timed > 0)
                .then(|| row.time_sum_us as f64 / row.timed as f64 / 1_000.0),
        }
    }
}
