//! Kong's plugins http-log, file-log, tcp-log, udp-log and syslog.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "kong",
    aliases: &[],
    title: "Kong, http-log",
    reader: Reader::Map {
        keys: &["client_ip", "latencies"],
        map: "ip=client_ip,time=started_at:ms,method=request.method,path=request.uri,\
            host=request.headers.host,status=response.status,bytes=response.size,\
            duration=latencies.request:ms,agent=request.headers.user-agent,\
            consumer=consumer.username|consumer.custom_id|consumer.id,\
            referrer=request.headers.referer",
    },
};
