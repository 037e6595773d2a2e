//! Amazon S3, server access logs.
//!
//! `owner bucket [time] address requester request_id operation key "request" status error bytes size
//! total_time turnaround_time "referer" "user_agent" …`
//!
//! S3 encodes the key as in a URL. So no text of a caller is before the request.

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "aws-s3",
    aliases: &[],
    title: "Amazon S3",
    reader: Reader::Text {
        recognises: |line| split_time(line).is_some(),
        read,
    },
};

/// The length of the id of an owner, in hexadecimal digits.
const OWNER_DIGITS: usize = 64;

/// The time and the text behind its bracket.
fn split_time(line: &str) -> Option<(i64, &str)> {
    let (owner, rest) = line.split_once(' ')?;
    let is_owner =
        owner.len() == OWNER_DIGITS && owner.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (_bucket, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once(']')?;
    Some((values::time_ms(time).filter(|_| is_owner)?, rest))
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let (time_ms, rest) =
        split_time(line).ok_or_else(|| Flaw::unreadable("not a line of Amazon S3"))?;
    let mut rest = Rest::new(rest);
    let client = rest.word();
    let _requester = rest.word();
    let _request_id = rest.word();
    let _operation = rest.word();
    let _key = rest.word();
    let request = match rest.quoted() {
        Some(request) => request,
        // There is none: a dash without quotes.
        None => rest.word().to_owned(),
    };
    let status = rest.word();
    let _error = rest.word();
    let bytes = rest.word();
    let _size = rest.word();
    let total_time = rest.word();
    let _turnaround_time = rest.word();
    let referrer = rest.quoted().and_then(values::text);
    Ok(RawHit {
        ip: client.to_owned(),
        timestamp_ms: values::timestamp_ms(Some(time_ms))?,
        status: values::status(status),
        response_time_us: values::response_time_us(total_time, 1e3),
        bytes: values::bytes(bytes),
        user_agent: rest.quoted().and_then(values::text),
        referrer,
        ..values::split_request(&request).as_hit()
    })
}
