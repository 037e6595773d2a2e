//! The top countries, by an order. A hit counts for the country that its IP told last.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::breakdown::GroupStats;
use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::filter::UNKNOWN;
use crate::order::GroupOrder;
use crate::report::{Metrics, Provenance};
use crate::summary::{CountrySummary, GroupSummary};
use crate::time::MINUTE_MS;
use crate::{CountryDetail, Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countries {
    pub scope: Scope,
    pub limit: u32,
    pub order: GroupOrder,
}

impl Default for Countries {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            order: GroupOrder::Requests,
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
                &GroupOrder::EVERY,
                GroupOrder::name,
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
            let rank = |of: &CountryStats| {
                Reverse(
                    self.order
                        .rank(of.total_requests, of.unique_ips, of.metrics.error_rate),
                )
            };
            rank(a).cmp(&rank(b)).then_with(by_name)
        });
        countries.truncate(self.limit as usize);
        Ok(CountriesReport {
            countries,
            provenance,
        })
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
    fn new(of: CountrySummary, total: u64, provenance: &Provenance) -> Self {
        let group = GroupSummary {
            name: match of.country.as_str() {
                "" => UNKNOWN.to_owned(),
                _ => of.country,
            },
            tally: of.tally,
            ips: of.ips,
        };
        let group = GroupStats::new(group, total, provenance);
        Self {
            country: group.name,
            total_requests: group.total_requests,
            percentage: group.percentage,
            unique_ips: group.unique_ips,
            metrics: group.metrics,
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
