//! A hit: one request that a gateway saw, checked once and never again.
//!
//! Whatever it was read from (see [`crate::intake`]), it is a [`RawHit`] first, and [`RawHit::check`] is the one place that
//! turns it into a [`Hit`]: within the limits below, its address canonical, its path without a query string. Refuses everything
//! else, with the field's name.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The longest path kept, in bytes. A hit with a longer one is refused: a path key is repeated in every answer.
pub const PATH_BYTES_MAX: usize = 2_048;
/// The longest user agent kept, in bytes. A longer one is cut, at a character's edge.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// The longest method, in bytes. The longest registered one has 17. A hit with a longer one is refused.
pub const METHOD_BYTES_MAX: usize = 32;
/// The longest response time, one day. A longer one is a unit mistaken, and the hit is refused.
pub const RESPONSE_TIME_US_MAX: u64 = 24 * 60 * 60 * 1_000_000;
/// The largest response, 1 TiB. A hit with a larger one is refused: sixteen million such still add up within 64 bits.
pub const RESPONSE_BYTES_MAX: u64 = 1 << 40;
/// How far in the future a hit may be, for clocks that differ. What is later is refused: no window would ever end.
pub const FUTURE_MS_MAX: u64 = 5 * 60 * 1_000;
/// The earliest time, in March 1973. What is earlier is refused: it is a count of seconds, which would otherwise be taken for
/// milliseconds until the year 5138.
pub const TIMESTAMP_MS_MIN: u64 = 100_000_000_000;

/// What a status must be. The readers say it as well, of a value that is no number at all.
pub(crate) const STATUS_EXPECTED: &str = "expected an integer from 100 to 599";

/// One request that a gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The caller, canonical: an IPv4 address mapped into IPv6 is IPv4.
    pub ip: IpAddr,
    /// Milliseconds since 1970, UTC.
    pub timestamp_ms: u64,
    /// Upper case, as in `GET`.
    pub method: String,
    /// From the first `/`, without the query string; or `*`, as in `OPTIONS *`.
    pub path: String,
    /// 100 to 599.
    pub status: Option<u16>,
    /// Microseconds.
    pub response_time_us: Option<u64>,
    /// Bytes of the response.
    pub bytes: Option<u64>,
    /// ISO 3166-1 alpha-2, upper case, or a code that gateways use beside it, as in `T1` for Tor.
    pub country: Option<String>,
    /// Never empty.
    pub user_agent: Option<String>,
}

impl Hit {
    /// What a hit is counted under: `METHOD /path`.
    pub fn path_key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A hit as it came in: the right types, nothing else known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawHit {
    /// An IPv4 or IPv6 address without a zone.
    pub ip: String,
    /// A token of RFC 9110, in any case.
    pub method: String,
    /// A request target: `/path?query`, `http://host/path?query` or `*`.
    pub path: String,
    /// Milliseconds since 1970, UTC. `None`: now.
    pub timestamp_ms: Option<u64>,
    pub status: Option<u16>,
    pub response_time_us: Option<u64>,
    pub bytes: Option<u64>,
    /// Two characters, in any case.
    pub country: Option<String>,
    pub user_agent: Option<String>,
}

/// Why a hit was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refusal {
    /// As in the JSON form, `responseTimeMs` for one.
    pub field: &'static str,
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field,
            reason: reason.into(),
        }
    }
}

impl RawHit {
    /// Checks every limit of this module.
    ///
    /// # Errors
    /// The first field that is not acceptable, and why.
    pub fn check(self, now_ms: u64) -> Result<Hit, Refusal> {
        Ok(Hit {
            ip: check_ip(&self.ip)?,
            timestamp_ms: check_timestamp(self.timestamp_ms, now_ms)?,
            method: check_method(self.method)?,
            path: check_path(self.path)?,
            status: check_status(self.status)?,
            response_time_us: check_response_time(self.response_time_us)?,
            bytes: check_bytes(self.bytes)?,
            country: check_country(self.country)?,
            user_agent: self.user_agent.and_then(cut_user_agent),
        })
    }
}

fn check_ip(ip: &str) -> Result<IpAddr, Refusal> {
    match ip.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_canonical()),
        Err(_) if ip.contains('%') => {
            Err(Refusal::new("ip", "an address with a zone is not global"))
        }
        Err(_) => Err(Refusal::new("ip", "not an IP address")),
    }
}

