//! The top countries, by an order. A hit counts for the country that its IP told last.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::filter::UNKNOWN;
use crate::report::{Metrics, Provenance};
use crate::summary::CountrySummary;
use crate::tally::ratio;
use crate::time::MINUTE_MS;
use crate::{CountryDetail, Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countries {
    pub scope: Scope,
    pub limit: u32,
    pub order: CountryOrder,
}

impl Default for Countries {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            order: CountryOrder::Requests,
        }
    }
}

impl Ask for Countries {
    fn about(&self) -> &'static About {
        &About {
            name: "countries",
            path: "/admin/countries",
            id: "countries",
            summary: "Top countries",
            description: "The top countries in the chosen order. Each has its calls, callers, \
                          errors and response times. A hit counts for the country that its IP told \
                          last, or for `unknown`.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([
            Parameter::limit(&mut self.limit),
            Parameter::one_of(
                "sortBy",
                "The field to sort by, descending. Equal entries are sorted by country.",
                &mut self.order,
                &CountryOrder::EVERY,
                CountryOrder::name,
            ),
        ])
    }
}

impl Survey for Countries {
    type Report = CountriesReport;

    fn query(&self) -> Query {
        self.scope.query(Details {
            countries: CountryDetail::All,
            ..Details::default()
        })
    }

    fn report(&self, responses: Responses) -> Result<CountriesReport, Failure> {
        let (summary, provenance) = (responses.summary, responses.provenance);
        let total = summary.tally.count;
        let stats = |country| CountryStats::new(country, total, &provenance);
        let mut countries: Vec<CountryStats> = summary.countries.into_iter().map(stats).collect();
        countries.sort_by(|a, b| {
            let by_name = || a.country.cmp(&b.country);
            let rank = |country| Reverse(self.order.rank(country));
            rank(a).cmp(&rank(b)).then_with(by_name)
        });
        countries.truncate(self.limit as usize);
        Ok(CountriesReport {
            countries,
            provenance,
        })
    }
}

/// The field that a list of countries is sorted by, descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountryOrder {
    Requests,
    UniqueIps,
    ErrorRate,
}

impl CountryOrder {
    pub const EVERY: [Self; 3] = [Self::Requests, Self::UniqueIps, Self::ErrorRate];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniqueIps => "uniqueIPs",
            Self::ErrorRate => "errorRate",
        }
    }

    /// The value to sort by, descending. A rate is never negative. So the bits of rates are in the
    /// same order as the rates.
    fn rank(self, country: &CountryStats) -> u64 {
        match self {
            Self::Requests => country.total_requests,
            Self::UniqueIps => country.unique_ips,
            Self::ErrorRate => country.metrics.error_rate.to_bits(),
        }
    }
}

/// The hits of the IPs of one country.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountryStats {
    /// Two characters, or `unknown`.
    pub country: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// Percent of all requests.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percentage: f64,
    /// IPs with a hit in the window.
    #[serde(rename = "uniqueIPs")]
    pub unique_ips: u64,
    #[serde(flatten)]
    pub metrics: Metrics,
}

impl CountryStats {
    fn new(country: CountrySummary, total: u64, provenance: &Provenance) -> Self {
        Self {
            total_requests: country.tally.count,
            percentage: 100.0 * ratio(country.tally.count, total),
            unique_ips: country.ips,
            metrics: Metrics::new(&country.tally, provenance),
            country: match country.country.as_str() {
                "" => UNKNOWN.to_owned(),
                _ => country.country,
            },
        }
    }
}

/// The countries, sorted as asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountriesReport {
    /// At most `limit`.
    pub countries: Vec<CountryStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}
