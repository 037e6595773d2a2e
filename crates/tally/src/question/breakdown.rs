//! The hits of a window in groups: by path, IP, status, country, host and others.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::survey::{json, unwritable};
use super::{
    About, Ask, BadParameter, LIMIT_DEFAULT, Parameter, Place, Query, Responses, Scope, Survey,
    Value, Via,
};
use crate::Failure;
use crate::bucket::BucketId;
use crate::filter::Text;
use crate::hit::Grouping;
use crate::order::{IpOrder, Metric};
use crate::report::{Metrics, Provenance, rfc3339_text};
use crate::summary::{
    CallerSummary, Details, GroupDetail, GroupList, GroupSummary, Summary, count_in,
};
use crate::tally::ratio;
use crate::time::MINUTE_MS;

/// The most groups in an answer.
pub const GROUPS_MAX: u32 = 1_000;
/// The most groups that `offset` may skip.
pub const OFFSET_MAX: u32 = 9_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    pub scope: Scope,
    pub by: Grouping,
    /// Empty: all that do not need the time before the window.
    pub metrics: Vec<Metric>,
    pub order: Metric,
    pub direction: Direction,
    pub limit: u32,
    pub offset: u32,
    pub search: Option<String>,
    /// Whether each group has its hits by bucket of the window.
    pub buckets: bool,
    /// Asks what the answer would cost, not for the answer.
    pub estimate: bool,
}

/// The direction of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    Ascending,
    #[default]
    Descending,
}

impl Direction {
    pub const EVERY: [Self; 2] = [Self::Ascending, Self::Descending];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

impl Default for Breakdown {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            by: Grouping::Path,
            metrics: Vec::new(),
            order: Metric::Requests,
            direction: Direction::Descending,
            limit: LIMIT_DEFAULT,
            offset: 0,
            search: None,
            buckets: false,
            estimate: false,
        }
    }
}

impl Breakdown {
    fn asks_for(&self, metric: Metric) -> bool {
        self.metrics.contains(&metric) || self.order == metric
    }

    /// Whether only the IPs know what is asked for.
    fn needs_ips(&self) -> bool {
        match self.by {
            Grouping::Ip => !self.is_of_heaviest(),
            // The sums over all IPs do not know the IPs of a status.
            by if by.is_of_status() => {
                self.asks_for(Metric::UniqueIps) || self.asks_for(Metric::NewIps)
            }
            _ => false,
        }
    }

    /// Whether the IPs that called most are asked for. These can be found without asking all.
    fn is_of_heaviest(&self) -> bool {
        self.by == Grouping::Ip
            && self.order == Metric::Requests
            && self.direction == Direction::Descending
            && self.search.is_none()
            && self.scope.via.is_none()
    }

    /// Counts the hits of each status by bucket. A timeline has them.
    fn count_statuses(&self, summary: &mut Summary) {
        let Some(groups) = summary.groups.as_mut().filter(|_| self.by.is_of_status()) else {
            return;
        };
        for slot in &summary.timeline {
            let statuses = slot.tally.by_status(self.by);
            for group in &mut groups.first {
                if let Some(tally) = statuses.get(&group.name) {
                    count_in(&mut group.buckets, slot.start_ms, tally.count);
                }
            }
        }
    }

    fn groups(&self) -> GroupDetail {
        GroupDetail {
            order: self.order,
            ascending: self.direction == Direction::Ascending,
            search: self.search.as_deref().unwrap_or_default().to_lowercase(),
            new_ips: self.asks_for(Metric::NewIps),
            ..GroupDetail::new(self.by, self.offset.saturating_add(self.limit))
        }
    }
}

