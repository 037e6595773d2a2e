//! One IP in full. If the IP is not tracked, the answer is "not found".

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::conditions::LABEL;
use super::{About, Ask, LIMIT_DEFAULT, Parameter, Place, Query, Responses, Scope, Survey, Value};
use crate::order::PathOrder;
use crate::report::{IpStats, PathStats, Provenance, Timeline, top_paths};
use crate::summary::Summary;
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

/// The most paths that `offset` may skip. No IP has more.
pub const OFFSET_MAX: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ip {
    pub ip: IpAddr,
    /// Its filter names no IP.
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
            description: "The IP's numbers, the paths that it called, its user agents and its \
                          timeline. If the IP is tracked and did nothing in the window, its \
                          numbers are zero.",
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
                "The number of paths to skip.",
                &mut self.offset,
                0..=OFFSET_MAX,
            ),
        ];
        let mut all = self.scope.parameters(own);
        // The IP itself is always asked. So there is no `via`, and no label.
        all.retain(|parameter| ![ip.name, "via", LABEL].contains(&parameter.name));
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
            let reason = format!("The IP {ip} is not tracked, or not any more.");
            return Err(Failure::NotFound(reason));
        }
        // The IP is the subject of the question, not a condition. So `filter` in the answer lacks
        // it.
        responses.provenance.filter = self.scope.filter.some();
        let timeline = responses.timeline();
        let Responses {
            summary,
            provenance,
            ..
        } = responses;
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
    /// The user agents seen last, the newest first.
    pub user_agents: Vec<String>,
    /// The number of path keys that the IP called in the window. `paths` lists some of them.
    pub total_paths: u64,
    /// The number of paths that were skipped before the first path of the list.
    pub offset: u32,
    /// The most paths that the list has.
    pub limit: u32,
    /// Sorted by requests, the most called path first.
    pub paths: Vec<PathStats>,
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl IpReport {
    /// Makes the report from a summary of this IP alone. None: the summary lacks the IP.
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
