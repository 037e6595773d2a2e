//! Totals over all IPs.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter, Query, Responses, Scope, Survey};
use crate::report::{self, CostMetrics, days};
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalStats {
    pub scope: Scope,
    pub include_metrics: bool,
    pub include_costs: bool,
}

impl Default for GlobalStats {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            include_metrics: true,
            include_costs: false,
        }
    }
}

impl Ask for GlobalStats {
    fn about(&self) -> &'static About {
        &About {
            name: "global-stats",
            path: "/admin/global-stats",
            id: "globalStats",
            summary: "Totals over all IPs",
            description: "Totals over all IPs, and the ten most called paths.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([
            Parameter::flag(
                "includeMetrics",
                "Include status classes, errors, response times and bytes.",
                &mut self.include_metrics,
            ),
            Parameter::flag(
                "includeCosts",
                "Include the costs of the hits of the window, at the configured prices.",
                &mut self.include_costs,
            ),
        ])
    }
}

impl Survey for GlobalStats {
    type Report = report::GlobalStats;

    fn query(&self) -> Query {
        self.scope.query(Details {
            paths: report::GLOBAL_TOP_PATHS,
            path_keys: true,
            ..Details::default()
        })
    }

    fn report(&self, responses: Responses) -> Result<report::GlobalStats, Failure> {
        let Responses {
            summary,
            provenance,
            active,
            prices,
            ..
        } = responses;
        let days = days(&provenance, summary.first_seen_ms);
        let costs = CostMetrics::new(&summary.tally, days, prices, &provenance);
        let mut stats = report::GlobalStats::new(summary, active, provenance);
        stats.cost_metrics = self.include_costs.then_some(costs);
        stats.metrics = stats.metrics.filter(|_| self.include_metrics);
        Ok(stats)
    }

    /// The example includes the costs, to show them.
    fn example() -> Self {
        Self {
            include_costs: true,
            ..Self::default()
        }
    }
}
