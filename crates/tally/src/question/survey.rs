//! Surveys: questions that are put to the IPs. The aggregator asks each IP the same, adds up what they say, and the survey makes
//! its report of the sum.

use serde::{Deserialize, Serialize};

use super::{Ask, Parameter};
use crate::filter::Filter;
use crate::report::{Prices, Provenance};
use crate::summary::{Details, Summary};
use crate::window::Window;

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
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            window: Window::Day,
            filter: Filter::default(),
        }
    }
}

impl Scope {
    /// The parameters of a survey: the window, its own, and the conditions of the filter.
    pub fn parameters<'a>(
        &'a mut self,
        own: impl IntoIterator<Item = Parameter<'a>>,
    ) -> Vec<Parameter<'a>> {
        let window = Parameter::one_of(
            "timeRange",
            "The window: the stretch of time up to now in which hits count.",
            &mut self.window,
            &Window::EVERY,
            Window::name,
        );
        let mut all = vec![window];
        all.extend(own);
        all.extend(self.filter.conditions());
        all
    }

    /// Asks for these details of the hits.
    pub fn query(&self, details: Details) -> Query {
        Query {
            window: self.window,
            filter: self.filter.clone(),
            details,
        }
    }
}

/// What every IP is asked.
#[derive(Clone, Debug)]
pub struct Query {
    pub window: Window,
    pub filter: Filter,
    pub details: Details,
}

impl Query {
    /// IPs that were not seen since then need not be asked.
    pub fn since_ms(&self, as_of_ms: u64) -> u64 {
        self.details.since_ms(self.window, as_of_ms)
    }
}

/// What the IPs said, and whatever else a report is made of.
pub struct Responses {
    pub summary: Summary,
    pub provenance: Provenance,
    /// IPs seen within `active_days`, whatever the window.
    pub active: u64,
    /// IPs that were asked.
    pub ips: u64,
    /// What the operator configured.
    pub prices: Prices,
}
