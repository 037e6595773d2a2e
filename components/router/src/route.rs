//! Turns a request into a route, once.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use rollcall_tally::question::{NotUnderstood, Question};
use rollcall_web::Problem;

use crate::local::METRICS;

/// A request to the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Question(Box<Question>),
    Metrics,
    Prewarm,
    Verify,
    CheckAlerts,
}

impl Route {
    pub fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (route, method) = match request.uri().path() {
            METRICS => (Self::Metrics, Method::GET),
            "/admin/prewarm" => (Self::Prewarm, Method::POST),
            "/admin/verify" => (Self::Verify, Method::POST),
            "/admin/check-alerts" => (Self::CheckAlerts, Method::POST),
            _ => return Self::question(request),
        };
        match *request.method() == method {
            true => Ok(route),
            false if method == Method::GET => Err(Problem::method_not_allowed("GET")),
            false => Err(Problem::method_not_allowed("POST")),
        }
    }

    fn question<B>(request: &Request<B>) -> Result<Self, Problem> {
        let query = request.uri().query().unwrap_or_default();
        match Question::at(request.uri().path(), query) {
            Err(NotUnderstood::Unknown) => Err(Problem::not_found()),
            _ if request.method() != Method::GET => Err(Problem::method_not_allowed("GET")),
            read => Ok(Self::Question(read?.into())),
        }
    }
}

/// Whether an answer is a problem that was written for clients.
pub fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    content_type == Some(b"application/problem+json".as_slice())
}
