//! Paths: the numbers of each, and lists of paths.

use serde::{Deserialize, Serialize};

use crate::contract::{CountryCount, PathSummary, RecentActivity};
use crate::filter::UNKNOWN;
use crate::order::PathOrder;
use crate::report::{Metrics, Provenance, rfc3339_if_any};
use crate::tally::{Tally, ratio};

/// The number of countries of each path.
pub const TOP_COUNTRIES: usize = 5;

/// Hits by country. A hit counts for the country that its IP told last.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountryShare {
    /// Two characters, or `unknown`.
    pub country: String,
    pub requests: u64,
    /// Percent of the path's requests. In the overview: percent of all requests.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percentage: f64,
}

/// The numbers of one path.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    /// `METHOD /path`.
    pub path_key: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// IPs with a hit in the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// `totalRequests / uniqueIPs`.
    #[serde(rename = "avgRequestsPerIP")]
    pub avg_requests_per_ip: f64,
    /// The countries with the most hits.
    pub top_countries: Vec<CountryShare>,
    /// The first hit ever, in any window and with any status. `null` if no IP called the path in
    /// the window, or if it is not known any more.
    #[serde(rename = "firstSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub first_seen_ms: Option<u64>,
    /// The last hit ever. `null` in the same cases.
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub last_seen_ms: Option<u64>,
    pub recent_activity: RecentActivity,
    /// Requests of each bucket of the `timeline`. Only in an overview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub buckets: Vec<u64>,
    #[serde(flatten)]
    pub metrics: Metrics,
}

impl PathStats {
    pub fn new(path: PathSummary, provenance: &Provenance) -> Self {
        let total = path.tally.count;
        Self {
            total_requests: total,
            unique_ips: path.ips,
            avg_requests_per_ip: ratio(total, path.ips),
            top_countries: country_shares(path.countries, total, TOP_COUNTRIES),
            first_seen_ms: (path.last_seen_ms > 0).then_some(path.first_seen_ms),
            last_seen_ms: (path.last_seen_ms > 0).then_some(path.last_seen_ms),
            recent_activity: path.recent,
            buckets: path.buckets.iter().map(|of| of.hits).collect(),
            metrics: Metrics::new(&path.tally, provenance),
            path_key: path.path_key,
        }
    }

    /// A path that nobody called in the window.
    pub fn uncalled(path_key: String, provenance: &Provenance) -> Self {
        Self {
            path_key,
            total_requests: 0,
            unique_ips: 0,
            avg_requests_per_ip: 0.0,
            top_countries: Vec::new(),
            first_seen_ms: None,
            last_seen_ms: None,
            recent_activity: RecentActivity::default(),
            buckets: Vec::new(),
            metrics: Metrics::new(&Tally::default(), provenance),
        }
    }
}

/// Paths over all IPs, sorted as asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopPaths {
    /// At most `limit`.
    pub paths: Vec<PathStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// The `most` countries with the most requests, with their shares of `total`.
pub fn country_shares(
    mut countries: Vec<CountryCount>,
    total: u64,
    most: usize,
) -> Vec<CountryShare> {
    countries.sort_by(|a, b| {
        b.requests
            .cmp(&a.requests)
            .then_with(|| a.country.cmp(&b.country))
    });
    let share = |CountryCount { country, requests }| CountryShare {
        country: if country.is_empty() {
            UNKNOWN.to_owned()
        } else {
            country
        },
        requests,
        percentage: 100.0 * ratio(requests, total),
    };
    countries.into_iter().take(most).map(share).collect()
}

/// Sorts the paths, skips the first `offset`, and returns at most `limit`.
pub fn top_paths(
    paths: Vec<PathSummary>,
    order: PathOrder,
    offset: u32,
    limit: u32,
    provenance: &Provenance,
) -> Vec<PathStats> {
    let sorted = order.sort(paths).into_iter();
    let page = sorted.skip(offset as usize).take(limit as usize);
    page.map(|path| PathStats::new(path, provenance)).collect()
}
