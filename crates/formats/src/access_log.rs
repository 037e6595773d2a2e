//! Hits as lines of an access log: Common Log Format, or Combined, which adds two quoted fields.
//!
//! `host ident authuser [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 5120 "referer" "user
//! agent"`
//!
//! Quotes inside a quoted field are escaped as Apache does (`\"`) or as nginx does (`\x22`). Text
//! after the user agent is ignored. Host names are refused: a server must log addresses.

use hex::FromHex;
use jiff::fmt::strtime;

use super::flaw::Flaw;
use rollcall_tally::hit::RawHit;

const STATUS_EXPECTED: &str = "expected an integer from 100 to 599";

const TIME_FORMAT: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Reads one line.
pub(super) fn read_hit(line: &str) -> Result<RawHit, Flaw> {
    let (host, rest) = line
        .split_once(' ')
        .ok_or_else(|| Flaw::unreadable("not a line of an access log"))?;
    // The name of a user may contain spaces. So the bracket ends it.
    let (time, rest) = rest
        .split_once('[')
        .and_then(|(_ident_and_user, rest)| rest.split_once(']'))
        .ok_or_else(|| Flaw::of("timestamp", "expected [day/month/year:time zone]"))?;
    let mut rest = Rest(rest);
    let request = rest
        .quoted()
        .ok_or_else(|| Flaw::of("request", "expected \"METHOD target PROTOCOL\""))?;
    let (method, target) = split_request(&request)?;
    let status = rest.word();
    let bytes = rest.word();
    let _referer = rest.quoted();
    let user_agent = rest.quoted();
    Ok(RawHit {
        ip: host.to_owned(),
        method: method.to_owned(),
        path: target.to_owned(),
        timestamp_ms: Some(read_time(time)?),
        status: read_number("status", status, STATUS_EXPECTED)?,
        response_time_us: None,
        bytes: read_number("bytes", bytes, "expected an integer of 0 or more, or -")?,
        country: None,
        user_agent: user_agent.filter(|agent| agent != "-"),
    })
}

/// Splits a request line into method and target. HTTP/0.9 has no protocol at the end. Some clients
/// send a target with spaces. The target keeps them.
fn split_request(request: &str) -> Result<(&str, &str), Flaw> {
    let (method, rest) = request
        .split_once(' ')
        .ok_or_else(|| Flaw::of("request", "expected METHOD target PROTOCOL"))?;
    let target = match rest.rsplit_once(' ') {
        Some((target, protocol)) if protocol.starts_with("HTTP/") => target,
        _ => rest,
    };
    Ok((method, target))
}

fn read_time(text: &str) -> Result<u64, Flaw> {
    let time = strtime::parse(TIME_FORMAT, text)
        .and_then(|parts| parts.to_timestamp())
        .map_err(|_| {
            Flaw::of(
                "timestamp",
                "expected a time as in 17/May/2015:10:05:03 +0000",
            )
        })?;
    u64::try_from(time.as_millisecond()).map_err(|_| Flaw::of("timestamp", "before 1970"))
}

/// Reads a number. None for `-`.
fn read_number<T: std::str::FromStr>(
    field: &'static str,
    word: &str,
    expected: &str,
) -> Result<Option<T>, Flaw> {
    match word {
        "-" => Ok(None),
        // The parser of numbers would accept a sign.
        word if word.starts_with('+') => Err(Flaw::of(field, expected)),
        word => match word.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Flaw::of(field, expected)),
        },
    }
}

/// The part of a line that is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The text up to the next space. It is empty at the end of the line.
    fn word(&mut self) -> &'a str {
        let text = self.0.trim_ascii_start();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        self.0 = rest;
        word
    }

    /// A quoted field without its quotes and escapes. None if there is no complete one; then
    /// nothing is read.
    fn quoted(&mut self) -> Option<String> {
        let text = self.0.trim_ascii_start().strip_prefix('"')?;
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let (field, rest) = text.split_at_checked(end)?;
        self.0 = rest.strip_prefix('"')?;
        Some(unescape(field))
    }
}

fn unescape(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let mut unescaped = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'\\' {
            let (byte, after) = unescape_one(rest);
            unescaped.push(byte);
            rest = after;
        } else {
            unescaped.push(byte);
        }
    }
    // Together, escaped bytes may not be valid UTF-8.
    String::from_utf8_lossy(&unescaped).into_owned()
}

/// The byte that the escape after a backslash names, and the text after the escape. If a backslash
/// escapes nothing, it stands for itself.
fn unescape_one(rest: &[u8]) -> (u8, &[u8]) {
    match rest {
        [b'x', high, low, after @ ..] => match <[u8; 1]>::from_hex([*high, *low]) {
            Ok([byte]) => (byte, after),
            Err(_) => (b'\\', rest),
        },
        [byte @ (b'"' | b'\\'), after @ ..] => (*byte, after),
        [b'b', after @ ..] => (0x08, after),
        [b't', after @ ..] => (b'\t', after),
        [b'n', after @ ..] => (b'\n', after),
        [b'v', after @ ..] => (0x0b, after),
        [b'f', after @ ..] => (0x0c, after),
        [b'r', after @ ..] => (b'\r', after),
        _ => (b'\\', rest),
    }
}
