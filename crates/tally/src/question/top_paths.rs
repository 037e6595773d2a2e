//! The top paths, by an order.

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::order::PathOrder;
use crate::report;
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopPaths {
    pub scope: Scope,
    pub limit: u32,
    pub order: PathOrder,
}

impl Default for TopPaths {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            order: PathOrder::Requests,
        }
    }
}

impl Ask for TopPaths {
    fn about(&self) -> &'static About {
        &About {
            name: "top-paths",
            path: "/admin/top-paths",
            id: "topPaths",
            summary: "Top paths",
            description: "The top paths in the chosen order. Each has its calls, callers, \
                          countries, errors and response times.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([
            Parameter::limit(&mut self.limit),
            Parameter::one_of(
                "sortBy",
                "The field to sort by, descending. Equal entries are sorted by path key. Paths \
                 without a response time come last.",
                &mut self.order,
                &PathOrder::EVERY,
                PathOrder::name,
            ),
        ])
    }
}

impl Survey for TopPaths {
    type Report = report::TopPaths;

    fn query(&self) -> Query {
        self.scope.query(Details {
            paths: self.limit,
            path_order: self.order,
            ..Details::default()
        })
    }

    fn report(&self, responses: Responses) -> Result<report::TopPaths, Failure> {
        let (paths, provenance) = (responses.summary.paths, responses.provenance);
        Ok(report::TopPaths {
            paths: report::top_paths(paths, self.order, 0, self.limit, &provenance),
            provenance,
        })
    }
}
