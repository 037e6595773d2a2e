//! The operator's API beside the hits: which operations nobody called, and which called paths are
//! no operation.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::hit::OTHER_PATHS;
use crate::report::Provenance;
use crate::summary::PathSummary;
use crate::time::MINUTE_MS;
use crate::time_text::rfc3339_if_any;
use crate::{Details, Failure, warning};

/// The answer if the app has no OpenAPI file.
pub const NO_API: &str = "The app has no OpenAPI file of your API. Put the file as openapi.json or \
                          openapi.yaml into the folder files beside spin.toml, and restart the app.";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiUsage {
    pub scope: Scope,
    pub limit: u32,
}

impl Default for ApiUsage {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
        }
    }
}

impl Ask for ApiUsage {
    fn about(&self) -> &'static About {
        &About {
            name: "api-usage",
            path: "/admin/api-usage",
            id: "apiUsage",
            summary: "Usage of your API",
            description: "Compares the hits with the OpenAPI file of your API: the operations that \
                          were called, those that one IP alone called, those that nobody called, \
                          and the called paths that no operation fits. If the app has no such \
                          file, the answer is a 404.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([Parameter::limit(&mut self.limit)])
    }
}

impl Survey for ApiUsage {
    type Report = ApiUsageReport;

    fn query(&self) -> Query {
        let query = self.scope.query(Details {
            // Each path may be one of an operation. A bucket has a bounded number of paths.
            paths: u32::MAX,
            ..Details::default()
        });
        Query {
            is_of_api: true,
            ..query
        }
    }

    fn report(&self, responses: Responses) -> Result<ApiUsageReport, Failure> {
        let api = responses.api;
        let mut provenance = responses.provenance;
        let mut known: BTreeMap<String, CalledPath> = BTreeMap::new();
        let mut unknown = Vec::new();
        for path in responses.summary.paths {
            let (path_key, called) = CalledPath::new(path);
            if path_key == OTHER_PATHS {
                let warning = warning::say(warning::OTHER_IN_API, &[&called.total_requests]);
                provenance.warnings.push(warning);
                continue;
            }
            match api.operation(&path_key) {
                None => unknown.push(CalledPath { path_key, ..called }),
                Some(operation) => match known.get_mut(&operation) {
                    Some(known) => known.merge(called),
                    None => _ = known.insert(operation, called),
                },
            }
        }
        let is_asked = |operation: &String| self.scope.filter.lets_path(operation);
        let uncalled = api
            .operations()
            .filter(|operation| is_asked(operation) && !known.contains_key(operation));
        let uncalled: Vec<String> = uncalled.collect();
        let called = known
            .into_iter()
            .map(|(path_key, called)| CalledPath { path_key, ..called });
        let mut called: Vec<CalledPath> = called.collect();
        for list in [&mut called, &mut unknown] {
            list.sort_by(|a, b| a.rank().cmp(&b.rank()));
        }
        let (unknown_paths, hits) = (
            unknown.len(),
            unknown.iter().map(|path| path.total_requests),
        );
        let unknown_requests = hits.sum();
        unknown.truncate(self.limit as usize);
        let by_one = called.iter().filter(|called| called.unique_ips == Some(1));
        let called_by_one: Vec<String> = by_one.map(|called| called.path_key.clone()).collect();
        Ok(ApiUsageReport {
            called_operations: called.len() as u64,
            called,
            called_by_one_operations: called_by_one.len() as u64,
            called_by_one,
            uncalled_operations: uncalled.len() as u64,
            uncalled,
            unknown_paths: unknown_paths as u64,
            unknown_requests,
            unknown,
            provenance,
        })
    }
}

/// The hits on an operation, or on a path that is no operation.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalledPath {
    /// `METHOD /path`. The path of an operation is written as in the file.
    pub path_key: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// IPs with a hit in the window. `null` if the hits of an operation were counted under several
    /// paths, because an IP may have called more than one of them.
    #[serde(rename = "uniqueIPs")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unique_ips: Option<u64>,
    /// The last hit ever, in any window and with any status. `null` if it is not known any more.
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub last_seen_ms: Option<u64>,
}

