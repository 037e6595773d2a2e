//! APISIX's loggers, in their default format.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "apisix",
    aliases: &[],
    title: "APISIX, http-logger",
    reader: Reader::Map {
        keys: &["client_ip", "start_time", "request.uri"],
        map: "ip=client_ip,time=start_time:ms,method=request.method,path=request.uri,\
            host=request.headers.host,status=response.status,bytes=response.size,\
            duration=latency:ms,agent=request.headers.user-agent,\
            consumer=consumer.username,referrer=request.headers.referer",
    },
};
