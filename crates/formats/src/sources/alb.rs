//! AWS Application Load Balancer: the type of the connection, and then the columns of a Classic Load
//! Balancer.

use super::clb;
use crate::line_format::{LineFormat, Reader};
use crate::quoting::Rest;
use crate::values;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "aws-alb",
    aliases: &[],
    title: "AWS Application Load Balancer",
    reader: Reader::Text {
        recognises,
        read: |line| {
            let mut rest = Rest::new(line);
            let _type = rest.word();
            clb::read_from_time(&mut rest)
        },
    },
};

fn recognises(line: &str) -> bool {
    let mut words = line.split(' ');
    let is_type = matches!(
        words.next(),
        Some("http" | "https" | "h2" | "grpcs" | "ws" | "wss")
    );
    is_type && words.next().is_some_and(values::is_rfc_3339)
}
