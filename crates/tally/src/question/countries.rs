//! The top countries, by an order. A hit counts for the country that its IP told last.

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::filter::UNKNOWN;
use crate::hit::Grouping;
use crate::order::Metric;
use crate::report::{Metrics, Provenance};
use crate::summary::{CountrySummary, GroupDetail, GroupSummary};
use crate::tally::ratio;
use crate::time::MINUTE_MS;
use crate::{CountryDetail, Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countries {
    pub scope: Scope,
    pub limit: u32,
    pub order: Metric,
}

impl Default for Countries {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            order: Metric::Requests,
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
                Metric::OF_WINDOW,
                Metric::name,
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
        let group = |of: CountrySummary| GroupSummary {
            name: match of.country.as_str() {
                "" => UNKNOWN.to_owned(),
                _ => of.country,
            },
            tally: of.tally,
            ips: of.ips,
            ..GroupSummary::default()
        };
        let order = GroupDetail {
            order: self.order,
            ..GroupDetail::new(Grouping::Country, self.limit)
        };
        let first = order.first(summary.countries.into_iter().map(group).collect());
        let stats = |country| CountryStats::new(country, total, &provenance);
        let countries = first.into_iter().map(stats).collect();
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
    fn new(of: GroupSummary, total: u64, provenance: &Provenance) -> Self {
        Self {
            total_requests: of.tally.count,
            percentage: 100.0 * ratio(of.tally.count, total),
            unique_ips: of.ips,
            metrics: Metrics::new(&of.tally, provenance),
            country: of.name,
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
