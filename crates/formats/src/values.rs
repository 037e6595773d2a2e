//! Values that several formats write alike: numbers, times, requests and addresses.
//!
//! A value that is given but that cannot be used becomes a number out of its range. Then the check
//! of the hit counts it as unknown. A value that is absent, or `-`, is `None`.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::flaw::Flaw;
use rollcall_tally::hit::{RawHit, is_token_byte};

/// The names of the months in logs.
pub(super) const MONTHS: [[u8; 3]; 12] = [
    *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct",
    *b"Nov", *b"Dec",
];

/// A status that was given but is none.
pub const STATUS_UNUSABLE: u16 = 0;
/// A size that was given but is none.
pub const BYTES_UNUSABLE: u64 = u64::MAX;
/// A response time that was given but is none.
pub const RESPONSE_TIME_UNUSABLE_US: u64 = u64::MAX;

/// Whether a gateway wrote this instead of a value.
pub(super) fn is_none(text: &str) -> bool {
    matches!(text, "" | "-")
}

pub(super) fn status(text: &str) -> Option<u16> {
    (!is_none(text)).then(|| unsigned(text).unwrap_or(STATUS_UNUSABLE))
}

pub(super) fn bytes(text: &str) -> Option<u64> {
    (!is_none(text)).then(|| unsigned(text).unwrap_or(BYTES_UNUSABLE))
}

/// The parsers of numbers would accept a sign.
pub(super) fn unsigned<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// Microseconds of a response time, in units of `unit_us` microseconds.
pub(super) fn response_time_us(text: &str, unit_us: f64) -> Option<u64> {
    (!is_none(text)).then(|| match decimal(text) {
        Some(time) => scaled_us(time, unit_us),
        None => RESPONSE_TIME_UNUSABLE_US,
    })
}

/// Microseconds of a time in units of `unit_us` microseconds.
pub(super) fn scaled_us(time: f64, unit_us: f64) -> u64 {
    if time >= 0.0 {
        // The cast saturates.
        (time * unit_us).round() as u64
    } else {
        RESPONSE_TIME_UNUSABLE_US
    }
}

/// A number in digits, perhaps with a sign, a point or an exponent. The parser of Rust would also
/// read `inf` and `nan`.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digit = text.trim_start_matches('-').as_bytes().first()?;
    digit.is_ascii_digit().then(|| text.parse().ok())?
}

/// The text of a field. `-` is none.
pub(super) fn text(text: String) -> Option<String> {
    (!is_none(&text)).then_some(text)
}

/// Splits a request line into method and target. Both are empty if it is no request line.
///
/// HTTP/0.9 has no protocol at the end. Some clients send a target with spaces. The target keeps
/// them.
pub(super) fn split_request(request: &str) -> Request<'_> {
    let Some((method, rest)) = request.split_once(' ') else {
        return Request::default();
    };
    if is_none(method) || !method.bytes().all(is_token_byte) {
        return Request::default();
    }
    let (target, protocol) = match rest.rsplit_once(' ') {
        Some((target, protocol)) if protocol.starts_with("HTTP/") => (target, Some(protocol)),
        _ => (rest, None),
    };
    Request {
        method,
        target,
        protocol,
    }
}

/// The parts of a request line. All are empty if it cannot be read.
#[derive(Clone, Copy, Default)]
pub(super) struct Request<'r> {
    pub method: &'r str,
    pub target: &'r str,
    pub protocol: Option<&'r str>,
}

impl Request<'_> {
    /// A hit with this request and nothing else.
    pub fn as_hit(&self) -> RawHit {
        RawHit {
            method: self.method.to_owned(),
            path: self.target.to_owned(),
            protocol: self.protocol.map(str::to_owned),
            ..RawHit::default()
        }
    }
}

/// Milliseconds since 1970 of a time as gateways write it: RFC 3339, as in
/// `2015-05-17T10:05:03.123Z`, or `2015-05-17 10:05:03`, which is UTC, or as in
/// `17/May/2015:10:05:03 +0000`. It may be before 1970.
pub(super) fn time_ms(text: &str) -> Option<i64> {
    match text.as_bytes().get(2) {
        Some(b'/') => log_time_ms(text),
        Some(byte) if byte.is_ascii_digit() => {
            let time = match text.as_bytes().get(10) {
                Some(b' ') => utc(text),
                _ => text.parse().ok(),
            };
            Some(time?.as_millisecond())
        }
        _ => None,
    }
}

/// A date and a time. Without a zone, it is UTC.
fn utc(text: &str) -> Option<Timestamp> {
    let time = || {
        TimeZone::UTC
            .to_timestamp(text.parse::<DateTime>().ok()?)
            .ok()
    };
    text.parse().ok().or_else(time)
}

