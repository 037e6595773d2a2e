//! CloudFront's standard logs, version 2, as JSON.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "cloudfront-json",
    aliases: &[],
    title: "CloudFront, JSON",
    reader: Reader::Map {
        keys: &["c-ip", "cs-uri-stem"],
        map: "ip=c-ip,time=timestamp(ms)|date+time,method=cs-method,path=cs-uri-stem,\
            host=x-host-header|cs(Host),status=sc-status,bytes=sc-bytes,duration=time-taken:s,\
            country=c-country,agent=cs(User-Agent),protocol=cs-protocol-version,\
            referrer=cs(Referer)",
    },
};