fn check_timestamp(timestamp_ms: Option<u64>, now_ms: u64) -> Result<u64, Refusal> {
    let Some(timestamp_ms) = timestamp_ms else {
        return Ok(now_ms);
    };
    if timestamp_ms < TIMESTAMP_MS_MIN {
        let reason = "expected milliseconds since 1970, this looks like seconds";
        return Err(Refusal::new("timestamp", reason));
    }
    if timestamp_ms > now_ms.saturating_add(FUTURE_MS_MAX) {
        return Err(Refusal::new(
            "timestamp",
            "more than 5 minutes in the future",
        ));
    }
    Ok(timestamp_ms)
}

pub(crate) fn check_method(mut method: String) -> Result<String, Refusal> {
    if method.is_empty() {
        return Err(Refusal::new("method", "empty"));
    }
    if method.len() > METHOD_BYTES_MAX {
        let reason = format!("longer than {METHOD_BYTES_MAX} bytes");
        return Err(Refusal::new("method", reason));
    }
    if !method.bytes().all(is_token_byte) {
        return Err(Refusal::new(
            "method",
            "not a method: expected letters, digits or !#$%&'*+-.^_`|~",
        ));
    }
    method.make_ascii_uppercase();
    Ok(method)
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

pub(crate) fn check_path(mut path: String) -> Result<String, Refusal> {
    if let Some(end) = path.find(['?', '#']) {
        path.truncate(end);
    }
    if let Some(authority) = strip_scheme(&path) {
        // A URL without a path asks for the root (RFC 9112, section 3.2.2).
        path = match authority.find('/') {
            Some(start) => authority.split_at(start).1.to_owned(),
            None => "/".to_owned(),
        };
    }
    if path.is_empty() {
        return Err(Refusal::new("path", "empty"));
    }
    if !path.starts_with('/') && path != "*" {
        return Err(Refusal::new(
            "path",
            "expected /path, http://host/path or *",
        ));
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(Refusal::new(
            "path",
            format!("longer than {PATH_BYTES_MAX} bytes"),
        ));
    }
    if path.chars().any(char::is_control) {
        return Err(Refusal::new("path", "contains a control character"));
    }
    Ok(path)
}

/// What follows `http://` or `https://`, in any case; none if that is empty, since a URL has a host.
fn strip_scheme(url: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        let has_host = !rest.is_empty() && !rest.starts_with('/');
        (start.eq_ignore_ascii_case(scheme) && has_host).then_some(rest)
    })
}

fn check_status(status: Option<u16>) -> Result<Option<u16>, Refusal> {
    match status {
        Some(status) if !(100..=599).contains(&status) => {
            Err(Refusal::new("status", STATUS_EXPECTED))
        }
        status => Ok(status),
    }
}

fn check_response_time(response_time_us: Option<u64>) -> Result<Option<u64>, Refusal> {
    match response_time_us {
        Some(time) if time > RESPONSE_TIME_US_MAX => {
            Err(Refusal::new("responseTimeMs", "longer than a day"))
        }
        time => Ok(time),
    }
}

fn check_bytes(bytes: Option<u64>) -> Result<Option<u64>, Refusal> {
    match bytes {
        Some(bytes) if bytes > RESPONSE_BYTES_MAX => Err(Refusal::new("bytes", "more than 1 TiB")),
        bytes => Ok(bytes),
    }
}

fn check_country(country: Option<String>) -> Result<Option<String>, Refusal> {
    let expected = || Refusal::new("country", "expected a code of two letters, or null");
    let checked = country.map(|country| country_code(country).ok_or_else(expected));
    checked.transpose()
}

/// A code of two characters, upper-cased.
pub(crate) fn country_code(mut country: String) -> Option<String> {
    let is_code = match country.as_bytes() {
        [first, second] => first.is_ascii_alphabetic() && second.is_ascii_alphanumeric(),
        _ => false,
    };
    country.make_ascii_uppercase();
    is_code.then_some(country)
}

