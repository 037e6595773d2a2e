//! Surveys: questions that are put to the IPs. The aggregator asks each IP the same, adds up what they say, and the survey makes
//! its report of the sum.

use serde::{Deserialize, Serialize};

use super::{Ask, Parameter};
use crate::filter::Filter;
use crate::report::{Prices, Provenance, Timeline};
use crate::summary::{CountryDetail, Details, Summary};
use crate::window::{Ranges, Span, Window};

/// A question that is put to the IPs.
pub trait Survey: Ask + Default {
    /// What it is answered with.
    #[cfg(not(feature = "openapi"))]
    type Report: Serialize;
    #[cfg(feature = "openapi")]
    type Report: Serialize + utoipa::ToSchema;

    /// What every IP is asked.
    fn query(&self) -> Query;

    /// Makes the answer of what the IPs said.
    fn report(&self, responses: Responses) -> Result<Self::Report, crate::Failure>;

    /// Goes back to the beginning of the list, if the answer is a part of one.
    fn rewind(&mut self) {}

    /// As the description of the API shows it: with each default, and something in the place of what is required.
    fn example() -> Self {
        Self::default()
    }
}

/// The hits that a survey is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub window: Window,
    pub filter: Filter,
    pub via: Option<Via>,
}

/// How the answer is found. If it is not said: of the sums over all IPs where they can tell, and of the IPs where they cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// Each IP is asked.
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
    /// The parameters of a survey: the window, its own, and the conditions of the filter.
    pub fn parameters<'a>(
        &'a mut self,
        own: impl IntoIterator<Item = Parameter<'a>>,
    ) -> Vec<Parameter<'a>> {
        let window = Parameter::range(
            "timeRange",
            "The window: the stretch of time up to now in which hits count.",
            &mut self.window,
        );
        let via = Parameter::one_of_if_any(
            "via",
            "`ips`: each IP that is tracked is asked, which takes longer and lacks the IPs that left. Else the sums over all IPs answer, where \
             they can tell.",
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

    /// Asks for these details of the hits.
    pub fn query(&self, details: Details) -> Query {
        Query {
            window: self.window,
            filter: self.filter.clone(),
            details,
            via: self.via,
        }
    }
}

/// What every IP is asked.
#[derive(Clone, Debug)]
pub struct Query {
    pub window: Window,
    pub filter: Filter,
    pub details: Details,
    pub via: Option<Via>,
}

impl Query {
    /// Whether the sums over all IPs tell everything but who the callers are.
    pub fn is_of_sums(&self) -> bool {
        let is_by_country = self.details.countries == CountryDetail::All;
        self.via.is_none()
            && self.filter.is_of_sums()
            && !self.details.profiles
            && !(is_by_country && self.filter.is_on_paths())
    }

    /// The same, about the callers alone.
    pub fn of_callers(&self) -> Self {
        Self {
            details: Details {
                callers: self.details.callers,
                order: self.details.order,
                ..Details::default()
            },
            ..self.clone()
        }
    }

    /// IPs that were not seen since then need not be asked.
    pub fn since_ms(&self, ranges: &Ranges) -> u64 {
        self.details.since_ms(&self.window.span(ranges))
    }
}

/// What the IPs said, and whatever else a report is made of.
pub struct Responses {
    pub summary: Summary,
    pub provenance: Provenance,
    /// The buckets that were asked about.
    pub span: Span,
    pub ranges: Ranges,
    /// IPs seen within `active_days`, whatever the window.
    pub active: u64,
    /// IPs that were asked.
    pub ips: u64,
    /// What the operator configured.
    pub prices: Prices,
}

impl Responses {
    /// If a timeline was asked for.
    pub fn timeline(&self) -> Timeline {
        Timeline::new(&self.summary, &self.span, &self.ranges)
    }
}
