//! Hits as lines of an access log: Common Log Format, or Combined, which adds two quoted fields.
//!
//! `host ident authuser [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 5120 "referer" "user
//! agent"`
//!
//! Quotes inside a quoted field are escaped as Apache does (`\"`) or as nginx does (`\x22`).
//!
//! - **The address** is the first column. It may be a list of addresses with spaces: `a, b`. If the
//!   second column is an address and the third is `-`, the first column is the name of a virtual
//!   host, and the second is the address. A caller may choose the name of the host, but not the
//!   address behind it.
//! - **The time** is the first one in brackets that a space and a quote follow. So a user name may
//!   contain brackets, quotes and spaces, and may even look like a time.
//! - **The response time** is behind the user agent. A number with a unit (`5ms`) counts first,
//!   then a number with a point, which is seconds (`$request_time` of nginx). An integer counts only
//!   if no other word is there without quotes: it is microseconds (`%D` of Apache).
//!
//! - **The request** is the first quoted column behind the time.
//!
//! If the request cannot be read, the hit has no method and no path.

use super::flaw::Flaw;
use super::quoting::Rest;
use super::values;
use rollcall_tally::hit::RawHit;

/// No time in brackets is longer than this, in bytes.
const TIME_BYTES_MAX: usize = 40;
const TIME_EXPECTED: &str = "expected a time as in 17/May/2015:10:05:03 +0000";

/// Reads one line.
pub(super) fn read_hit(line: &str) -> Result<RawHit, Flaw> {
    let caller =
        split_caller(line).ok_or_else(|| Flaw::unreadable("not a line of an access log"))?;
    let (timestamp_ms, rest) = find_time(caller.rest)?;
    let mut rest = Rest::new(rest);
    let request = find_request(&mut rest);
    let mut hit = RawHit {
        ip: caller.ip.to_owned(),
        timestamp_ms: Some(timestamp_ms),
        host: caller.host.map(str::to_owned),
        ..values::split_request(request.as_deref().unwrap_or_default()).as_hit()
    };
    if request.is_some() {
        hit.status = values::status(rest.word());
        hit.bytes = values::bytes(rest.word());
        hit.referrer = rest.quoted().and_then(values::text);
        hit.user_agent = rest.quoted().and_then(values::text);
        hit.response_time_us = read_response_time(&mut rest);
    }
    Ok(hit)
}

/// The first columns of a line.
struct Caller<'l> {
    host: Option<&'l str>,
    ip: &'l str,
    rest: &'l str,
}

fn split_caller(line: &str) -> Option<Caller<'_>> {
    let (first, rest) = split_list(line)?;
    let alone = Caller {
        host: None,
        ip: first,
        rest,
    };
    // Most lines have `- ` here.
    if rest.starts_with("- ") || first.contains(',') {
        return Some(alone);
    }
    match split_list(rest) {
        Some((second, behind)) if behind.starts_with("- ") && starts_with_address(second) => {
            Some(Caller {
                host: Some(first),
                ip: second,
                rest: behind,
            })
        }
        _ => Some(alone),
    }
}

/// Splits at the first space that is not beside a comma.
fn split_list(text: &str) -> Option<(&str, &str)> {
    text.match_indices(' ').find_map(|(at, _)| {
        let (list, rest) = text.split_at_checked(at)?;
        let rest = rest.strip_prefix(' ')?;
        let is_within = list.ends_with([',', ' ']) || rest.starts_with(',');
        (!is_within).then_some((list, rest))
    })
}

fn starts_with_address(list: &str) -> bool {
    let first = list.split(',').next().unwrap_or(list);
    values::is_address(first.trim_ascii_end())
}

/// The time, and the text behind its bracket.
fn find_time(text: &str) -> Result<(u64, &str), Flaw> {
    let mut flaw = "expected [day/month/year:time zone]";
    let mut without_request = None;
    for (at, _) in text.match_indices('[') {
        let rest = text.get(at + 1..).unwrap_or_default();
        if !rest.starts_with(|first: char| first.is_ascii_digit()) {
            flaw = TIME_EXPECTED;
            continue;
        }
        let Some((inside, behind)) = split_bracket(rest) else {
            continue;
        };
        let is_before_request = behind.starts_with(" \"");
        match values::time_ms(inside).map(u64::try_from) {
            Some(Ok(time_ms)) if is_before_request => return Ok((time_ms, behind)),
            Some(Ok(time_ms)) => without_request = without_request.or(Some((time_ms, behind))),
            Some(Err(_)) => flaw = "before 1970",
            None => flaw = TIME_EXPECTED,
        }
    }
    without_request.ok_or_else(|| Flaw::of("timestamp", flaw))
}

/// Some gateways write a column between the time and the request.
fn find_request(rest: &mut Rest<'_>) -> Option<String> {
    while !rest.is_at_end() {
        if let Some(request) = rest.quoted() {
            return Some(request);
        }
        rest.any_word();
    }
    None
}

/// The text in a bracket and the text behind it. None if it is too long for a time.
fn split_bracket(text: &str) -> Option<(&str, &str)> {
    let mut bytes = text.bytes().take(TIME_BYTES_MAX);
    let (inside, rest) = text.split_at_checked(bytes.position(|byte| byte == b']')?)?;
    Some((inside, rest.strip_prefix(']')?))
}

/// Reads the columns behind the user agent.
fn read_response_time(rest: &mut Rest<'_>) -> Option<u64> {
    let mut seconds = None;
    let mut alone = None;
    let mut words = 0;
    while !rest.is_at_end() {
        if rest.quoted().is_some() {
            continue;
        }
        let word = rest.any_word();
        let word = word.strip_prefix("rt=").unwrap_or(word);
        words += 1;
        if let Some(ms) = word.strip_suffix("ms").and_then(values::decimal) {
            return Some(values::scaled_us(ms, 1e3));
        }
        let number = values::decimal(word);
        if word.contains('.') {
            seconds = seconds.or(number);
        } else if words == 1 {
            alone = number;
        }
    }
    let microseconds = alone.filter(|_| words == 1);
    seconds
        .map(|time| values::scaled_us(time, 1e6))
        .or(microseconds.map(|time| values::scaled_us(time, 1.0)))
}
