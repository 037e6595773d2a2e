//! Turns a [`RawHit`] into a [`Hit`]: each field is within its limits, and in the one form that is
//! kept.
//!
//! Only the address and the time can refuse a hit. Everything else is chosen by the caller, and no
//! caller may get out of being counted: what cannot be used is unknown, what is too long is cut, and
//! [`Repairs`] counts both.

use super::characters::{is_replaced, is_token_byte};
use super::rules::normal_encoding;
use super::told::{read_consumer, read_host, read_protocol, read_referrer};
use super::user_agent::Programs;
use super::{
    ByDimension, Dimension, FUTURE_MS_MAX, Hit, METHOD_BYTES_MAX, PATH_BYTES_MAX,
    RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, RawHit, Refusal, Repairs, Rules, TIMESTAMP_MS_MIN,
    UNKNOWN_METHOD, UNKNOWN_PATH, USER_AGENT_BYTES_MAX,
};
use crate::status::CODES;

/// The end of a path that was cut.
const CUT: char = '…';

impl RawHit {
    /// Checks every limit of [`crate::hit`], and applies the rules. Adds what had to be repaired to
    /// `repairs`. `None`: by the rules, the hit does not count.
    ///
    /// # Errors
    /// The address or the time is not valid.
    pub fn check(
        self,
        now_ms: u64,
        rules: &Rules,
        repairs: &mut Repairs,
    ) -> Result<Option<Hit>, Refusal> {
        let caller = rules.addresses.caller(&self.ip);
        let caller = caller.ok_or_else(|| Refusal::new("ip", "not an IP address"))?;
        let timestamp_ms = check_timestamp(self.timestamp_ms, now_ms)?;
        let mut made = Repairs::default();
        let programs = self.user_agent.as_deref().map(Programs::of);
        let programs = programs.unwrap_or_default();
        let host = self.host.as_deref().or_else(|| authority(&self.path));
        let host = host.and_then(read_host);
        let method = read_method(self.method);
        let path = match target_path(self.path) {
            None => None,
            Some(path) => match rules.paths.counted(path) {
                Some(path) => Some(kept_path(path, &mut made)),
                None => return Ok(None),
            },
        };
        if rules.addresses.is_excluded(caller) {
            return Ok(None);
        }
        let told = ByDimension::from_fn(|dimension| match dimension {
            Dimension::Network | Dimension::HourOfWeek => None,
            Dimension::Host => host.clone(),
            Dimension::Consumer => self.consumer.as_deref().and_then(read_consumer),
            Dimension::Protocol => self.protocol.as_deref().and_then(read_protocol),
            Dimension::Referrer => self.referrer.as_deref().and_then(read_referrer),
            Dimension::Bot => programs.bot.map(str::to_owned),
            Dimension::UserAgent => programs.family.clone(),
        });
        made.unknown_requests = u64::from(method.is_none() || path.is_none());
        let hit = Hit {
            ip: rules.addresses.counted(caller),
            timestamp_ms,
            method: method.unwrap_or_else(|| UNKNOWN_METHOD.to_owned()),
            path: path.unwrap_or_else(|| UNKNOWN_PATH.to_owned()),
            status: usable(self.status, &mut made.unknown_statuses, |status| {
                CODES.contains(status)
            }),
            response_time_us: usable(
                self.response_time_us,
                &mut made.unknown_response_times,
                |time| *time <= RESPONSE_TIME_US_MAX,
            ),
            bytes: usable(self.bytes, &mut made.unknown_bytes, |bytes| {
                *bytes <= RESPONSE_BYTES_MAX
            }),
            country: self.country.and_then(|country| {
                let code = country_code(country);
                made.unknown_countries += u64::from(code.is_none());
                code
            }),
            user_agent: self
                .user_agent
                .filter(|_| !rules.no_user_agents)
                .and_then(cut_user_agent),
            told,
        };
        if made != Repairs::default() {
            made.hits = 1;
            repairs.merge(&made);
        }
        Ok(Some(hit))
    }
}

/// A value that may be kept. Else it counts as unknown.
fn usable<T>(given: Option<T>, unknown: &mut u64, is_usable: impl Fn(&T) -> bool) -> Option<T> {
    let given = given?;
    let kept = is_usable(&given).then_some(given);
    *unknown += u64::from(kept.is_none());
    kept
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

/// A method in upper case. None: the text is no method.
pub(crate) fn read_method(mut method: String) -> Option<String> {
    method.make_ascii_uppercase();
    let is_method =
        (1..=METHOD_BYTES_MAX).contains(&method.len()) && method.bytes().all(is_token_byte);
    is_method.then_some(method)
}

/// The path of a target, in its one spelling. None: nothing is left.
pub(crate) fn read_path(target: String) -> Option<String> {
    target_path(target).map(|path| kept_path(path, &mut Repairs::default()))
}

/// The path of a target, without its query, and without scheme and host. A target that is no path,
/// as that of `CONNECT`, is kept as it is. None: nothing is left.
fn target_path(mut path: String) -> Option<String> {
    if let Some(end) = path.find(['?', '#']) {
        path.truncate(end);
    }
    path = normal_encoding(path);
    if let Some(authority) = strip_scheme(&path) {
        // A URL without a path asks for the root (RFC 9112, section 3.2.2).
        path = match authority.find('/') {
            Some(start) => authority.split_at(start).1.to_owned(),
            None => "/".to_owned(),
        };
    }
    (!path.is_empty()).then_some(path)
}

/// A path that may be kept.
fn kept_path(mut path: String, repairs: &mut Repairs) -> String {
    if path.contains(is_replaced) {
        path = path.replace(is_replaced, "\u{FFFD}");
        repairs.replaced_text = 1;
    }
    if path.len() > PATH_BYTES_MAX {
        path.truncate(path.floor_char_boundary(PATH_BYTES_MAX - CUT.len_utf8()));
        path.push(CUT);
        repairs.cut_paths = 1;
    }
    path
}

/// The host and port of a target that is a URL.
fn authority(target: &str) -> Option<&str> {
    strip_scheme(target)?.split(['/', '?', '#']).next()
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
