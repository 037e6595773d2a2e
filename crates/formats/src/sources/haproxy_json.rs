//! HAProxy with a `log-format` of JSON. HAProxy has no names of its own: `docs/sources/haproxy.md` has
//! a format with these.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "haproxy-json",
    aliases: &[],
    title: "HAProxy, JSON",
    reader: Reader::Map {
        keys: &["client_ip", "request_date"],
        map: "ip=client_ip,time=request_date,method=method|http_method,\
            path=uri|http_uri|path,request=request|http_request,status=status|status_code,\
            bytes=bytes|bytes_read,duration=active_time|time_active:ms,agent=user_agent,host=host,\
            protocol=protocol|http_version,referrer=referer",
    },
};
