//! Squid's own format.
//!
//! `time duration client result/status bytes method url user hierarchy/server type`
//!
//! Squid encodes spaces of a URL.

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "squid",
    aliases: &[],
    title: "Squid",
    reader: Reader::Text { recognises, read },
};

/// A time in seconds with three decimals, a duration in milliseconds, an address, and the result.
fn recognises(line: &str) -> bool {
    let mut rest = Rest::new(line);
    let (time, duration, client) = (rest.word(), rest.word(), rest.word());
    let has_decimals = time.split_once('.').is_some_and(|(_, ms)| ms.len() == 3);
    has_decimals
        && values::decimal(time).is_some()
        && values::decimal(duration).is_some()
        && values::is_address(client)
        && rest.word().contains('/')
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let mut rest = Rest::new(line);
    let time = rest.word();
    let duration = rest.word();
    let client = rest.word();
    let result = rest.word();
    let bytes = rest.word();
    let method = rest.word();
    let url = rest.word();
    // The cast saturates.
    let time_ms = values::decimal(time).map(|seconds| (seconds * 1e3).round() as i64);
    Ok(RawHit {
        ip: client.to_owned(),
        method: method.to_owned(),
        path: url.to_owned(),
        timestamp_ms: values::timestamp_ms(time_ms)?,
        status: result
            .split_once('/')
            .and_then(|(_, status)| values::status(status)),
        response_time_us: values::response_time_us(duration, 1e3),
        bytes: values::bytes(bytes),
        ..RawHit::default()
    })
}
