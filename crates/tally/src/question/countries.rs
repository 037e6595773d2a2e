//! All countries, by an order. A hit counts for the country that its IP told last.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{About, Ask, Responses, LIMIT_DEFAULT, Parameter, Query, Scope, Survey};
use crate::filter::UNKNOWN;
use crate::report::{Metrics, Provenance};
use crate::summary::CountrySummary;
use crate::tally::ratio;
use crate::window::MINUTE_MS;
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
            summary: "The first of all countries",
            description: "The first of all countries by an order: calls, callers, errors and response times of each. A hit counts for the country \
                          that its IP told last, or `unknown`.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([
            Parameter::limit(&mut self.limit),
            Parameter::one_of(
                "sortBy",
                "The order, descending. Equals by country.",
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

/// What a list of countries is sorted by, descending.
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

    /// The higher, the further up. A rate is not negative, so that it is ordered as its bits are.
    fn rank(self, country: &CountryStats) -> u64 {
        match self {
            Self::Requests => country.total_requests,
            Self::UniqueIps => country.unique_ips,
            Self::ErrorRate => country.metrics.error_rate.to_bits(),
        }
    }
}

/// What the IPs of one country did.
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

/// Countries of all IPs, in the order asked for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountriesReport {
    /// At most `limit`.
    pub countries: Vec<CountryStats>,
    #[serde(flatten)]
    pub provenance: Provenance,
}
