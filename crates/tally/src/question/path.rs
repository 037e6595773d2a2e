//! One path in full. If nobody called it in the window, its numbers are zero.

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey, Value};
use crate::report::{IpStats, PathStats, Provenance, Timeline};
use crate::summary::Summary;
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    pub key: String,
    /// Its filter names no path key.
    pub scope: Scope,
    pub limit: u32,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            key: String::new(),
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
        }
    }
}

impl Ask for Path {
    fn about(&self) -> &'static About {
        &About {
            name: "paths",
            path: "/admin/paths",
            id: "path",
            summary: "One path in full",
            description: "The path's numbers, the IPs that called it most, and its timeline. If \
                          nobody called the path in the window, its numbers are zero, even if it \
                          was called before.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let about = "The path key: `METHOD /path`. `(other)`: the hits on paths that are counted \
                     as one.";
        let key = Parameter::new("key", about, Value::PathKey(&mut self.key));
        let mut all = self.scope.parameters([Parameter::limit(&mut self.limit)]);
        all.insert(0, key.required("METHOD /path"));
        all
    }
}

impl Survey for Path {
    type Report = PathReport;

    fn query(&self) -> Query {
        let mut query = self.scope.query(Details {
            paths: 1,
            callers: self.limit,
            timeline: true,
            ..Details::default()
        });
        query.filter.path_key = Some(self.key.clone());
        query
    }

    fn report(&self, mut responses: Responses) -> Result<PathReport, Failure> {
        // The path key is the subject of the question, not a condition. So `filter` in the answer
        // lacks it.
        responses.provenance.filter = self.scope.filter.some();
        let key = self.key.clone();
        let timeline = responses.timeline();
        Ok(PathReport::new(
            key,
            responses.summary,
            timeline,
            responses.provenance,
        ))
    }

    fn example() -> Self {
        Self {
            key: "GET /users".to_owned(),
            ..Self::default()
        }
    }
}

/// One path in full.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathReport {
    #[serde(flatten)]
    pub stats: PathStats,
    /// The IPs that called the path most, at most `limit`. Their numbers are of this path alone.
    pub callers: Vec<IpStats>,
    pub timeline: Timeline,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl PathReport {
    /// Makes the report from a summary under a filter of this path key alone.
    pub fn new(
        path_key: String,
        summary: Summary,
        timeline: Timeline,
        provenance: Provenance,
    ) -> Self {
        let callers = summary.callers.into_iter();
        let path = summary.paths.into_iter().next();
        Self {
            stats: match path {
                Some(path) => PathStats::new(path, &provenance),
                None => PathStats::uncalled(path_key, &provenance),
            },
            callers: callers
                .map(|caller| IpStats::new(caller, &provenance))
                .collect(),
            timeline,
            provenance,
        }
    }
}
