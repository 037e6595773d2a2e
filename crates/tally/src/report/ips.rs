//! IPs: the numbers of each, and lists of IPs.

use serde::{Deserialize, Serialize};

use crate::contract::{CallerSummary, RecentActivity, Summary};
use crate::report::{Metrics, Provenance, rfc3339_if_any};
use crate::time::MINUTE_MS;

/// The numbers of one IP.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpStats {
    pub ip: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// Hits in the window, divided by its minutes. `all` counts from the first hit of the IP, and
    /// at least a minute.
    pub requests_per_minute: f64,
    /// Path keys that the IP called in the window.
    pub unique_paths: u64,
    /// The country that the IP told last, or that of the operator's files. `null` if neither is
    /// known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub country: Option<String>,
    /// The network that the IP belongs to, as `AS13335 Cloudflare, Inc.`. `null` if the operator's
    /// files do not tell it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub network: Option<String>,
    /// The names that admins gave it: see `/admin/labels`. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub labels: Vec<String>,
    /// The first hit ever on paths that the filter lets through, in any window and with any status.
    /// `null` if there is none.
    #[serde(rename = "firstSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub first_seen_ms: Option<u64>,
    /// The last hit ever on these paths. `null` if there is none.
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

impl IpStats {
    pub fn new(caller: CallerSummary, provenance: &Provenance) -> Self {
        let length_ms = provenance.length_ms(caller.first_seen_ms).max(MINUTE_MS);
        let minutes = length_ms as f64 / MINUTE_MS as f64;
        Self {
            total_requests: caller.tally.count,
            requests_per_minute: caller.tally.count as f64 / minutes,
            unique_paths: caller.path_keys,
            country: caller.country,
            network: caller.network,
            labels: caller.labels,
            first_seen_ms: caller.first_seen_ms,
            last_seen_ms: caller.last_seen_ms,
            recent_activity: caller.recent,
            buckets: caller.buckets.iter().map(|of| of.hits).collect(),
            metrics: Metrics::new(&caller.tally, provenance),
            ip: caller.ip,
        }
    }
}

/// IPs, sorted as asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopIps {
    /// At most `limit`.
    pub ips: Vec<IpStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl TopIps {
    pub fn new(summary: Summary, provenance: Provenance) -> Self {
        let callers = summary.callers.into_iter();
        Self {
            ips: callers
                .map(|caller| IpStats::new(caller, &provenance))
                .collect(),
            provenance,
        }
    }
}
