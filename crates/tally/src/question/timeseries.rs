//! A timeline of all hits that the filter lets through.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter, Query, Responses, Scope, Survey};
use crate::report;
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeseries {
    pub scope: Scope,
}

impl Ask for Timeseries {
    fn about(&self) -> &'static About {
        &About {
            name: "timeseries",
            path: "/admin/timeseries",
            id: "timeseries",
            summary: "Timeline",
            description: "Requests, errors and response times of the window, bucket by bucket, and \
                          the same for the period of the same length before it. The example shows \
                          only the newest buckets. An answer has all of them.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([])
    }
}

impl Survey for Timeseries {
    type Report = report::Timeseries;

    fn query(&self) -> Query {
        self.scope.query(Details {
            timeline: true,
            ..Details::default()
        })
    }

    fn report(&self, responses: Responses) -> Result<report::Timeseries, Failure> {
        Ok(report::Timeseries {
            timeline: responses.timeline(),
            provenance: responses.provenance,
        })
    }
}
