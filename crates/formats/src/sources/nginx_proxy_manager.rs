//! Nginx Proxy Manager.
//!
//! `[time] cache upstream_status status - method scheme host "target" [Client address] [Length bytes]
//! [Gzip ratio] [Sent-to upstream] "user agent" "referer"`
//!
//! The first two columns may be missing. nginx writes quotes of a caller as `\x22`, and accepts no
//! method and no host with a space.

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "nginx-proxy-manager",
    aliases: &[],
    title: "Nginx Proxy Manager",
    reader: Reader::Text {
        recognises: |line| Head::read(line).is_some(),
        read,
    },
};

/// The columns up to the target.
struct Head<'a> {
    time_ms: i64,
    status: &'a str,
    method: &'a str,
    host: &'a str,
    /// The target and the columns behind it.
    rest: &'a str,
}

impl<'a> Head<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let time_ms = values::time_ms(time)?;
        let (head, rest) = rest.split_at_checked(rest.find('"')?)?;
        let mut words = head.trim_ascii_end().rsplit(' ');
        let (host, _scheme) = (words.next()?, words.next()?);
        let method = words.next()?;
        let is_dash = words.next() == Some("-");
        let status = words.next().filter(|_| is_dash)?;
        Some(Self {
            time_ms,
            status,
            method,
            host,
            rest,
        })
    }
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let head =
        Head::read(line).ok_or_else(|| Flaw::unreadable("not a line of Nginx Proxy Manager"))?;
    let mut rest = Rest::new(head.rest);
    let path = rest.quoted().unwrap_or_default();
    let client = rest
        .bracketed()
        .and_then(|inside| inside.strip_prefix("Client "));
    let client = client.ok_or_else(|| Flaw::of("ip", "missing"))?;
    let length = rest
        .bracketed()
        .and_then(|inside| inside.strip_prefix("Length "));
    while rest.bracketed().is_some() {}
    Ok(RawHit {
        ip: client.to_owned(),
        method: head.method.to_owned(),
        path,
        timestamp_ms: values::timestamp_ms(Some(head.time_ms))?,
        status: values::status(head.status),
        bytes: length.and_then(values::bytes),
        host: values::text(head.host.to_owned()),
        user_agent: rest.quoted().and_then(values::text),
        referrer: rest.quoted().and_then(values::text),
        ..RawHit::default()
    })
}
