//! The hits of a window by one dimension: by network, host, consumer, protocol, referrer or bot.

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::Failure;
use crate::hit::Dimension;
use crate::order::GroupOrder;
use crate::report::{Metrics, Provenance};
use crate::summary::{Details, GroupDetail, GroupSummary};
use crate::tally::ratio;
use crate::time::MINUTE_MS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    pub scope: Scope,
    pub by: Dimension,
    pub limit: u32,
    pub order: GroupOrder,
}

impl Default for Breakdown {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            by: Dimension::Host,
            limit: LIMIT_DEFAULT,
            order: GroupOrder::Requests,
        }
    }
}

impl Ask for Breakdown {
    fn about(&self) -> &'static About {
        &About {
            name: "breakdown",
            path: "/admin/breakdown",
            id: "breakdown",
            summary: "Hits by host, consumer, network and others",
            description: "The hits by one property that a gateway may tell: `host`, `consumer`, \
                          `protocol` or `referrer`. Or by `bot`, the name of the program that the \
                          user agent tells, or by `network`, the network that the IP belongs to. \
                          The sums over all IPs answer. So no filter applies.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let mut all = Vec::from(Parameter::range(
            "timeRange",
            "The window: a stretch of time up to now. Only hits in it count.",
            &mut self.scope.window,
        ));
        all.extend([
            Parameter::one_of(
                "by",
                "The property to break down by.",
                &mut self.by,
                &Dimension::EVERY,
                Dimension::name,
            ),
            Parameter::limit(&mut self.limit),
            Parameter::one_of(
                "sortBy",
                "The field to sort by, descending. Equal entries are sorted by name.",
                &mut self.order,
                &GroupOrder::EVERY,
                GroupOrder::name,
            ),
        ]);
        all
    }
}

impl Survey for Breakdown {
    type Report = BreakdownReport;

    fn query(&self) -> Query {
        self.scope.query(Details {
            groups: Some(GroupDetail {
                by: self.by,
                limit: self.limit,
                order: self.order,
            }),
            ..Details::default()
        })
    }

    /// No filter applies.
    fn rewind(&mut self) {
        self.scope = Scope {
            window: self.scope.window,
            ..Scope::default()
        };
    }

    fn report(&self, responses: Responses) -> Result<BreakdownReport, Failure> {
        let (summary, provenance) = (responses.summary, responses.provenance);
        let total = summary.tally.count;
        let groups = summary.groups.unwrap_or_default();
        let stats = |group| GroupStats::new(group, total, &provenance);
        Ok(BreakdownReport {
            by: self.by.name().to_owned(),
            total_requests: total,
            total_groups: groups.count,
            unknown_requests: groups.unknown_hits,
            other_requests: groups.other_hits,
            groups: groups.first.into_iter().map(stats).collect(),
            provenance,
        })
    }
}

/// The hits that tell the same.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupStats {
    /// A host, a consumer, a protocol, a bot, or a network as `AS13335 Cloudflare, Inc.`.
    pub name: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// Percent of all requests.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percentage: f64,
    /// IPs with such a hit in the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    #[serde(flatten)]
    pub metrics: Metrics,
}

impl GroupStats {
    pub(super) fn new(group: GroupSummary, total: u64, provenance: &Provenance) -> Self {
        Self {
            total_requests: group.tally.count,
            percentage: 100.0 * ratio(group.tally.count, total),
            unique_ips: group.ips,
            metrics: Metrics::new(&group.tally, provenance),
            name: group.name,
        }
    }
}

/// The groups, sorted as asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakdownReport {
    pub by: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// The number of names. `groups` lists some of them.
    pub total_groups: u64,
    /// Hits that tell nothing of this property.
    pub unknown_requests: u64,
    /// Hits that are counted without their name. A bucket has 1,000 names: those with the most
    /// hits.
    pub other_requests: u64,
    /// At most `limit`.
    pub groups: Vec<GroupStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}
