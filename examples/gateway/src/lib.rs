//! A small reverse proxy: it passes every request on to one upstream, and the response back.
//!
//! It knows nothing of Rollcall. The manifest puts the middleware of `examples/middleware` in front
//! of it, which records every request.
//!
//! Bodies pass as they come, in both directions. If the upstream cannot be reached, the answer is a
//! 502. If its response does not begin in time, it is a 504. It refuses no request. Upgrades, such
//! as WebSocket, do not pass.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

use std::time::Duration;

use http::uri::{InvalidUri, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use rollcall_web::{Problem, Reply, call, log, sender, variable};
use spin_sdk::http::{Request, box_body};
use spin_sdk::http_service;

/// The time until the response of the upstream begins. Its body may take longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Headers that concern one connection only (RFC 9110, section 7.6.1), and `Host`, which is the
/// upstream's.
const OF_ONE_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[http_service]
async fn handle(request: Request) -> Reply {
    forward(request).await.unwrap_or_else(Problem::into)
}

async fn forward(mut request: Request) -> Result<Reply, Problem> {
    let upstream = variable::text("upstream").await;
    *request.uri_mut() = upstream_uri(&upstream, request.uri().path_and_query())
        .map_err(|error| failed(StatusCode::BAD_GATEWAY, &error))?;
    prepare(request.headers_mut());
    let sent = call::within(DEADLINE, call::send(request)).await;
    let response = sent
        .ok_or_else(|| failed(StatusCode::GATEWAY_TIMEOUT, &"the response did not begin"))?
        .map_err(|error| failed(StatusCode::BAD_GATEWAY, &error))?;
    let mut reply = response.map(box_body);
    strip(reply.headers_mut());
    Ok(reply)
}

/// The client learns the status. The log has the reason.
fn failed(status: StatusCode, why: &dyn std::fmt::Display) -> Problem {
    log!(Warn, "upstream-failed", status = status.as_u16(), why = why);
    Problem::new(status, "The upstream did not answer.")
}

/// The upstream's address with the path and the query of the request.
fn upstream_uri(upstream: &str, target: Option<&PathAndQuery>) -> Result<Uri, InvalidUri> {
    let target = target.map_or("/", PathAndQuery::as_str);
    format!("{}{target}", upstream.trim_end_matches('/')).parse()
}

/// Makes the headers of a request those that the upstream gets.
fn prepare(headers: &mut HeaderMap) {
    strip(headers);
    let client = sender::opened_by(headers);
    if let Some(client) = client.and_then(|ip| HeaderValue::try_from(ip.to_string()).ok()) {
        headers.append("x-forwarded-for", client);
    }
    let of_spin: Vec<_> = headers
        .keys()
        .filter(|name| is_of_spin(name))
        .cloned()
        .collect();
    for name in of_spin {
        headers.remove(name);
    }
}

/// Spin adds these headers for its components.
fn is_of_spin(name: &HeaderName) -> bool {
    name.as_str().starts_with("spin-")
}

/// Takes out the headers that concern one connection only, also those that `Connection` names.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_ONE_CONNECTION {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_gets_the_path_and_the_query() {
        let check = |upstream: &str, target: &str, expect: &str| {
            let uri = upstream_uri(upstream, Some(&target.parse().unwrap())).unwrap();
            assert_eq!(uri.to_string(), expect);
        };
        check("http://a:8080", "/x?y=1", "http://a:8080/x?y=1");
        check("https://a/base/", "/x", "https://a/base/x");
        check("http://a", "/%2e%2e/", "http://a/%2e%2e/");
        assert_eq!(upstream_uri("http://a", None).unwrap(), "http://a/");
        assert!(upstream_uri("http://a b", None).is_err());
    }

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let all = all.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        all.collect()
    }

    #[test]
    fn headers_of_the_connection_and_of_spin_do_not_pass() {
        let mut all = headers(&[
            ("accept", "*/*"),
            ("connection", "close, X-Own"),
            ("host", "gateway"),
            ("spin-path-info", "/"),
            ("te", "trailers"),
            ("x-own", "1"),
        ]);
        prepare(&mut all);
        assert_eq!(all, headers(&[("accept", "*/*")]));
    }

    #[test]
    fn the_upstream_learns_the_caller_behind_what_the_client_claims() {
        let mut all = HeaderMap::new();
        for (name, value) in [
            ("x-forwarded-for", "6.6.6.6"),
            ("spin-client-addr", "6.6.6.6:6"),
            ("spin-client-addr", "192.0.2.7:5000"),
        ] {
            all.append(name, HeaderValue::from_static(value));
        }
        prepare(&mut all);
        let told: Vec<_> = all.get_all("x-forwarded-for").iter().collect();
        assert_eq!(told, ["6.6.6.6", "192.0.2.7"]);
        assert_eq!(all.len(), 2);
    }
}