impl Ask for Breakdown {
    fn about(&self) -> &'static About {
        &About {
            name: "breakdown",
            path: "/admin/breakdown",
            id: "breakdown",
            summary: "Hits by path, IP, status, country, host and others",
            description: "The hits in groups, by one property. A gateway may tell the `host`, \
                          `consumer`, `protocol` and `referrer` of a hit. `bot` is the bot that \
                          the user agent names, and `userAgent` is the program: `curl`, `Chrome`. \
                          `network` is the network that the IP belongs to. `hourOfWeek` is the \
                          hour on the clocks of `time_zone`, from `Mon 00` to `Sun 23`: \
                          `limit=168` lists all. Hits are counted by `host`, `consumer`, \
                          `protocol`, `referrer`, `bot`, `userAgent` and `hourOfWeek` over all \
                          IPs and paths alone. So a filter beside one of these is refused.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let by = self.by;
        let all = self.scope.parameters([
            Parameter::one_of(
                "by",
                "The property to break down by.",
                &mut self.by,
                &Grouping::EVERY,
                Grouping::name,
            ),
            Parameter::some_of(
                "metrics",
                "The numbers of each group, as `requests,errorRate`. Not given: all but `newIPs`. \
                 `newIPs` are IPs without a hit before the window: they need all older sums, so \
                 the answer takes longer.",
                &mut self.metrics,
                Metric::EVERY,
                Metric::name,
            ),
            Parameter::one_of(
                "sortBy",
                "The number to sort by. Equal groups are sorted by name. Groups without the \
                 number come last.",
                &mut self.order,
                Metric::EVERY,
                Metric::name,
            ),
            Parameter::one_of(
                "order",
                "`desc`: the highest number first.",
                &mut self.direction,
                &Direction::EVERY,
                Direction::name,
            ),
            Parameter::integer(
                "limit",
                "The most groups in the answer.",
                &mut self.limit,
                1..=GROUPS_MAX,
            ),
            Parameter::integer(
                "offset",
                "The number of groups to skip.",
                &mut self.offset,
                0..=OFFSET_MAX,
            ),
            Parameter::new(
                "search",
                "Only groups with this text in their name. Upper and lower case are the same.",
                Value::Text(Text::Search, &mut self.search),
            ),
            Parameter::flag(
                "buckets",
                "`true`: each group has its requests by bucket of the window, as in a timeline.",
                &mut self.buckets,
            ),
            Parameter::flag(
                "estimate",
                "`true`: no answer, but how many IPs would be read for it now.",
                &mut self.estimate,
            ),
        ]);
        keep_possible_filters(by, all)
    }

    fn conflict(&self) -> Option<BadParameter> {
        refuse_filters(self.by, &self.scope)
    }
}

/// The parameters without the filters and `via`, if hits are counted by this property over all IPs
/// and paths alone.
pub(super) fn keep_possible_filters(
    by: Grouping,
    mut all: Vec<Parameter<'_>>,
) -> Vec<Parameter<'_>> {
    if !by.is_known_of_ips() {
        all.retain(|given| given.place != Place::Filter && given.name != "via");
    }
    all
}

/// Refuses filters and `via` in the same case.
pub(super) fn refuse_filters(by: Grouping, scope: &Scope) -> Option<BadParameter> {
    if by.is_known_of_ips() {
        return None;
    }
    let by = by.name();
    let filters = scope.filter.parameters().into_iter();
    let filters = filters.map(|(name, _)| name);
    let name = filters.chain(scope.via.map(|_| "via")).next()?;
    Some(BadParameter {
        name: name.to_owned(),
        reason: format!(
            "not together with by={by}: hits are counted by {by} over all IPs and paths alone"
        ),
    })
}

impl Survey for Breakdown {
    type Report = BreakdownReport;

    fn query(&self) -> Query {
        let scope = Scope {
            via: self.scope.via.or(self.needs_ips().then_some(Via::Ips)),
            ..self.scope.clone()
        };
        let groups = self.groups();
        scope.query(match self.is_of_heaviest() {
            true => Details {
                callers: groups.limit,
                order: IpOrder::Requests,
                buckets: self.buckets,
                ..Details::default()
            },
            false => Details {
                groups: Some(groups),
                // A bucket of a timeline has its hits by status.
                timeline: self.buckets && self.by.is_of_status(),
                buckets: self.buckets && !self.by.is_of_status(),
                ..Details::default()
            },
        })
    }

