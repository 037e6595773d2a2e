//! Log entries of Google Cloud with an `httpRequest`: load balancers, Cloud Run, App Engine.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "google",
    aliases: &[],
    title: "Google Cloud load balancers",
    reader: Reader::Map {
        keys: &["httpRequest.remoteIp"],
        map: "ip=httpRequest.remoteIp,time=timestamp,method=httpRequest.requestMethod,\
            path=httpRequest.requestUrl,status=httpRequest.status,\
            bytes=httpRequest.responseSize,duration=httpRequest.latency:s,\
            agent=httpRequest.userAgent,protocol=httpRequest.protocol,\
            referrer=httpRequest.referer",
    },
};