fn cut_user_agent(mut user_agent: String) -> Option<String> {
    user_agent.truncate(user_agent.floor_char_boundary(USER_AGENT_BYTES_MAX));
    (!user_agent.is_empty()).then_some(user_agent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const NOW_MS: u64 = 1_747_476_303_000;

    fn raw() -> RawHit {
        RawHit {
            ip: "192.0.2.1".into(),
            method: "GET".into(),
            path: "/".into(),
            ..RawHit::default()
        }
    }

    /// The hit that `change` makes of a good one, or the field that is refused and why.
    fn check(change: impl FnOnce(&mut RawHit)) -> Result<Hit, String> {
        let mut raw = raw();
        change(&mut raw);
        raw.check(NOW_MS).map_err(|refusal| refusal.to_string())
    }

    #[track_caller]
    fn check_ip(input: &str, expect: Result<&str, &str>) {
        let got = check(|raw| raw.ip = input.into()).map(|hit| hit.ip.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
    }

    #[track_caller]
    fn check_method(input: &str, expect: Result<&str, &str>) {
        let got = check(|raw| raw.method = input.into()).map(|hit| hit.method);
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
    }

    #[track_caller]
    fn check_path(input: &str, expect: Result<&str, &str>) {
        let got = check(|raw| raw.path = input.into()).map(|hit| hit.path);
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
    }

    #[track_caller]
    fn check_country(input: &str, expect: Result<&str, &str>) {
        let got = check(|raw| raw.country = Some(input.into())).map(|hit| hit.country.unwrap());
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
    }

    #[test]
    fn a_minimal_hit_happened_now_and_knows_nothing_else() {
        let hit = Hit {
            ip: [192, 0, 2, 1].into(),
            timestamp_ms: NOW_MS,
            method: "GET".into(),
            path: "/".into(),
            status: None,
            response_time_us: None,
            bytes: None,
            country: None,
            user_agent: None,
        };
        assert_eq!(check(|_| ()), Ok(hit));
    }

    #[test]
    fn an_address_is_canonical() {
        check_ip("192.0.2.1", Ok("192.0.2.1"));
        check_ip("2001:DB8:0:0::1", Ok("2001:db8::1"));
        check_ip("::ffff:192.0.2.1", Ok("192.0.2.1"));
        check_ip("::", Ok("::"));
        check_ip("0.0.0.0", Ok("0.0.0.0"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let inputs = [
            "",
            " 192.0.2.1",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:80",
            "[::1]",
            "example.com",
        ];
        for input in inputs {
            check_ip(input, Err("ip: not an IP address"));
        }
        check_ip(
            "fe80::1%eth0",
            Err("ip: an address with a zone is not global"),
        );
    }

    #[test]
    fn a_method_is_any_token_in_upper_case() {
        check_method("get", Ok("GET"));
        check_method("M-SEARCH", Ok("M-SEARCH"));
        check_method("x!#$%&'*+-.^_`|~9", Ok("X!#$%&'*+-.^_`|~9"));
        check_method("", Err("method: empty"));
        for input in ["G T", "GET\n", "G(T", "GÉT", "\"GET\""] {
            let expect = "method: not a method: expected letters, digits or !#$%&'*+-.^_`|~";
            check_method(input, Err(expect));
        }
    }

    #[test]
    fn a_method_may_have_32_bytes_and_no_more() {
        check_method(&"A".repeat(32), Ok(&"A".repeat(32)));
        check_method(&"A".repeat(33), Err("method: longer than 32 bytes"));
    }

    #[test]
    fn a_path_loses_its_query_fragment_and_host() {
        check_path("/a/b", Ok("/a/b"));
        check_path("/a?b=/c", Ok("/a"));
        check_path("/a#b?c", Ok("/a"));
        check_path("/a b/é", Ok("/a b/é"));
        check_path("//a", Ok("//a"));
        check_path("http://example.com/a?b", Ok("/a"));
        check_path("HTTPS://[::1]:8080/a", Ok("/a"));
        check_path("http://example.com", Ok("/"));
        check_path("http://example.com?a=/b", Ok("/"));
        check_path("/http://example.com/a", Ok("/http://example.com/a"));
        check_path("*", Ok("*"));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        check_path("", Err("path: empty"));
        check_path("?a", Err("path: empty"));
        check_path("#a", Err("path: empty"));
        for input in [
            "a",
            "**",
            "example.com:443",
            "ftp://example.com/a",
            "http://",
            "http:///a",
            "é",
            " /",
        ] {
            check_path(input, Err("path: expected /path, http://host/path or *"));
        }
        for input in ["/\0", "/a\nb", "/\u{7f}", "/\u{85}"] {
            check_path(input, Err("path: contains a control character"));
        }
    }

    #[test]
    fn a_path_may_have_2048_bytes_after_the_cut_and_no_more() {
        let longest = format!("/{}", "a".repeat(PATH_BYTES_MAX - 1));
        check_path(&longest, Ok(&longest));
        check_path(&format!("http://example.com{longest}?b=c"), Ok(&longest));
        check_path(&format!("{longest}a"), Err("path: longer than 2048 bytes"));
    }

    #[test]
    fn a_hit_may_be_five_minutes_ahead_and_no_more() {
        let timestamp = |ms| check(|raw| raw.timestamp_ms = Some(ms)).map(|hit| hit.timestamp_ms);
        assert_eq!(
            timestamp(NOW_MS + FUTURE_MS_MAX),
            Ok(NOW_MS + FUTURE_MS_MAX)
        );
        let expect = Err("timestamp: more than 5 minutes in the future".to_owned());
        assert_eq!(timestamp(NOW_MS + FUTURE_MS_MAX + 1), expect);
        assert_eq!(timestamp(u64::MAX), expect);
    }

    #[test]
    fn a_time_in_seconds_is_not_taken_for_milliseconds() {
        let timestamp = |ms| check(|raw| raw.timestamp_ms = Some(ms)).map(|hit| hit.timestamp_ms);
        let expect = "timestamp: expected milliseconds since 1970, this looks like seconds";
        for seconds in [0, NOW_MS / 1_000, TIMESTAMP_MS_MIN - 1] {
            assert_eq!(timestamp(seconds), Err(expect.to_owned()));
        }
        assert_eq!(timestamp(TIMESTAMP_MS_MIN), Ok(TIMESTAMP_MS_MIN));
    }

    #[test]
    fn a_status_is_from_100_to_599() {
        let status = |status| check(|raw| raw.status = Some(status)).map(|hit| hit.status);
        for good in [100, 204, 599] {
            assert_eq!(status(good), Ok(Some(good)));
        }
        for bad in [0, 99, 600, u16::MAX] {
            let expect = "status: expected an integer from 100 to 599";
            assert_eq!(status(bad), Err(expect.to_owned()));
        }
    }

    #[test]
    fn a_response_may_take_a_day_and_no_more() {
        let time =
            |us| check(|raw| raw.response_time_us = Some(us)).map(|hit| hit.response_time_us);
        assert_eq!(time(0), Ok(Some(0)));
        assert_eq!(time(RESPONSE_TIME_US_MAX), Ok(Some(RESPONSE_TIME_US_MAX)));
        let expect = Err("responseTimeMs: longer than a day".to_owned());
        assert_eq!(time(RESPONSE_TIME_US_MAX + 1), expect);
        assert_eq!(time(u64::MAX), expect);
    }

    #[test]
    fn a_response_may_have_a_tebibyte_and_no_more() {
        let bytes = |bytes| check(|raw| raw.bytes = Some(bytes)).map(|hit| hit.bytes);
        assert_eq!(bytes(0), Ok(Some(0)));
        assert_eq!(bytes(RESPONSE_BYTES_MAX), Ok(Some(RESPONSE_BYTES_MAX)));
        let expect = Err("bytes: more than 1 TiB".to_owned());
        assert_eq!(bytes(RESPONSE_BYTES_MAX + 1), expect);
    }

    #[test]
    fn a_country_is_a_code_of_two_in_upper_case() {
        check_country("DE", Ok("DE"));
        check_country("de", Ok("DE"));
        check_country("t1", Ok("T1"));
        for input in ["", "-", "--", "1T", "D", "DEU", "unknown", "é"] {
            check_country(
                input,
                Err("country: expected a code of two letters, or null"),
            );
        }
    }

    #[test]
    fn a_user_agent_is_cut_at_256_bytes_on_a_characters_edge() {
        let agent = |agent: &str| {
            let hit = check(|raw| raw.user_agent = Some(agent.into())).unwrap();
            hit.user_agent
        };
        assert_eq!(agent(""), None);
        assert_eq!(agent(&"a".repeat(256)), Some("a".repeat(256)));
        assert_eq!(agent(&"a".repeat(257)), Some("a".repeat(256)));
        assert_eq!(
            agent(&format!("{}é", "a".repeat(254))).map(|agent| agent.len()),
            Some(256)
        );
        assert_eq!(
            agent(&format!("{}é", "a".repeat(255))),
            Some("a".repeat(255))
        );
    }
}
