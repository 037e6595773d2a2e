//! AWS Network Load Balancer: TLS connections. They have no request and no status.
//!
//! `tls version time elb listener client:port destination:port connection_time handshake_time
//! received_bytes sent_bytes …`

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "aws-nlb",
    aliases: &[],
    title: "AWS Network Load Balancer",
    reader: Reader::Text { recognises, read },
};

fn recognises(line: &str) -> bool {
    let mut words = line.split(' ');
    let is_tls = words.next() == Some("tls");
    is_tls
        && words
            .nth(1)
            .is_some_and(|time| values::utc_time_ms(time).is_some())
}

fn read(line: &str) -> Result<RawHit, Flaw> {
    let mut rest = Rest::new(line);
    let _type = rest.word();
    let _version = rest.word();
    let time = rest.word();
    let _name = rest.word();
    let _listener = rest.word();
    let client = rest.word();
    let _destination = rest.word();
    let _connection_time = rest.word();
    let _handshake_time = rest.word();
    let _received = rest.word();
    Ok(RawHit {
        ip: values::without_port(client).to_owned(),
        timestamp_ms: values::timestamp_ms(values::utc_time_ms(time))?,
        bytes: values::bytes(rest.word()),
        ..RawHit::default()
    })
}
