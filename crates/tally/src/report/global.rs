//! The statistics over all IPs.

use serde::{Deserialize, Serialize};

use crate::contract::Summary;
use crate::order::PathOrder;
use crate::report::{CostMetrics, Metrics, PathStats, Provenance, top_paths};
use crate::tally::ratio;

/// The number of paths in the global statistics.
pub const GLOBAL_TOP_PATHS: u32 = 10;

/// Totals over all IPs. With `includeMetrics=false`, the fields of `Metrics` are absent.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlobalStats {
    /// Hits in the window.
    pub total_requests: u64,
    /// Path keys of each IP, added up over the IPs.
    pub total_paths: u64,
    /// Distinct path keys.
    pub unique_paths: u64,
    /// IPs seen within `active_days`. The window does not matter. Of the filters, only `ip`
    /// matters. An IP that left and came back counts as another IP.
    #[serde(rename = "totalActiveIPs")]
    pub total_active_ips: u64,
    /// IPs with a hit in the window. An IP that left and came back counts as another IP.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// IP states that answered. If the sums over all IPs answered: the IPs that are tracked.
    #[serde(rename = "totalActiveDOs")]
    pub total_active_dos: u64,
    /// `totalPaths / uniqueIPs`.
    #[serde(rename = "avgPathsPerIP")]
    pub avg_paths_per_ip: f64,
    /// The paths with the most hits.
    pub top_paths: Vec<PathStats>,
    #[serde(flatten)]
    pub metrics: Option<Metrics>,
    /// Only with `includeCosts=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub cost_metrics: Option<CostMetrics>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl GlobalStats {
    /// `active_ips` is counted in the index, not in the states.
    pub fn new(summary: Summary, active_ips: u64, provenance: Provenance) -> Self {
        let order = PathOrder::Requests;
        Self {
            total_requests: summary.tally.count,
            total_paths: summary.path_keys,
            unique_paths: summary.unique_paths,
            total_active_ips: active_ips,
            unique_ips: summary.ips,
            total_active_dos: summary.answered,
            avg_paths_per_ip: ratio(summary.path_keys, summary.ips),
            top_paths: top_paths(summary.paths, order, 0, GLOBAL_TOP_PATHS, &provenance),
            metrics: Some(Metrics::new(&summary.tally, &provenance)),
            cost_metrics: None,
            provenance,
        }
    }
}
