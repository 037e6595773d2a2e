//! Traefik's access log with `format: json`.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "traefik",
    aliases: &[],
    title: "Traefik, JSON",
    reader: Reader::Map {
        keys: &["ClientHost"],
        map: "ip=ClientHost|ClientAddr,time=StartUTC|StartLocal|time,method=RequestMethod,\
            path=RequestPath,host=RequestHost,status=DownstreamStatus,\
            bytes=DownstreamContentSize,duration=Duration:ns,agent=request_User-Agent,\
            protocol=RequestProtocol,referrer=request_Referer",
    },
};
