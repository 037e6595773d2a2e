//! Cloudflare Logpush, data set `http_requests`.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "cloudflare",
    aliases: &[],
    title: "Cloudflare Logpush, http_requests",
    reader: Reader::Map {
        keys: &["ClientIP", "EdgeStartTimestamp"],
        map: "ip=ClientIP,time=EdgeStartTimestamp,method=ClientRequestMethod,\
            path=ClientRequestURI|ClientRequestPath,host=ClientRequestHost,\
            status=EdgeResponseStatus,bytes=EdgeResponseBytes,\
            duration=EdgeTimeToFirstByteMs:ms,country=ClientCountry,\
            agent=ClientRequestUserAgent,protocol=ClientRequestProtocol,\
            referrer=ClientRequestReferer",
    },
};
