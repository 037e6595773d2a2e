//! What changed: the groups of hits that are new, gone, larger, smaller, failing more or slower
//! than in another stretch of time.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::breakdown::{GROUPS_MAX, keep_possible_filters, refuse_filters};
use super::{About, Ask, BadParameter, Parameter, Query, Responses, Scope, Survey, Value};
use crate::Failure;
use crate::against::Against;
use crate::change::{Change, ChangeCounts, Comparison};
use crate::filter::Text;
use crate::hit::Grouping;
use crate::report::{Provenance, ResponseTimes};
use crate::summary::{Details, GroupDetail, GroupSummary};
use crate::tally::Tally;
use crate::time::MINUTE_MS;
use crate::time_text::rfc3339;
use crate::warning;
use crate::window::Window;

const LIMIT: u32 = 20;
const MIN_SCORE: u32 = 3;
/// A score of 100 is out of reach: the drift bounds a score to about 10.
const MIN_SCORE_MAX: u32 = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movers {
    pub scope: Scope,
    pub by: Grouping,
    pub against: Against,
    /// Empty: all.
    pub changes: Vec<Change>,
    pub min_score: u32,
    pub limit: u32,
    pub search: Option<String>,
}

impl Default for Movers {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            by: Grouping::Path,
            against: Against::Previous,
            changes: Vec::new(),
            min_score: MIN_SCORE,
            limit: LIMIT,
            search: None,
        }
    }
}

impl Ask for Movers {
    fn about(&self) -> &'static About {
        &About {
            name: "movers",
            path: "/admin/movers",
            id: "movers",
            summary: "What changed since another stretch of time",
            description: "The paths, IPs, countries and so on that are new, gone, larger, smaller, \
                          failing more or slower than in another stretch of time. The clearest \
                          change comes first: each change has a score, which is its size divided \
                          by its noise. Requests are compared per time, and errors per request.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let by = self.by;
        let all = self.scope.parameters([
            Parameter::one_of(
                "by",
                "The property that puts hits into groups.",
                &mut self.by,
                &Grouping::EVERY,
                Grouping::name,
            ),
            Parameter::new(
                "against",
                "The stretch of time to compare with. `previous`: the period of the same length \
                 before. `week`: the same time a week before. `FROM/TO`: any range of times or \
                 dates, as `2026-01-01/2026-01-31`. Only whole buckets count.",
                Value::Against(&mut self.against),
            ),
            Parameter::some_of(
                "change",
                "Only groups that changed in one of these ways, as `new,gone`. Not given: all.",
                &mut self.changes,
                Change::EVERY,
                Change::name,
            ),
            Parameter::integer(
                "minScore",
                "The lowest score of a change.",
                &mut self.min_score,
                0..=MIN_SCORE_MAX,
            ),
            Parameter::integer(
                "limit",
                "The most groups in the answer.",
                &mut self.limit,
                1..=GROUPS_MAX,
            ),
            Parameter::new(
                "search",
                "Only groups with this text in their name. Upper and lower case are the same.",
                Value::Text(Text::Search, &mut self.search),
            ),
        ]);
        keep_possible_filters(by, all)
    }

    fn conflict(&self) -> Option<BadParameter> {
        refuse_filters(self.by, &self.scope)
    }
}

impl Survey for Movers {
    type Report = MoversReport;

    fn query(&self) -> Query {
        let groups = GroupDetail {
            search: self.search.as_deref().unwrap_or_default().to_lowercase(),
            comparison: Some(Comparison {
                changes: self.changes.clone(),
                min_score: self.min_score,
                ..Comparison::default()
            }),
            ..GroupDetail::new(self.by, self.limit)
        };
        let query = self.scope.query(Details {
            groups: Some(groups),
            ..Details::default()
        });
        Query {
            against: Some(self.against),
            ..query
        }
    }

    /// The example has few hits, so that no change has a high score.
    fn example() -> Self {
        Self {
            min_score: 0,
            ..Self::default()
        }
    }

    /// The filter goes if it does not go together with the groups. A window becomes shorter if no
    /// period before it is kept.
    fn rewind(&mut self) {
        let window = match self.scope.window {
            Window::Quarter | Window::All => Window::Month,
            window => window,
        };
        if self.conflict().is_some() {
            self.scope = Scope::default();
        }
        self.scope.window = window;
    }

