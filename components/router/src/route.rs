//! Turns a request into a route, once.

use std::net::IpAddr;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use rollcall_tally::question::{AnySurvey, BadParameter, NotUnderstood, Question};
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
    /// All that is stored of an IP.
    StoredIp(IpAddr),
    Erase(IpAddr),
    /// What became of the batch with this number.
    Batch(u64),
}

/// The path of a batch.
const BATCH: &str = "/admin/batches/{number}";

/// The path of all that is stored of an IP. Without its end, it is the path of the IP.
const STORED_IP: &str = "/admin/ips/{ip}/data";

impl Route {
    pub fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (route, method) = match request.uri().path() {
            METRICS => (Self::Metrics, Method::GET),
            "/admin/prewarm" => (Self::Prewarm, Method::POST),
            "/admin/verify" => (Self::Verify, Method::POST),
            "/admin/check-alerts" => (Self::CheckAlerts, Method::POST),
            path if path.starts_with(batches()) => (Self::Batch(batch_of(path)?), Method::GET),
            path if is_of_ip(path) => match path.strip_suffix(of_stored_ip().1) {
                Some(of_ip) => (Self::StoredIp(ip_of(of_ip)?), Method::GET),
                None if *request.method() == Method::DELETE => {
                    return Ok(Self::Erase(ip_of(path)?));
                }
                None => return Self::question(request),
            },
            _ => return Self::question(request),
        };
        match *request.method() == method {
            true => Ok(route),
            false if method == Method::GET => Err(Problem::method_not_allowed("GET")),
            false => Err(Problem::method_not_allowed("POST")),
        }
    }

    fn question<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (path, query) = (request.uri().path(), request.uri().query());
        let allowed = match is_of_ip(path) {
            true => "GET, DELETE",
            false => "GET",
        };
        match Question::at(path, query.unwrap_or_default()) {
            Err(NotUnderstood::Unknown) => Err(Problem::not_found()),
            _ if request.method() != Method::GET => Err(Problem::method_not_allowed(allowed)),
            read => Ok(Self::Question(read?.into())),
        }
    }
}

/// The begin and the end of [`STORED_IP`].
fn of_stored_ip() -> (&'static str, &'static str) {
    STORED_IP.split_once("{ip}").unwrap_or_default()
}

fn is_of_ip(path: &str) -> bool {
    path.starts_with(of_stored_ip().0)
}

/// The begin of [`BATCH`].
fn batches() -> &'static str {
    let (batches, _) = BATCH.split_once('{').unwrap_or_default();
    batches
}

/// The batch that a path like `/admin/batches/17` names.
fn batch_of(path: &str) -> Result<u64, Problem> {
    let number = path.strip_prefix(batches()).unwrap_or_default();
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).ok_or_else(|| {
        Problem::bad_parameters(vec![BadParameter {
            name: "number".to_owned(),
            reason: "expected a number, as Rollcall-Batch tells it".to_owned(),
        }])
    })
}

/// The IP that a path like `/admin/ips/192.0.2.1` names.
fn ip_of(path: &str) -> Result<IpAddr, Problem> {
    match Question::at(path, "")? {
        Question::Survey(AnySurvey::Ip(of)) => Ok(of.ip),
        _ => Err(Problem::not_found()),
    }
}

/// Refuses with a 405 a request that does not read. Needed for paths that are open to all.
pub fn reads<B>(request: &Request<B>) -> Result<(), Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method_not_allowed("GET, HEAD")),
    }
}

/// Whether an answer is a problem that was written for clients.
pub fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    content_type == Some(b"application/problem+json".as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> Result<Route, u16> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        Route::of(&request).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn an_ip_is_erased_and_its_data_read_by_address() {
        let (v4, v6) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        for (path, ip) in [
            ("192.0.2.1", v4),
            ("2001:db8::1", v6),
            ("2001%3Adb8::1", v6),
        ] {
            let erase = of(Method::DELETE, &format!("/admin/ips/{path}"));
            assert_eq!(erase, Ok(Route::Erase(ip)));
            let data = of(Method::GET, &format!("/admin/ips/{path}/data"));
            assert_eq!(data, Ok(Route::StoredIp(ip)));
        }
        assert_eq!(of(Method::DELETE, "/admin/ips/192.0.2"), Err(400));
        assert_eq!(of(Method::GET, "/admin/ips/x/data"), Err(400));
        assert_eq!(of(Method::DELETE, "/admin/ips/192.0.2.1/data"), Err(405));
        assert_eq!(of(Method::POST, "/admin/ips/192.0.2.1"), Err(405));
        assert_eq!(of(Method::DELETE, "/admin/overview"), Err(405));
    }

    #[test]
    fn a_batch_has_a_number() {
        let of_path = |number: &str| of(Method::GET, &format!("/admin/batches/{number}"));
        assert_eq!(of_path("17"), Ok(Route::Batch(17)));
        assert_eq!(of_path(&u64::MAX.to_string()), Ok(Route::Batch(u64::MAX)));
        for bad in ["", "x", "-1", "+1", "1/2", "18446744073709551616"] {
            assert_eq!(of_path(bad), Err(400), "{bad}");
        }
        assert_eq!(of(Method::POST, "/admin/batches/17"), Err(405));
    }
}
