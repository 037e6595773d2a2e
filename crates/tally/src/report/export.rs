//! Rows of an export.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::contract::{IpRows, PathRow};
use crate::filter::UNKNOWN;
use crate::report::rfc3339;
use crate::shown::{is_hidden, shown};

/// The characters that start a formula in a spreadsheet. Spreadsheets read the wide characters as
/// the narrow ones.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The hits of one IP on one path in the range. It is a row of an export, with the names of its
/// columns.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRecord<'r> {
    pub ip: Cow<'r, str>,
    /// `METHOD /path`.
    pub path_key: Cow<'r, str>,
    pub method: Cow<'r, str>,
    /// Hits.
    pub count: u64,
    /// The first hit of this IP on this path, ever.
    #[serde(rename = "firstSeen", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub first_seen_ms: u64,
    /// The last hit of this IP on this path, ever.
    #[serde(rename = "lastAccessed", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_accessed_ms: u64,
    /// The country that the IP told last. `unknown` if it told none.
    pub country: Cow<'r, str>,
    /// The user agent that the IP told last. `unknown` if it told none.
    pub user_agent: Cow<'r, str>,
    pub path: Cow<'r, str>,
    /// Hits with a status of 400 and more.
    pub errors: u64,
    /// Bytes of the responses. `null` under a filter by status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub bytes: Option<u64>,
    /// In milliseconds. `null` if no hit has a response time, and under a filter by status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub avg_response_time: Option<f64>,
}

impl ExportRecord<'_> {
    /// The columns, in their order.
    pub const COLUMNS: [&'static str; 12] = [
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

    /// For spreadsheets: quotes each text that a spreadsheet would run as a formula, and shows
    /// characters that cannot be seen as escapes.
    pub fn defused(mut self) -> Self {
        for text in [
            &mut self.path_key,
            &mut self.method,
            &mut self.country,
            &mut self.user_agent,
            &mut self.path,
        ] {
            if !is_safe(text) {
                *text = Cow::Owned(defused(&shown(text)));
            }
        }
        self
    }
}

fn is_safe(text: &str) -> bool {
    !text.contains(is_hidden) && !text.split(';').any(is_formula)
}

fn is_formula(part: &str) -> bool {
    part.trim_start().starts_with(FORMULA_STARTS)
}

/// Quotes formulas. A spreadsheet that cuts lines at semicolons takes each part for a value, and
/// some skip blanks before a value.
fn defused(text: &str) -> String {
    let quoted = text.split(';').map(|part| match is_formula(part) {
        true => format!("'{part}"),
        false => part.to_owned(),
    });
    quoted.collect::<Vec<_>>().join(";")
}

impl IpRows {
    /// The rows, with the names of their columns.
    pub fn records(&self) -> impl Iterator<Item = ExportRecord<'_>> {
        self.paths.iter().map(|row| self.record(row))
    }

    fn record<'r>(&'r self, row: &'r PathRow) -> ExportRecord<'r> {
        let known = |text: &'r Option<String>| text.as_deref().unwrap_or(UNKNOWN).into();
        let (method, path) = row.path_key.split_once(' ').unwrap_or(("", &row.path_key));
        ExportRecord {
            ip: self.ip.as_str().into(),
            path_key: row.path_key.as_str().into(),
            method: method.into(),
            count: row.count,
            first_seen_ms: row.first_seen_ms,
            last_accessed_ms: row.last_accessed_ms,
            country: known(&self.country),
            user_agent: known(&self.user_agent),
            path: path.into(),
            errors: row.client_errors + row.server_errors,
            bytes: row.bytes,
            avg_response_time: (row.timed > 0)
                .then(|| row.time_sum_us as f64 / row.timed as f64 / 1_000.0),
        }
    }
}
