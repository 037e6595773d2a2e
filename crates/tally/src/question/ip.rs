//! One IP in full. An IP that is not tracked is not found.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{About, Ask, Responses, LIMIT_DEFAULT, Parameter, Place, Query, Scope, Survey, Value};
use crate::order::PathOrder;
use crate::report::{IpStats, PathStats, Provenance, Timeline, top_paths};
use crate::summary::Summary;
use crate::window::MINUTE_MS;
use crate::{Details, Failure};

/// The most paths that may be passed over. No IP has more.
pub const OFFSET_MAX: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ip {
    pub ip: IpAddr,
    /// The filter names no IP.
    pub scope: Scope,
    pub limit: u32,
    pub offset: u32,
}

impl Default for Ip {
    fn default() -> Self {
        Self {
            ip: Ipv4Addr::UNSPECIFIED.into(),
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            offset: 0,
        }
    }
}

impl Ask for Ip {
    fn about(&self) -> &'static About {
        &About {
            name: "ips/{ip}",
            path: "/admin/ips/{ip}",
            id: "ip",
            summary: "One IP in full",
            description: "What it did, the paths that it called, its user agents and its timeline. An IP that is tracked and did nothing in the \
                          window is told with zeros.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let about = "IPv4 or IPv6, in any spelling.";
        let ip = Parameter::new("ip", about, Value::Address(&mut self.ip));
        let own = [
            Parameter::limit(&mut self.limit),
            Parameter::integer(
                "offset",
                "How many paths are passed over.",
                &mut self.offset,
                0..=OFFSET_MAX,
            ),
        ];
        let mut all = self.scope.parameters(own);
        // It is asked itself, whatever that takes.
        all.retain(|parameter| ![ip.name, "via"].contains(&parameter.name));
        all.insert(0, ip.at(Place::Path).required("an IP address"));
        all
    }
}

impl Survey for Ip {
    type Report = IpReport;

    fn query(&self) -> Query {
        let mut query = self.scope.query(Details {
            paths: self.offset.saturating_add(self.limit),
            callers: 1,
            timeline: true,
            profiles: true,
            ..Details::default()
        });
        query.filter.ip = Some(self.ip.to_string());
        query
    }

    fn report(&self, mut responses: Responses) -> Result<IpReport, Failure> {
        let ip = self.ip;
        if responses.ips == 0 {
            return Err(Failure::NotFound(format!("The IP {ip} is not tracked.")));
        }
        // What is asked about is no condition.
        responses.provenance.filter = self.scope.filter.some();
        let timeline = responses.timeline();
        let Responses { summary, provenance, .. } = responses;
        let report = IpReport::new(summary, timeline, self.offset, self.limit, provenance);
        report.ok_or_else(|| Failure::Unavailable(format!("the state of {ip} was not read")))
    }

    fn rewind(&mut self) {
        self.offset = 0;
    }

    fn example() -> Self {
        Self {
            ip: Ipv4Addr::new(192, 0, 2, 1).into(),
            ..Self::default()
        }
    }
}

/// One IP in full.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpReport {
    #[serde(flatten)]
    pub stats: IpStats,
    /// Those seen last, the newest first.
    pub user_agents: Vec<String>,
    /// Path keys that it called in the window, of which `paths` is a part.
    pub total_paths: u64,
    /// Of how many paths the list leaves out the first.
    pub offset: u32,
    /// How many paths the list has at most.
    pub limit: u32,
    /// By requests, the most called first.
    pub paths: Vec<PathStats>,
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl IpReport {
    /// Of a summary of one IP alone. None if the summary does not know it.
    pub fn new(
        summary: Summary,
        timeline: Timeline,
        offset: u32,
        limit: u32,
        provenance: Provenance,
    ) -> Option<Self> {
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
