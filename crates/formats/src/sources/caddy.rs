//! Caddy's access log.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "caddy",
    aliases: &[],
    title: "Caddy, JSON",
    reader: Reader::Map {
        keys: &["request.uri", "ts"],
        map: "ip=request.client_ip|request.remote_ip|request.remote_addr,time=ts,\
            method=request.method,path=request.uri,host=request.host,status=status,\
            bytes=size,duration=duration:s,agent=request.headers.User-Agent,\
            protocol=request.proto,referrer=request.headers.Referer,consumer=user_id",
    },
};
