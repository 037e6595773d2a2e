//! IPs: lists of them, and one in full.

use serde::{Deserialize, Serialize};

use crate::contract::{CallerSummary, RecentActivity, Summary};
use crate::order::PathOrder;
use crate::report::{Metrics, PathStats, Provenance, Timeline, rfc3339_if_any, top_paths};
use crate::window::MINUTE_MS;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpStats {
    pub ip: String,
    pub total_requests: u64,
    /// Over the length of the window; `all` counts since the IP was first seen, at least a minute.
    pub requests_per_minute: f64,
    pub unique_paths: u64,
    pub country: Option<String>,
    /// On paths that the filter lets through, whatever the window and the status.
    #[serde(rename = "firstSeen", with = "rfc3339_if_any")]
    pub first_seen_ms: Option<u64>,
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    pub last_seen_ms: Option<u64>,
    pub recent_activity: RecentActivity,
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
            first_seen_ms: caller.first_seen_ms,
            last_seen_ms: caller.last_seen_ms,
            recent_activity: caller.recent,
            metrics: Metrics::new(&caller.tally, provenance),
            ip: caller.ip,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopIps {
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

/// One IP in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpReport {
    #[serde(flatten)]
    pub stats: IpStats,
    /// The newest first.
    pub user_agents: Vec<String>,
    /// Path keys that it called in the window, of which [`Self::paths`] is a part.
    pub total_paths: u64,
    pub offset: u32,
    pub limit: u32,
    /// By requests.
    pub paths: Vec<PathStats>,
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl IpReport {
    /// Of a summary of one IP alone. None if the summary does not know it.
    pub fn new(summary: Summary, offset: u32, limit: u32, provenance: Provenance) -> Option<Self> {
        let timeline = Timeline::new(&summary, &provenance);
        let mut caller = summary.callers.into_iter().next()?;
        let order = PathOrder::Requests;
        Some(Self {
            user_agents: std::mem::take(&mut caller.user_agents),
            total_paths: caller.path_keys,
            stats: IpStats::new(caller, &provenance),
            offset,
            limit,
            paths: top_paths(summary.paths, order, offset, limit, &provenance),
            timeline,
            provenance,
        })
    }
}
