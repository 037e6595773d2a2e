//! Turns a [`RawHit`] into a [`Hit`]: each field is within its limits, and in the one form that is
//! kept.

use std::net::IpAddr;

use super::{
    FUTURE_MS_MAX, Hit, METHOD_BYTES_MAX, PATH_BYTES_MAX, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX,
    RawHit, Refusal, STATUS_EXPECTED, TIMESTAMP_MS_MIN, USER_AGENT_BYTES_MAX,
};
use crate::status::CODES;

impl RawHit {
    /// Checks every limit of [`crate::hit`].
    ///
    /// # Errors
    /// The first field that is not valid, and why.
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

/// The text after `http://` or `https://`, in any case. None if it is empty, because a URL has a
/// host.
fn strip_scheme(url: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        let has_host = !rest.is_empty() && !rest.starts_with('/');
        (start.eq_ignore_ascii_case(scheme) && has_host).then_some(rest)
    })
}

fn check_status(status: Option<u16>) -> Result<Option<u16>, Refusal> {
    match status {
        Some(status) if !CODES.contains(&status) => Err(Refusal::new("status", STATUS_EXPECTED)),
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
