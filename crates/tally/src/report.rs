//! The answers, in the shapes that the admin API gives them out in. The same types as `wit/rollcall.wit`'s interface `reports`.
//!
//! Response times are milliseconds, times RFC 3339 in UTC, shares 0 to 1 unless they are called a percentage.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::contract::{
    CallerSummary, ExportRow, PathSummary, RecentActivity, StatusCounts, Summary, Tally, Window,
};
use crate::tally::ratio;
use crate::window::DAY_MS;

/// Countries named with each path.
pub const TOP_COUNTRIES: usize = 5;
/// Paths named in the global statistics.
pub const GLOBAL_TOP_PATHS: usize = 10;
/// What an unknown country or user agent is called.
pub const UNKNOWN: &str = "unknown";

/// What a list of paths is sorted by, descending. Equals are sorted by path key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathOrder {
    Requests,
    UniqueIps,
    AvgResponseTime,
}

impl PathOrder {
    pub const EVERY: [Self; 3] = [Self::Requests, Self::UniqueIps, Self::AvgResponseTime];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniqueIps => "uniqueIPs",
            Self::AvgResponseTime => "avgResponseTime",
        }
    }

    fn compare(self, a: &PathSummary, b: &PathSummary) -> Ordering {
        let average = |path: &PathSummary| path.tally.avg_response_time_ms().unwrap_or(-1.0);
        let by_order = match self {
            Self::Requests => b.tally.count.cmp(&a.tally.count),
            Self::UniqueIps => b.ips.cmp(&a.ips),
            Self::AvgResponseTime => average(b).total_cmp(&average(a)),
        };
        by_order.then_with(|| a.path_key.cmp(&b.path_key))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CountryShare {
    pub country: String,
    pub requests: u64,
    /// Percent of the path's requests.
    pub percentage: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub status_classes: StatusCounts,
    /// Share of hits with a status of 400 and more.
    pub error_rate: f64,
    /// None where no hit told its response time.
    pub avg_response_time: Option<f64>,
    pub total_bytes: u64,
}

impl From<&Tally> for Metrics {
    fn from(tally: &Tally) -> Self {
        Self {
            status_classes: tally.statuses,
            error_rate: tally.error_rate(),
            avg_response_time: tally.avg_response_time_ms(),
            total_bytes: tally.bytes,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    pub path_key: String,
    pub total_requests: u64,
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    #[serde(rename = "avgRequestsPerIP")]
    pub avg_requests_per_ip: f64,
    /// At most [`TOP_COUNTRIES`].
    pub top_countries: Vec<CountryShare>,
    pub recent_activity: RecentActivity,
    #[serde(flatten)]
    pub metrics: Metrics,
}

impl From<PathSummary> for PathStats {
    fn from(path: PathSummary) -> Self {
        let total = path.tally.count;
        let mut countries = path.countries;
        countries.sort_by(|a, b| {
            b.requests
                .cmp(&a.requests)
                .then_with(|| a.country.cmp(&b.country))
        });
        let share = |name: String, requests: u64| CountryShare {
            country: if name.is_empty() {
                UNKNOWN.to_owned()
            } else {
                name
            },
            requests,
            percentage: 100.0 * ratio(requests, total),
        };
        Self {
            total_requests: total,
            unique_ips: path.ips,
            avg_requests_per_ip: ratio(total, path.ips),
            top_countries: countries
                .into_iter()
                .take(TOP_COUNTRIES)
                .map(|country| share(country.country, country.requests))
                .collect(),
            recent_activity: path.recent,
            metrics: Metrics::from(&path.tally),
            path_key: path.path_key,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IpStats {
    pub ip: String,
    pub total_requests: u64,
    pub unique_paths: u64,
    pub country: Option<String>,
    #[serde(rename = "firstSeen", serialize_with = "rfc3339")]
    pub first_seen_ms: u64,
    #[serde(rename = "lastSeen", serialize_with = "rfc3339")]
    pub last_seen_ms: u64,
    pub recent_activity: RecentActivity,
    #[serde(flatten)]
    pub metrics: Metrics,
}

impl From<CallerSummary> for IpStats {
    fn from(caller: CallerSummary) -> Self {
        Self {
            total_requests: caller.tally.count,
            unique_paths: caller.path_keys,
            country: caller.country,
            first_seen_ms: caller.first_seen_ms,
            last_seen_ms: caller.last_seen_ms,
            recent_activity: caller.recent,
            metrics: Metrics::from(&caller.tally),
            ip: caller.ip,
        }
    }
}

/// What every answer says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    pub time_range: Window,
    /// The moment that the window ends.
    #[serde(rename = "asOf", serialize_with = "rfc3339")]
    pub as_of_ms: u64,
    #[serde(rename = "generatedAt", serialize_with = "rfc3339")]
    pub generated_at_ms: u64,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    pub warnings: Vec<String>,
}

/// Prices that the operator configured, in any currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    pub per_million_requests: f64,
    pub per_compute_hour: f64,
}

/// What the recorded traffic costs at the configured prices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostMetrics {
    pub estimated_daily_cost: f64,
    pub estimated_monthly_cost: f64,
    /// Hits in the window.
    pub do_request_count: u64,
    /// Their response times, added up.
    pub active_duration_hours: f64,
}

impl CostMetrics {
    /// The window's cost, spread evenly over its days; `days` is its length.
    pub fn new(tally: &Tally, days: f64, prices: Prices) -> Self {
        let hours = tally.time_sum_us as f64 / 3.6e9;
        let cost = tally.count as f64 / 1e6 * prices.per_million_requests
            + hours * prices.per_compute_hour;
        let daily = cost / days.max(1.0 / 24.0);
        Self {
            estimated_daily_cost: daily,
            estimated_monthly_cost: daily * 30.0,
            do_request_count: tally.count,
            active_duration_hours: hours,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GlobalStats {
    pub total_requests: u64,
    /// Path keys of each IP, added up over the IPs.
    pub total_paths: u64,
    /// Distinct path keys.
    pub unique_paths: u64,
    /// IPs seen within `active_days`.
    #[serde(rename = "totalActiveIPs")]
    pub total_active_ips: u64,
    /// IPs seen within the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// IP states that answered.
    #[serde(rename = "totalActiveDOs")]
    pub total_active_dos: u64,
    /// `totalPaths / uniqueIPs`.
    #[serde(rename = "avgPathsPerIP")]
    pub avg_paths_per_ip: f64,
    /// The [`GLOBAL_TOP_PATHS`] most called.
    pub top_paths: Vec<PathStats>,
    #[serde(flatten)]
    pub metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_metrics: Option<CostMetrics>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl GlobalStats {
    /// `active_ips` is counted over the index, not over the states.
    pub fn new(mut summary: Summary, active_ips: u64, provenance: Provenance) -> Self {
        Self {
            total_requests: summary.tally.count,
            total_paths: summary.path_keys,
            unique_paths: summary.paths.len() as u64,
            total_active_ips: active_ips,
            unique_ips: summary.ips,
            total_active_dos: summary.answered,
            avg_paths_per_ip: ratio(summary.path_keys, summary.ips),
            top_paths: top_paths(
                std::mem::take(&mut summary.paths),
                PathOrder::Requests,
                GLOBAL_TOP_PATHS,
            ),
            metrics: Some(Metrics::from(&summary.tally)),
            cost_metrics: None,
            provenance,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopPaths {
    pub paths: Vec<PathStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopIps {
    pub ips: Vec<IpStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// The first `limit` paths in an order.
pub fn top_paths(mut paths: Vec<PathSummary>, order: PathOrder, limit: usize) -> Vec<PathStats> {
    paths.sort_unstable_by(|a, b| order.compare(a, b));
    paths.into_iter().take(limit).map(PathStats::from).collect()
}

/// The first `limit` callers by requests. Equals are sorted by address, as text.
pub fn top_ips(mut callers: Vec<CallerSummary>, limit: usize) -> Vec<IpStats> {
    callers.sort_unstable_by(|a, b| {
        b.tally
            .count
            .cmp(&a.tally.count)
            .then_with(|| a.ip.cmp(&b.ip))
    });
    callers.into_iter().take(limit).map(IpStats::from).collect()
}

/// A row of an export, with the names of its columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRecord {
    pub ip: String,
    pub path_key: String,
    pub method: String,
    pub count: u64,
    #[serde(rename = "firstSeen", serialize_with = "rfc3339")]
    pub first_seen_ms: u64,
    #[serde(rename = "lastAccessed", serialize_with = "rfc3339")]
    pub last_accessed_ms: u64,
    pub country: String,
    pub user_agent: String,
    pub path: String,
    pub errors: u64,
    pub bytes: u64,
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
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
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

/// How many days a window is long. `all` counts from the first hit that the answer knows of.
pub fn days(window: Window, as_of_ms: u64, first_seen_ms: u64) -> f64 {
    let length_ms = window
        .length_ms()
        .unwrap_or_else(|| as_of_ms.saturating_sub(first_seen_ms));
    length_ms as f64 / DAY_MS as f64
}

/// Milliseconds since 1970 as `2026-01-31T23:59:59.999Z`; what no calendar has becomes 1970.
pub fn rfc3339_text(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or_default())
}

fn rfc3339<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_text(*ms))
}
