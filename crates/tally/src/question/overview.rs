//! The overview: everything that a dashboard shows first.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter, Query, Responses, Scope, Survey};
use crate::report;
use crate::time::MINUTE_MS;
use crate::{CountryDetail, Details, Failure};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub scope: Scope,
}

impl Ask for Overview {
    fn about(&self) -> &'static About {
        &About {
            name: "overview",
            path: "/admin/overview",
            id: "overview",
            summary: "Overview for a dashboard",
            description: "Totals, new IPs, the top paths, IPs, countries and methods, and a \
                          timeline. All of it is from the same moment, in one answer.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([])
    }
}

impl Survey for Overview {
    type Report = report::Overview;

    fn query(&self) -> Query {
        self.scope.query(Details {
            paths: report::GLOBAL_TOP_PATHS,
            path_keys: true,
            countries: CountryDetail::Requests,
            callers: report::OVERVIEW_IPS,
            timeline: true,
            buckets: true,
            ..Details::default()
        })
    }

    fn report(&self, mut responses: Responses) -> Result<report::Overview, Failure> {
        responses.fill_buckets();
        let timeline = responses.timeline();
        let (summary, provenance) = (responses.summary, responses.provenance);
        Ok(report::Overview::new(
            summary,
            timeline,
            responses.active,
            provenance,
        ))
    }
}
