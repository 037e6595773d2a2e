//! Surveys: questions that the IPs answer. The aggregator asks every IP for the same details and
//! adds up the responses. The survey makes its report from the sum.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Ask, Parameter};
use crate::Failure;
use crate::against::Against;
use crate::bucket::Ranges;
use crate::change::Comparison;
use crate::contract::Drops;
use crate::filter::Filter;
use crate::hit::{Api, Dimension, Grouping};
use crate::label::Labels;
use crate::report::{Prices, Provenance, Timeline, bucket_starts};
use crate::span::Span;
use crate::summary::{BucketCount, CountryDetail, Details, Summary};
use crate::warning;
use crate::window::Window;

/// A question that the IPs answer.
pub trait Survey: Ask + Default {
    /// The shape of the answer.
    #[cfg(not(feature = "openapi"))]
    type Report: Serialize;
    #[cfg(feature = "openapi")]
    type Report: Serialize + utoipa::ToSchema;

    /// The details that every IP is asked for.
    fn query(&self) -> Query;

    /// Makes the answer from the responses of the IPs.
    fn report(&self, responses: Responses) -> Result<Self::Report, Failure>;

    /// Writes the report as JSON.
    fn write(&self, report: &Self::Report) -> Result<Vec<u8>, Failure> {
        json(report)
    }

    /// If the answer is a part of a list, goes back to the beginning of the list.
    fn rewind(&mut self) {}

    /// The survey for the example in the API's description: all defaults, and a value for each
    /// required parameter.
    fn example() -> Self {
        Self::default()
    }
}

/// A report as JSON.
pub(super) fn json(report: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(report).map_err(unwritable)
}

pub(super) fn unwritable(error: serde_json::Error) -> Failure {
    Failure::Unavailable(format!("an answer as JSON: {error}"))
}

/// The hits that a survey counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub window: Window,
    pub filter: Filter,
    pub via: Option<Via>,
}

/// How the answer is found. If it is not given, the sums over all IPs answer if they can, else the
/// IPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// Every IP is asked.
    Ips,
}

impl Via {
    pub const EVERY: [Self; 1] = [Self::Ips];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ips => "ips",
        }
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            window: Window::Day,
            filter: Filter::default(),
            via: None,
        }
    }
}

impl Scope {
    /// The parameters of a survey: the window, the survey's own, and the conditions of the filter.
    pub fn parameters<'a>(
        &'a mut self,
        own: impl IntoIterator<Item = Parameter<'a>>,
    ) -> Vec<Parameter<'a>> {
        let window = Parameter::range(
            "timeRange",
            "The window: a stretch of time up to now. Only hits in it count.",
            &mut self.window,
        );
        let via = Parameter::one_of_if_any(
            "via",
            "`ips`: every tracked IP is asked. This takes longer, and the answer lacks the IPs \
             that left. If `via` is not given, the sums over all IPs answer if they can, else the \
             IPs.",
            &mut self.via,
            &Via::EVERY,
            Via::name,
        );
        let mut all = Vec::from(window);
        all.extend(own);
        all.push(via);
        all.extend(self.filter.conditions());
        all
    }

    /// Makes the query for these details of the hits.
    pub fn query(&self, details: Details) -> Query {
        Query {
            window: self.window,
            filter: self.filter.clone(),
            details,
            via: self.via,
            against: None,
            is_of_api: false,
        }
    }
}

/// The query that every IP is asked.
#[derive(Clone, Debug)]
pub struct Query {
    pub window: Window,
    pub filter: Filter,
    pub details: Details,
    pub via: Option<Via>,
    /// The stretch of time that the groups are compared with.
    pub against: Option<Against>,
    /// The report compares the hits with the operator's API. Without one there is no answer.
    pub is_of_api: bool,
}

impl Query {
    /// Whether the sums over all IPs answer everything except the callers.
    pub fn is_of_sums(&self) -> bool {
        let groups = self.details.groups.as_ref();
        // A caller's country and network are not kept by path.
        let is_by_place = self.details.countries == CountryDetail::All
            || groups
                .is_some_and(|groups| matches!(groups.by, Grouping::Country | Grouping::Of(_)));
        self.via.is_none()
            && self.filter.is_of_sums()
            && !self.details.profiles
            && !groups.is_some_and(|groups| groups.by == Grouping::Ip)
            && !(is_by_place && self.filter.is_on_paths())
    }

    /// Says with which buckets the groups are compared. Only the ranges of the buckets tell this.
    pub fn compare(&mut self, span: &Span, ranges: &Ranges) -> Result<(), Failure> {
        let groups = self.details.groups.as_mut();
        let comparison = groups.and_then(|groups| groups.comparison.as_mut());
        let (Some(against), Some(comparison)) = (self.against, comparison) else {
            return Ok(());
        };
        let other = against.span(span, ranges);
        let other = other.map_err(|reason| Failure::Invalid(format!("against: {reason}")))?;
        let length_ms = |of: &Span| {
            let begin_ms = of.begin_ms(ranges).unwrap_or_default();
            of.end_ms(ranges.now_ms).saturating_sub(begin_ms)
        };
        *comparison = Comparison {
            from_ms: other.from_ms,
            until_ms: other.until_ms,
            window_ms: length_ms(span),
            other_ms: length_ms(&other),
            ..std::mem::take(comparison)
        };
        Ok(())
    }

