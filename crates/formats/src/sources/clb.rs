//! AWS Classic Load Balancer.
//!
//! `time elb client:port backend:port request_time backend_time response_time elb_status
//! backend_status received_bytes sent_bytes "request" "user_agent" …`

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values::{self, RESPONSE_TIME_UNUSABLE_US};
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "aws-clb",
    aliases: &[],
    title: "AWS Classic Load Balancer",
    reader: Reader::Text {
        recognises,
        read: |line| read_from_time(&mut Rest::new(line)),
    },
};

fn recognises(line: &str) -> bool {
    let mut words = line.split(' ');
    let has_time = words.next().is_some_and(values::is_rfc_3339);
    let client = words.nth(1).unwrap_or_default();
    has_time && values::without_port(client) != client
}

/// Reads the columns from the time on. Those of an Application Load Balancer are the same.
pub(super) fn read_from_time(rest: &mut Rest<'_>) -> Result<RawHit, Flaw> {
    let time = rest.word();
    let _name = rest.word();
    let client = rest.word();
    let _target = rest.word();
    let times = [rest.word(), rest.word(), rest.word()];
    let status = rest.word();
    let _status_of_target = rest.word();
    let _received = rest.word();
    let bytes = rest.word();
    let request = rest.quoted().unwrap_or_default();
    let user_agent = rest.quoted().and_then(values::text);
    Ok(RawHit {
        ip: values::without_port(client).to_owned(),
        timestamp_ms: values::timestamp_ms(values::time_ms(time))?,
        status: values::status(status),
        response_time_us: sum_of_seconds(times),
        bytes: values::bytes(bytes),
        user_agent,
        ..values::split_request(&request).as_hit()
    })
}

/// The time from the request to the response. A part is -1 if there was none.
fn sum_of_seconds(times: [&str; 3]) -> Option<u64> {
    let mut sum = 0.0;
    for time in times {
        match values::decimal(time) {
            Some(time) if time >= 0.0 => sum += time,
            None if !values::is_none(time) => return Some(RESPONSE_TIME_UNUSABLE_US),
            _ => return None,
        }
    }
    Some(values::scaled_us(sum, 1e6))
}
