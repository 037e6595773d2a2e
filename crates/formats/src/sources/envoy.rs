//! Envoy's default text format, and Istio's.
//!
//! `[time] "request" status flags received sent duration upstream_time "x-forwarded-for" "user agent"
//! "request id" "authority" "upstream host"`
//!
//! Envoy does not escape quotes. A caller that sends one could write an address of its own. So a line
//! with more quotes than the format has is refused. Istio writes the address of the caller behind the
//! last quote. So such a line of Istio is a hit with an unknown request. Envoy itself writes the
//! address only as the last one of `x-forwarded-for`.

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "envoy",
    aliases: &["istio"],
    title: "Envoy and Istio, text",
    reader: Reader::Text {
        recognises: |line| split_time(line).is_some(),
        read,
    },
};

/// The most parts that quotes cut a line into: those of Istio, and one more.
const PARTS_MAX: usize = 16;

/// The time, and the text behind its bracket.
fn split_time(line: &str) -> Option<(i64, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let is_time = values::is_rfc_3339(time) && rest.starts_with('"');
    Some((values::time_ms(time).filter(|_| is_time)?, rest))
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let (time_ms, rest) =
        split_time(line).ok_or_else(|| Flaw::unreadable("not a line of Envoy"))?;
    let parts: Vec<_> = rest.splitn(PARTS_MAX, '"').collect();
    let entry = match parts.as_slice() {
        [
            _,
            request,
            numbers,
            forwarded,
            _,
            agent,
            _,
            _,
            _,
            host,
            _,
            _,
            _,
        ] => {
            let mut words = numbers.split_ascii_whitespace();
            Entry {
                ip: forwarded,
                request,
                agent,
                host,
                status: words.next(),
                bytes: words.nth(2),
                duration: words.next(),
            }
        }
        [
            _,
            request,
            status,
            _,
            numbers,
            _,
            _,
            agent,
            _,
            _,
            _,
            host,
            _,
            _,
            end,
        ] => {
            let mut words = numbers.split_ascii_whitespace();
            Entry {
                ip: remote_address(end).unwrap_or_default(),
                request,
                agent,
                host,
                status: status.split_ascii_whitespace().next(),
                bytes: words.nth(1),
                duration: words.next(),
            }
        }
        _ => Entry {
            ip: rest
                .rsplit('"')
                .next()
                .and_then(remote_address)
                .ok_or_else(|| {
                    Flaw::unreadable("expected 6 quoted fields, without quotes inside")
                })?,
            ..Entry::default()
        },
    };
    entry.into_raw(time_ms)
}

/// The address of the caller in the columns behind the last quote.
fn remote_address(end: &str) -> Option<&str> {
    end.split_ascii_whitespace().nth(3)
}

/// The fields of a line that count.
#[derive(Default)]
struct Entry<'a> {
    ip: &'a str,
    request: &'a str,
    agent: &'a str,
    host: &'a str,
    status: Option<&'a str>,
    bytes: Option<&'a str>,
    duration: Option<&'a str>,
}

impl Entry<'_> {
    fn into_raw(self, time_ms: i64) -> Result<RawHit, Flaw> {
        if values::is_none(self.ip) {
            return Err(Flaw::of("ip", "missing: Envoy wrote no x-forwarded-for"));
        }
        let duration = self.duration.unwrap_or_default();
        Ok(RawHit {
            ip: self.ip.to_owned(),
            timestamp_ms: values::timestamp_ms(Some(time_ms))?,
            status: values::status(self.status.unwrap_or_default()),
            response_time_us: values::response_time_us(duration, 1e3),
            bytes: values::bytes(self.bytes.unwrap_or_default()),
            user_agent: values::text(self.agent.to_owned()),
            host: values::text(self.host.to_owned()),
            ..values::split_request(self.request).as_hit()
        })
    }
}