    /// What the groups are compared with.
    pub fn comparison(&self) -> Option<Comparison> {
        let groups = self.details.groups.as_ref()?;
        groups.comparison.clone()
    }

    /// The buckets that the question is about.
    pub fn span(&self, ranges: &Ranges) -> Span {
        self.details.span(self.window, ranges)
    }

    /// The same query for the callers alone.
    pub fn of_callers(&self) -> Self {
        Self {
            details: Details {
                callers: self.details.callers,
                order: self.details.order,
                buckets: self.details.buckets,
                ..Details::default()
            },
            ..self.clone()
        }
    }

    /// IPs that were last seen before this time need not be asked.
    pub fn since_ms(&self, ranges: &Ranges) -> u64 {
        self.details.since_ms(&self.span(ranges))
    }
}

/// The responses of the IPs, and everything else that a report is made from.
pub struct Responses {
    pub summary: Summary,
    pub provenance: Provenance,
    /// The buckets that the question is about.
    pub span: Span,
    pub ranges: Ranges,
    /// What the groups were compared with.
    pub comparison: Option<Comparison>,
    /// IPs seen within `active_days`. The window does not matter.
    pub active: u64,
    /// The number of IPs that were asked.
    pub ips: u64,
    /// The prices that the operator configured.
    pub prices: Prices,
    /// The operator's API. Empty if the query is not about it.
    pub api: Arc<Api>,
    /// The fold that made the snapshot.
    pub root: u64,
    pub drops: Drops,
    /// What the IPs that were asked say of the window. None: no IP was asked.
    pub tracked: Option<Tracked>,
    pub labels: Arc<Labels>,
}

/// The IPs that are tracked and called in the window, and their hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    pub ips: u64,
    pub requests: u64,
}

impl From<&Summary> for Tracked {
    fn from(of_ips: &Summary) -> Self {
        Self {
            ips: of_ips.ips,
            requests: of_ips.tally.count,
        }
    }
}

impl Responses {
    /// Gives the callers and the groups their labels.
    pub fn label(&mut self, labels: Arc<Labels>, by: Option<Grouping>) {
        for caller in &mut self.summary.callers {
            caller.labels = labels.of_ip(&caller.ip, caller.network.as_deref());
        }
        let groups = self.summary.groups.iter_mut();
        for group in groups.flat_map(|groups| &mut groups.first) {
            group.labels = match by {
                Some(Grouping::Ip) => labels.of_ip(&group.name, group.network.as_deref()),
                Some(Grouping::Of(Dimension::Network)) => labels.of_network(&group.name),
                Some(Grouping::Of(Dimension::Consumer)) => labels.of_consumer(&group.name),
                _ => Vec::new(),
            };
        }
        self.labels = labels;
    }

    /// If a label leaves hits out, says that they are in this answer all the same.
    pub fn warn_of_left_out(&mut self) {
        let names: Vec<&str> = self
            .labels
            .left_out()
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let warning = warning::say(warning::LEFT_OUT, &[&names]);
            self.provenance.warnings.push(warning);
        }
    }

    /// Gives each path, caller and group a bucket for each of the timeline. Returns their starts.
    /// It needs a query that asked for the hits by bucket.
    pub fn fill_buckets(&mut self) -> Vec<u64> {
        let starts: Vec<u64> = bucket_starts(&self.span, &self.ranges).collect();
        let Summary {
            paths,
            callers,
            groups,
            ..
        } = &mut self.summary;
        let groups = groups.iter_mut().flat_map(|groups| &mut groups.first);
        let paths = paths.iter_mut().map(|of| &mut of.buckets);
        let callers = callers.iter_mut().map(|of| &mut of.buckets);
        for buckets in paths.chain(callers).chain(groups.map(|of| &mut of.buckets)) {
            let known = std::mem::take(buckets);
            let hits = |start_ms: u64| {
                let at = known.binary_search_by_key(&start_ms, |of| of.start_ms);
                at.ok().and_then(|at| known.get(at)).map_or(0, |of| of.hits)
            };
            let filled = starts.iter().map(|start_ms| BucketCount {
                start_ms: *start_ms,
                hits: hits(*start_ms),
            });
            *buckets = filled.collect();
        }
        starts
    }

    /// The timeline. It needs a query that asked for a timeline.
    pub fn timeline(&self) -> Timeline {
        Timeline::new(&self.summary, &self.span, &self.ranges)
    }
}