    /// The filter goes if it does not go together with the groups.
    fn rewind(&mut self) {
        self.offset = 0;
        if self.conflict().is_some() {
            self.scope = Scope {
                window: self.scope.window,
                ..Scope::default()
            };
        }
    }

    fn report(&self, mut responses: Responses) -> Result<BreakdownReport, Failure> {
        let starts = match self.buckets {
            true => {
                self.count_statuses(&mut responses.summary);
                responses.fill_buckets()
            }
            false => Vec::new(),
        };
        let is_new = |caller: &CallerSummary| {
            let first_ms = caller.first_seen_ms;
            first_ms.is_some_and(|ms| responses.span.has(BucketId::of(ms, &responses.ranges)))
        };
        let group = |caller: CallerSummary| GroupSummary {
            new_ips: u64::from(is_new(&caller)),
            name: caller.ip,
            labels: caller.labels,
            buckets: caller.buckets,
            tally: caller.tally,
            ips: 1,
            ..GroupSummary::default()
        };
        let (summary, provenance) = (responses.summary, responses.provenance);
        let total = summary.tally.count;
        let groups = match self.is_of_heaviest() {
            true => GroupList {
                first: summary.callers.into_iter().map(group).collect(),
                count: summary.ips,
                ..GroupList::default()
            },
            false => summary.groups.unwrap_or_default(),
        };
        let has_ips = !self.by.is_of_status() || !self.query().is_of_sums();
        let with_new = self.asks_for(Metric::NewIps);
        let stats = |group: GroupSummary| {
            let metrics = Metrics::new(&group.tally, &provenance);
            GroupStats {
                total_requests: group.tally.count,
                percentage: 100.0 * ratio(group.tally.count, total),
                unique_ips: has_ips.then_some(group.ips),
                new_ips: (has_ips && with_new).then_some(group.new_ips),
                errors: group.tally.errors(),
                metrics: Metrics {
                    total_bytes: metrics.total_bytes.filter(|_| !self.by.is_of_status()),
                    ..metrics
                },
                name: group.name,
                labels: group.labels,
                buckets: group.buckets.iter().map(|of| of.hits).collect(),
            }
        };
        let page = groups.first.into_iter().skip(self.offset as usize);
        Ok(BreakdownReport {
            by: self.by.name().to_owned(),
            total_requests: total,
            total_groups: groups.count,
            unknown_requests: groups.unknown_hits,
            other_requests: groups.other_hits,
            bucket_starts: starts.into_iter().map(rfc3339_text).collect(),
            groups: page.map(stats).collect(),
            provenance,
        })
    }

    fn write(&self, report: &BreakdownReport) -> Result<Vec<u8>, Failure> {
        if self.metrics.is_empty() {
            return json(report);
        }
        let is_asked = |field: &str| match metric_of(field) {
            Some(metric) => self.metrics.contains(&metric),
            None => ["name", "labels", "buckets"].contains(&field),
        };
        let mut report = serde_json::to_value(report).map_err(unwritable)?;
        let groups = report.get_mut("groups").and_then(Json::as_array_mut);
        let groups = groups.into_iter().flatten();
        for group in groups.filter_map(Json::as_object_mut) {
            group.retain(|field, _| is_asked(field));
        }
        json(&report)
    }
}

/// The metric that a field of a group belongs to.
fn metric_of(field: &str) -> Option<Metric> {
    match field {
        "totalRequests" | "percentage" => Some(Metric::Requests),
        "totalBytes" => Some(Metric::Bytes),
        _ => {
            let mut every = Metric::EVERY.iter().copied();
            every.find(|metric| metric.name() == field)
        }
    }
}

