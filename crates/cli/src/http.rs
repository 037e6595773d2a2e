//! The HTTP client of all commands.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::http::Uri;

/// Makes a client for this server. `timeout` is for a whole request and its answer.
pub fn agent(url: &str, timeout: Option<Duration>) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_global(timeout)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        config = config.proxy(None);
    }
    config.build().into()
}

/// Reads the URL of a server. A URL with a query is refused.
pub fn parse_url(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected a URL as in http://127.0.0.1:3000";
    let url: Uri = text.parse().map_err(|_| EXPECTED)?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    if !is_http || url.host().is_none_or(str::is_empty) || url.query().is_some() {
        return Err(EXPECTED);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether the URL is of this machine. If it is, no proxy is used.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// The parts of a problem document (RFC 9457) that are shown.
pub fn detail(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    let problem: Problem = serde_json::from_slice(body).ok()?;
    problem.detail.or(problem.title)
}
