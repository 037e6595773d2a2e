//! nginx with `escape=json`: each field has the name of its variable.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "nginx",
    aliases: &[],
    title: "nginx, JSON",
    reader: Reader::Map {
        keys: &["remote_addr"],
        map: "ip=remote_addr,time=time_iso8601|msec|time_local|timestamp|@timestamp|time,\
            method=request_method,path=request_uri|uri,request=request,host=host|http_host,\
            status=status,bytes=body_bytes_sent|bytes_sent,duration=request_time:s,\
            country=geoip2_country_code|geoip_country_code,agent=http_user_agent,\
            protocol=server_protocol,referrer=http_referer,consumer=consumer",
    },
};
