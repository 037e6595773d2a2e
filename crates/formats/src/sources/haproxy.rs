//! HAProxy with `option httplog` or `option tcplog`. Its times are taken for UTC.
//!
//! `client:port [accept_date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cookie cookie state
//! connections queues {headers} {headers} "request"`
//!
//! HAProxy writes quotes of a caller as `#22`. It may cut a line. Then the last quote is missing.

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "haproxy",
    aliases: &[],
    title: "HAProxy, httplog",
    reader: Reader::Text {
        recognises: |line| split_time(line).is_some(),
        read,
    },
};

/// The client, the time and the text behind it.
fn split_time(line: &str) -> Option<(&str, i64, &str)> {
    let (client, rest) = line.split_once(" [")?;
    if client.contains(' ') {
        return None;
    }
    let (time, rest) = rest.split_once(']')?;
    Some((client, values::utc_log_time_ms(time)?, rest))
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let (client, time_ms, rest) =
        split_time(line).ok_or_else(|| Flaw::unreadable("not a line of HAProxy"))?;
    let mut rest = Rest::new(rest);
    let _frontend = rest.word();
    let _server = rest.word();
    let timers = rest.word();
    let is_http = timers.split('/').count() > 3;
    let status = if is_http { rest.word() } else { "-" };
    let bytes = rest.word();
    let request = find_request(&mut rest);
    let total = timers.rsplit('/').next().unwrap_or_default();
    Ok(RawHit {
        ip: values::without_port(client).to_owned(),
        timestamp_ms: values::timestamp_ms(Some(time_ms))?,
        status: values::status(status),
        response_time_us: values::response_time_us(without_plus(total), 1e3),
        bytes: values::bytes(without_plus(bytes)),
        ..values::split_request(&request).as_hit()
    })
}

/// A number with a plus was still growing, as with `option logasap`.
fn without_plus(number: &str) -> &str {
    number.strip_prefix('+').unwrap_or(number)
}

/// The first quoted text, or all that is left of it.
fn find_request(rest: &mut Rest<'_>) -> String {
    let Some(start) = rest.text().find('"') else {
        return String::new();
    };
    let text = rest.text().get(start..).unwrap_or_default();
    let cut = || text.trim_start_matches('"').to_owned();
    Rest::new(text).quoted().unwrap_or_else(cut)
}