impl CalledPath {
    /// The key of a path, and its hits.
    fn new(path: PathSummary) -> (String, Self) {
        let called = Self {
            path_key: String::new(),
            total_requests: path.tally.count,
            unique_ips: Some(path.ips),
            last_seen_ms: Some(path.last_seen_ms).filter(|ms| *ms > 0),
        };
        (path.path_key, called)
    }

    /// Adds the hits of another path of the same operation.
    fn merge(&mut self, other: Self) {
        self.total_requests += other.total_requests;
        self.unique_ips = None;
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
    }

    fn rank(&self) -> (Reverse<u64>, &str) {
        (Reverse(self.total_requests), &self.path_key)
    }
}

/// The operations of the API, and the called paths that are none.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiUsageReport {
    /// Operations with a hit in the window, those with the most hits first.
    pub called: Vec<CalledPath>,
    /// How many operations `called` has.
    pub called_operations: u64,
    /// The operations that one IP alone called in the window, as `METHOD /path`, in the order of
    /// `called`. An operation whose `uniqueIPs` is `null` is not listed.
    pub called_by_one: Vec<String>,
    /// How many operations `calledByOne` has.
    pub called_by_one_operations: u64,
    /// Operations without a hit in the window, as `METHOD /path`. Under a filter by path or method,
    /// only those that the filter lets through.
    pub uncalled: Vec<String>,
    /// How many operations `uncalled` has.
    pub uncalled_operations: u64,
    /// Called paths that no operation fits, those with the most hits first. At most `limit`.
    pub unknown: Vec<CalledPath>,
    /// How many such paths there are, also beyond `limit`.
    pub unknown_paths: u64,
    /// The hits on all of these paths.
    pub unknown_requests: u64,
    #[serde(flatten)]
    pub provenance: Provenance,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::hit::{Api, Spelling};
    use crate::summary::{RecentActivity, Summary};
    use crate::tally::Tally;
    use crate::window::Ranges;
    use crate::{Filter, Window};

    const NOW_MS: u64 = 1_738_324_800_000;

    fn path(key: &str, hits: u64, ips: u64, last_seen_ms: u64) -> PathSummary {
        PathSummary {
            path_key: key.to_owned(),
            tally: Tally {
                count: hits,
                ..Tally::default()
            },
            ips,
            countries: Vec::new(),
            first_seen_ms: 0,
            last_seen_ms,
            recent: RecentActivity::default(),
            buckets: Vec::new(),
        }
    }

    fn usage(
        operations: impl IntoIterator<Item = (String, String)>,
        paths: Vec<PathSummary>,
        asked: &ApiUsage,
    ) -> ApiUsageReport {
        let operations = operations.into_iter();
        let paths_of = operations.map(|(method, path)| (path, vec![method]));
        let api = Api::new(paths_of, Spelling::default()).unwrap();
        let ranges = Ranges::utc(NOW_MS);
        let responses = Responses {
            summary: Summary {
                paths,
                ..Summary::default()
            },
            provenance: Provenance {
                time_range: Some(Window::Day),
                from_ms: None,
                to_ms: NOW_MS,
                time_zone: "UTC".to_owned(),
                filter: asked.scope.filter.some(),
                as_of_ms: NOW_MS,
                generated_at_ms: NOW_MS,
                coverage: 1.0,
                warnings: Vec::new(),
                behind: None,
            },
            span: Window::Day.span(&ranges),
            ranges,
            comparison: None,
            active: 0,
            ips: 0,
            prices: crate::report::Prices::default(),
            api: Arc::new(api),
            root: 1,
            drops: Default::default(),
            tracked: None,
            labels: Arc::default(),
        };
        asked.report(responses).unwrap()
    }

    fn shop() -> impl Iterator<Item = (String, String)> {
        let operations = [
            ("GET", "/users/{name}"),
            ("PUT", "/users/{name}"),
            ("GET", "/users/me"),
            ("GET", "/orders"),
        ];
        operations
            .into_iter()
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
    }

    fn called(
        path_key: &str,
        hits: u64,
        ips: Option<u64>,
        last_seen_ms: Option<u64>,
    ) -> CalledPath {
        CalledPath {
            path_key: path_key.to_owned(),
            total_requests: hits,
            unique_ips: ips,
            last_seen_ms,
        }
    }

    #[test]
    fn hits_before_and_after_the_file_belong_to_the_same_operation() {
        let paths = vec![
            path("GET /users/7", 2, 2, 30),
            path("GET /users/{name}", 3, 1, 20),
            path("GET /users/me", 9, 1, 0),
            path("DELETE /users/7", 1, 1, 10),
            path("GET /wp-login.php", 5, 5, 11),
            path("GET /.env", 5, 3, 12),
            path("(other)", 40, 7, 13),
        ];
        let asked = ApiUsage {
            limit: 2,
            ..ApiUsage::default()
        };
        let report = usage(shop(), paths, &asked);
        let expect = [
            called("GET /users/me", 9, Some(1), None),
            called("GET /users/{name}", 5, None, Some(30)),
        ];
        assert_eq!(report.called, expect);
        assert_eq!(report.called_operations, 2);
        // An IP may have called both paths of `GET /users/{name}`. The others are no operations.
        assert_eq!(report.called_by_one, ["GET /users/me"]);
        assert_eq!(report.called_by_one_operations, 1);
        assert_eq!(report.uncalled, ["PUT /users/{name}", "GET /orders"]);
        assert_eq!(report.uncalled_operations, 2);
        let expect = [
            called("GET /.env", 5, Some(3), Some(12)),
            called("GET /wp-login.php", 5, Some(5), Some(11)),
        ];
        assert_eq!(report.unknown, expect);
        assert_eq!((report.unknown_paths, report.unknown_requests), (3, 11));
        let warnings = &report.provenance.warnings;
        assert!(
            warnings.len() == 1 && warnings[0].starts_with("40 hits are counted under (other)")
        );
    }

    #[test]
    fn under_a_filter_only_operations_that_it_lets_through_are_uncalled() {
        let filtered = |filter| {
            let mut asked = ApiUsage::default();
            asked.scope.filter = filter;
            usage(shop(), Vec::new(), &asked).uncalled
        };
        let by_method = Filter {
            method: Some("PUT".to_owned()),
            ..Filter::default()
        };
        assert_eq!(filtered(by_method), ["PUT /users/{name}"]);
        let by_prefix = Filter {
            path_prefix: Some("/or".to_owned()),
            ..Filter::default()
        };
        assert_eq!(filtered(by_prefix), ["GET /orders"]);
    }

    #[test]
    fn a_thousand_operations_and_100000_called_paths_are_compared_in_a_moment() {
        let operations = (0..1_000).map(|n| {
            (
                "GET".to_owned(),
                format!("/v1/kinds{n}/{{id}}/parts/{{part}}"),
            )
        });
        let paths = (0..100_000).map(|n| {
            // Every second path is one of an operation.
            let kind = n % 2_000;
            path(&format!("GET /v1/kinds{kind}/{n}/parts/{n}"), 1, 1, n)
        });
        let paths: Vec<_> = paths.collect();
        let began = Instant::now();
        let report = usage(operations, paths, &ApiUsage::default());
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(
            (report.called_operations, report.uncalled_operations),
            (1_000, 0)
        );
        assert!(
            report
                .called
                .iter()
                .all(|called| called.total_requests == 50)
        );
        assert_eq!(
            (report.unknown_paths, report.unknown_requests),
            (50_000, 50_000)
        );
        assert_eq!(report.unknown.len(), 10);
    }
}