/// The hits that are the same in one property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupStats {
    pub name: String,
    pub total_requests: u64,
    pub percentage: f64,
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: Option<u64>,
    #[serde(rename = "newIPs", skip_serializing_if = "Option::is_none")]
    pub new_ips: Option<u64>,
    pub errors: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u64>,
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// The same as JSON, which has only the metrics asked for.
#[cfg(feature = "openapi")]
#[allow(dead_code, reason = "only its schema is used")]
mod schema {
    use std::collections::BTreeMap;

    use crate::status::StatusCounts;

    /// The hits that are the same in one property. If `metrics` is given, only the fields of these
    /// metrics are there, `name`, and `labels`.
    #[derive(utoipa::ToSchema)]
    #[schema(as = GroupStats)]
    #[serde(rename_all = "camelCase")]
    pub struct GroupStats {
        /// A path key, an address, a host, a status, a network as `AS13335 Cloudflare, Inc.`, and
        /// so on.
        pub name: String,
        /// The names that admins gave an address, a network or a consumer: see `/admin/labels`.
        /// Absent if there are none.
        #[schema(nullable = false)]
        pub labels: Option<Vec<String>>,
        /// Hits in each bucket of `bucketStarts`. Only there if asked for.
        #[schema(nullable = false)]
        pub buckets: Option<Vec<u64>>,
        /// `requests`: hits in the window.
        #[schema(nullable = false)]
        pub total_requests: Option<u64>,
        /// `requests`: percent of all requests.
        #[schema(nullable = false, minimum = 0, maximum = 100)]
        pub percentage: Option<f64>,
        /// `uniqueIPs`: IPs with such a hit in the window. `null` for a status, unless `metrics` or
        /// `sortBy` names it: only then the IPs are asked.
        #[serde(rename = "uniqueIPs")]
        pub unique_ips: Option<u64>,
        /// `newIPs`: those of these IPs that had no hit before the window that the filter lets
        /// through. Only there if `metrics` or `sortBy` names it.
        #[serde(rename = "newIPs")]
        #[schema(nullable = false)]
        pub new_ips: Option<u64>,
        /// `errors`: hits with a status of 400 and more.
        #[schema(nullable = false)]
        pub errors: Option<u64>,
        /// `errorRate`: the share of these hits.
        #[schema(nullable = false, minimum = 0, maximum = 1)]
        pub error_rate: Option<f64>,
        /// `bytes`: bytes of the responses. `null` for a status, and under a filter by status.
        pub total_bytes: Option<u64>,
        /// `avgResponseTime`: the average in milliseconds, over the hits that have a response time.
        /// `null` if there are none, for a status, and under a filter by status.
        pub avg_response_time: Option<f64>,
        /// `p50ResponseTime`: half of these hits took no longer.
        pub p50_response_time: Option<f64>,
        pub p95_response_time: Option<f64>,
        pub p99_response_time: Option<f64>,
        /// Only there if `metrics` is not given.
        #[schema(nullable = false)]
        pub status_classes: Option<StatusCounts>,
        /// Hits by status. Only there if `metrics` is not given.
        #[schema(nullable = false)]
        pub status_codes: Option<BTreeMap<String, u64>>,
    }
}

/// The groups, sorted as asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakdownReport {
    /// The property, as asked for.
    pub by: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// The number of groups with the text that is searched for. `groups` lists some of them.
    pub total_groups: u64,
    /// Hits without the property: of an unknown network, or without a host.
    pub unknown_requests: u64,
    /// Hits that are counted without their name, because there were too many names.
    pub other_requests: u64,
    /// When each bucket of `buckets` begins, the oldest first. Absent unless asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub bucket_starts: Vec<String>,
    /// At most `limit`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<schema::GroupStats>))]
    pub groups: Vec<GroupStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}
