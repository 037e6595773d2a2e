//! One host, consumer, network and so on in full: the hits that tell it, over time. If there are
//! none in the window, the numbers are zero.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter, Place, Query, Responses, Scope, Survey, Value};
use crate::Failure;
use crate::filter::Text;
use crate::hit::{Dimension, Grouping};
use crate::report::{Metrics, Provenance, Timeline};
use crate::summary::{Details, GroupDetail};
use crate::tally::ratio;
use crate::time::MINUTE_MS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// It has no filter: hits are counted by these properties over all IPs and paths alone.
    pub scope: Scope,
    pub by: Dimension,
    pub name: Option<String>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            by: Dimension::Consumer,
            name: None,
        }
    }
}

impl Ask for Group {
    fn about(&self) -> &'static About {
        &About {
            name: "group",
            path: "/admin/group",
            id: "group",
            summary: "One consumer, host, network, bot and so on in full",
            description: "The numbers and the timeline of the hits that tell this consumer, host, \
                          network, bot, user agent, protocol or referrer. If there are none in \
                          the window, the numbers are zero.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let name = Parameter::new(
            "name",
            "Its name, as a breakdown by this property gives it.",
            Value::Text(Text::Search, &mut self.name),
        );
        let mut all = self.scope.parameters([
            Parameter::one_of(
                "by",
                "The property.",
                &mut self.by,
                &Dimension::EVERY,
                Dimension::name,
            ),
            name.required("a name"),
        ]);
        all.retain(|given| given.place != Place::Filter && given.name != "via");
        all
    }
}

impl Survey for Group {
    type Report = GroupReport;

    fn query(&self) -> Query {
        let groups = GroupDetail {
            only: Some(self.name.clone().unwrap_or_default()),
            ..GroupDetail::new(Grouping::Of(self.by), 1)
        };
        let scope = Scope {
            window: self.scope.window,
            ..Scope::default()
        };
        scope.query(Details {
            timeline: true,
            groups: Some(groups),
            ..Details::default()
        })
    }

    /// A filter goes, because it does not go together with a group.
    fn rewind(&mut self) {
        self.scope = Scope {
            window: self.scope.window,
            ..Scope::default()
        };
    }

    fn report(&self, responses: Responses) -> Result<GroupReport, Failure> {
        let timeline = responses.timeline();
        let summary = responses.summary;
        let groups = summary.groups.unwrap_or_default();
        let requests = summary.tally.count;
        Ok(GroupReport {
            by: self.by.name().to_owned(),
            name: self.name.clone().unwrap_or_default(),
            total_requests: requests,
            percentage: 100.0 * ratio(requests, requests + groups.unknown_hits),
            unique_ips: summary.ips,
            new_ips: summary.new_ips,
            metrics: Metrics::new(&summary.tally, &responses.provenance),
            other_requests: groups.other_hits,
            timeline,
            provenance: responses.provenance,
        })
    }

    fn example() -> Self {
        Self {
            name: Some("partner X".to_owned()),
            ..Self::default()
        }
    }
}

/// One consumer, host, network and so on in full.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupReport {
    /// The property, as asked for.
    pub by: String,
    pub name: String,
    /// Hits in the window that tell it.
    pub total_requests: u64,
    /// Percent of all requests.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percentage: f64,
    /// IPs with such a hit in the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    /// Those of these IPs that had no such hit before the window.
    #[serde(rename = "newIPs")]
    pub new_ips: u64,
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Hits in the window that are counted without their name, because there were too many names.
    /// Some of them may be of this one.
    pub other_requests: u64,
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}