    fn report(&self, responses: Responses) -> Result<MoversReport, Failure> {
        let comparison = responses.comparison.unwrap_or_default();
        let groups = responses.summary.groups.unwrap_or_default();
        let mut provenance = responses.provenance;
        let nameless = groups.other_hits + groups.before_other_hits;
        if nameless > 0 {
            let values: [&dyn Display; 2] = [&nameless, &self.by.name()];
            let warning = warning::say(warning::OTHER_IN_MOVERS, &values);
            provenance.warnings.push(warning);
        }
        let mover = |group: GroupSummary| MoverStats::new(group, &comparison);
        Ok(MoversReport {
            by: self.by.name().to_owned(),
            against: AgainstStats {
                from_ms: comparison.from_ms,
                to_ms: comparison.from_ms.saturating_add(comparison.other_ms),
                total_requests: groups.before_hits,
                other_requests: groups.before_other_hits,
            },
            total_requests: responses.summary.tally.count,
            total_movers: groups.count,
            changes: groups.changes,
            unknown_requests: groups.unknown_hits,
            other_requests: groups.other_hits,
            movers: groups.first.into_iter().map(mover).collect(),
            provenance,
        })
    }
}

/// A change of a group.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupChange {
    pub change: Change,
    /// The size of the change, divided by its noise.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub score: f64,
}

/// The hits of a group in one of the two stretches of time.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupNumbers {
    pub total_requests: u64,
    /// Hits with a status of 400 and more.
    pub errors: u64,
    /// Their share.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub error_rate: f64,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
}

/// A group of hits that changed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoverStats {
    /// As in a breakdown: a path key, an address, a host, and so on.
    pub name: String,
    /// The names that admins gave it: see `/admin/labels`. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub labels: Vec<String>,
    /// The ways in which it changed, with the highest score first.
    pub changes: Vec<GroupChange>,
    /// Requests per time, divided by the requests per time before. `null` if there were none before.
    #[cfg_attr(feature = "openapi", schema(required, minimum = 0))]
    pub rate_ratio: Option<f64>,
    /// In the window.
    pub current: GroupNumbers,
    /// In the stretch of time that is compared with.
    pub against: GroupNumbers,
}

/// The stretch of time that is compared with.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgainstStats {
    /// When its first bucket begins.
    #[serde(rename = "from", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub from_ms: u64,
    /// When its last bucket ends.
    #[serde(rename = "to", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to_ms: u64,
    /// All hits in it.
    pub total_requests: u64,
    /// Hits in it that are counted without their name, because there were too many names.
    pub other_requests: u64,
}

/// The groups that changed, the highest score first.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoversReport {
    /// The property, as asked for.
    pub by: String,
    pub against: AgainstStats,
    /// Hits in the window.
    pub total_requests: u64,
    /// The number of groups that changed in one of the ways asked for. `movers` lists some of them.
    pub total_movers: u64,
    /// The number of groups by the way in which they changed. All ways are there.
    pub changes: ChangeCounts,
    /// Hits in the window without the property.
    pub unknown_requests: u64,
    /// Hits in the window that are counted without their name, because there were too many names.
    pub other_requests: u64,
    /// At most `limit`.
    pub movers: Vec<MoverStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl GroupNumbers {
    fn new(tally: &Tally) -> Self {
        Self {
            total_requests: tally.count,
            errors: tally.errors(),
            error_rate: tally.error_rate(),
            response_times: ResponseTimes::new(tally),
        }
    }
}

impl MoverStats {
    fn new(group: GroupSummary, comparison: &Comparison) -> Self {
        let changes = comparison.changes(&group.tally, &group.before);
        let changes = changes.into_iter().map(|scored| GroupChange {
            change: scored.change,
            score: scored.score,
        });
        Self {
            labels: group.labels,
            name: group.name,
            changes: changes.collect(),
            rate_ratio: comparison.rate_ratio(&group.tally, &group.before),
            current: GroupNumbers::new(&group.tally),
            against: GroupNumbers::new(&group.before),
        }
    }
}
