//! The cost of the recorded traffic at the configured prices.

use serde::{Deserialize, Serialize};

use crate::contract::Tally;
use crate::report::Provenance;
use crate::time::DAY_MS;

/// Days in a month.
const MONTH_DAYS: f64 = 30.0;
/// Costs are spread over at least this time: an hour.
const DAYS_MIN: f64 = 1.0 / 24.0;

/// The prices that the operator configured, in any currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    pub per_million_requests: f64,
    pub per_million_key_value_reads: f64,
    pub per_million_key_value_writes: f64,
    pub per_compute_hour: f64,
    /// Key-value reads that one request makes. Fractions are allowed.
    pub key_value_reads_per_request: f64,
    pub key_value_writes_per_request: f64,
}

/// The cost of the traffic of the window, in the currency of the configured prices. It is spread
/// evenly over the days of the window. A cost that needs response times is `null` under a filter by
/// status, because these are not kept by status.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostMetrics {
    /// The sum of the breakdown.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub estimated_daily_cost: Option<f64>,
    /// The cost of 30 days.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub estimated_monthly_cost: Option<f64>,
    /// Hits in the window.
    pub do_request_count: u64,
    /// The response times of these hits, added up.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub active_duration_hours: Option<f64>,
    /// Key-value reads of the hits in the window: hits times the configured reads per request.
    pub key_value_reads: f64,
    /// Key-value writes of the hits in the window: hits times the configured writes per request.
    pub key_value_writes: f64,
    pub breakdown: CostBreakdown,
}

/// The parts of a day's cost.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostBreakdown {
    /// The cost of the requests. Requests, reads and writes are priced per million.
    pub requests: f64,
    pub key_value_reads: f64,
    pub key_value_writes: f64,
    /// The cost of the response times, priced per hour.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub compute: Option<f64>,
}

impl CostMetrics {
    /// `days` is the length of the window.
    pub fn new(tally: &Tally, days: f64, prices: Prices, provenance: &Provenance) -> Self {
        let days = days.max(DAYS_MIN);
        let requests = tally.count as f64;
        let reads = requests * prices.key_value_reads_per_request;
        let writes = requests * prices.key_value_writes_per_request;
        let hours = (!provenance.is_of_one_status()).then_some(tally.time_sum_us as f64 / 3.6e9);
        let breakdown = CostBreakdown {
            requests: requests / 1e6 * prices.per_million_requests / days,
            key_value_reads: reads / 1e6 * prices.per_million_key_value_reads / days,
            key_value_writes: writes / 1e6 * prices.per_million_key_value_writes / days,
            compute: hours.map(|hours| hours * prices.per_compute_hour / days),
        };
        let daily = breakdown.sum();
        Self {
            estimated_daily_cost: daily,
            estimated_monthly_cost: daily.map(|daily| daily * MONTH_DAYS),
            do_request_count: tally.count,
            active_duration_hours: hours,
            key_value_reads: reads,
            key_value_writes: writes,
            breakdown,
        }
    }
}

impl CostBreakdown {
    fn sum(&self) -> Option<f64> {
        let counted = self.requests + self.key_value_reads + self.key_value_writes;
        self.compute.map(|compute| counted + compute)
    }
}

/// The length of an answer's window in days. `all` counts from the first hit that the answer knows.
pub fn days(provenance: &Provenance, first_seen_ms: Option<u64>) -> f64 {
    provenance.length_ms(first_seen_ms) as f64 / DAY_MS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::provenance;
    use crate::{Filter, StatusClass, StatusValue, Window};

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    /// The example of `docs/api.md`.
    #[test]
    fn the_documented_example_costs_what_the_documentation_says() {
        let prices = Prices {
            per_million_requests: 0.20,
            per_million_key_value_reads: 0.40,
            per_million_key_value_writes: 1.00,
            per_compute_hour: 0.05,
            key_value_reads_per_request: 1.5,
            key_value_writes_per_request: 0.5,
        };
        let tally = Tally {
            count: 7_000_000,
            timed: 7_000_000,
            time_sum_us: 7_000_000 * 36_000,
            ..Tally::default()
        };
        let of = |filter| {
            let provenance = provenance(Window::Week, filter);
            CostMetrics::new(&tally, days(&provenance, None), prices, &provenance)
        };
        let costs = of(None);
        assert!(near(costs.active_duration_hours, 70.0));
        assert!(near(Some(costs.key_value_reads), 10_500_000.0));
        assert!(near(Some(costs.key_value_writes), 3_500_000.0));
        assert!(near(Some(costs.breakdown.requests), 0.20));
        assert!(near(Some(costs.breakdown.key_value_reads), 0.60));
        assert!(near(Some(costs.breakdown.key_value_writes), 0.50));
        assert!(near(costs.breakdown.compute, 0.50));
        assert!(near(costs.estimated_daily_cost, 1.80));
        assert!(near(costs.estimated_monthly_cost, 54.0));

        let class = Filter {
            status: Some(StatusValue::Class(StatusClass::Success).into()),
            ..Filter::default()
        };
        let costs = of(Some(class));
        assert_eq!(
            (costs.estimated_daily_cost, costs.breakdown.compute),
            (None, None)
        );
        assert!(near(Some(costs.breakdown.requests), 0.20));
    }

    #[test]
    fn a_window_of_no_length_is_an_hour() {
        let tally = Tally {
            count: 1_000_000,
            ..Tally::default()
        };
        let prices = Prices {
            per_million_requests: 1.0,
            ..Prices::default()
        };
        let provenance = provenance(Window::All, None);
        let days = days(&provenance, None);
        let costs = CostMetrics::new(&tally, days, prices, &provenance);
        assert!(near(costs.estimated_daily_cost, 24.0));
    }
}
