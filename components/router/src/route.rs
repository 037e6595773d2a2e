//! What a request asks for, decided once.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use rollcall_tally::question::Question;
use rollcall_web::Problem;

use crate::local::METRICS;

/// What the admin API is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Question(Question),
    Metrics,
    Prewarm,
    CheckAlerts,
}

impl Route {
    pub fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let name = match request.uri().path() {
            METRICS if request.method() == Method::GET => return Ok(Self::Metrics),
            METRICS => return Err(Problem::method_not_allowed("GET")),
            "/admin/global-stats" => "global-stats",
            "/admin/overview" => "overview",
            "/admin/top-paths" => "top-paths",
            "/admin/top-ips" => "top-ips",
            "/admin/export" => "export-data",
            "/admin/timeseries" => "timeseries",
            "/admin/paths" => "paths",
            "/admin/aggregator-status" => "status",
            "/admin/prewarm" if request.method() == Method::POST => return Ok(Self::Prewarm),
            "/admin/check-alerts" if request.method() == Method::POST => {
                return Ok(Self::CheckAlerts);
            }
            "/admin/prewarm" | "/admin/check-alerts" => {
                return Err(Problem::method_not_allowed("POST"));
            }
            path => match path.strip_prefix("/admin/") {
                Some(name) if name.starts_with("ips/") => name,
                _ => return Err(Problem::not_found()),
            },
        };
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let query = request.uri().query().unwrap_or_default();
        Ok(Self::Question(Question::read(name, query)?))
    }
}

/// Whether an answer is a problem that was written for clients.
pub fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    content_type == Some(b"application/problem+json".as_slice())
}