/// `17/May/2015:10:05:03 +0000`. A fraction and a colon in the zone may be there.
fn log_time_ms(text: &str) -> Option<i64> {
    let (time, zone) = split_log_time(text)?;
    let (sign, digits) = match zone {
        [b' ', sign @ (b'+' | b'-'), h, i, b':', m, n] => (sign, [*h, *i, *m, *n]),
        [b' ', sign @ (b'+' | b'-'), h, i, m, n] => (sign, [*h, *i, *m, *n]),
        _ => return None,
    };
    let [h, i, m, n] = digits;
    let seconds = i32::from(digits_of([h, i])?) * 3_600 + i32::from(digits_of([m, n])?) * 60;
    let seconds = if *sign == b'-' { -seconds } else { seconds };
    let time = Offset::from_seconds(seconds)
        .ok()?
        .to_timestamp(time)
        .ok()?;
    Some(time.as_millisecond())
}

/// A time as in `17/May/2015:10:05:03.123`, in UTC.
pub(super) fn utc_log_time_ms(text: &str) -> Option<i64> {
    let (time, zone) = split_log_time(text)?;
    let time = TimeZone::UTC.to_timestamp(time).ok()?;
    zone.is_empty().then(|| time.as_millisecond())
}

/// The time of a log, and its zone. This is done by hand: it is half of the work of reading a line.
fn split_log_time(text: &str) -> Option<(DateTime, &[u8])> {
    let (date, rest) = text.as_bytes().split_first_chunk::<20>()?;
    let [
        d,
        e,
        b'/',
        a,
        b,
        c,
        b'/',
        y,
        z,
        v,
        w,
        b':',
        h,
        i,
        b':',
        m,
        n,
        b':',
        s,
        t,
    ] = *date
    else {
        return None;
    };
    let year = i16::from(digits_of([y, z])?) * 100 + i16::from(digits_of([v, w])?);
    let month = MONTHS.iter().position(|name| *name == [a, b, c])?;
    let (nanosecond, zone) = split_fraction(rest)?;
    let time = DateTime::new(
        year,
        i8::try_from(month + 1).ok()?,
        digits_of([d, e])?,
        digits_of([h, i])?,
        digits_of([m, n])?,
        // A leap second.
        digits_of([s, t])?.min(59),
        nanosecond,
    );
    Some((time.ok()?, zone))
}

/// Nanoseconds of a fraction with a point, and the text behind it.
fn split_fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(digits)?;
    let places = fraction
        .iter()
        .map(|digit| i32::from(digit - b'0'))
        .chain(std::iter::repeat(0));
    let nanosecond = places.take(9).fold(0, |sum, digit| sum * 10 + digit);
    (digits > 0).then_some((nanosecond, rest))
}

fn digits_of([tens, ones]: [u8; 2]) -> Option<i8> {
    let are_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    are_digits.then(|| ((tens - b'0') * 10 + (ones - b'0')) as i8)
}

/// A time as in `2015-05-17T10:05:03`, in UTC.
pub(super) fn utc_time_ms(text: &str) -> Option<i64> {
    Some(utc(text)?.as_millisecond())
}

/// Whether a word is a time of RFC 3339.
pub(super) fn is_rfc_3339(word: &str) -> bool {
    word.as_bytes().get(10) == Some(&b'T') && time_ms(word).is_some()
}

/// The time of a hit, from milliseconds since 1970.
pub(super) fn timestamp_ms(time_ms: Option<i64>) -> Result<Option<u64>, Flaw> {
    let time_ms = time_ms.ok_or_else(|| Flaw::of("timestamp", "expected a time"))?;
    let time_ms = u64::try_from(time_ms).map_err(|_| Flaw::of("timestamp", "before 1970"))?;
    Ok(Some(time_ms))
}

/// The address of a column that always has a port: `192.0.2.1:443`, `2001:db8::1:443` or
/// `[2001:db8::1]:443`. Any other text stays as it is.
pub(super) fn without_port(column: &str) -> &str {
    let Some((address, port)) = column.rsplit_once(':') else {
        return column;
    };
    let is_port = port.parse::<u16>().is_ok() || port == "-";
    if is_port && is_address(address) {
        address
    } else {
        column
    }
}

/// Whether a text is an address, perhaps in brackets, with a zone or with a port.
pub(super) fn is_address(text: &str) -> bool {
    let bare = text
        .split_once('%')
        .map_or(text, |(address, _zone)| address);
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok()
}
