//! Azure Front Door and Application Gateway, as Azure Monitor writes them.
//!
//! Front Door takes `clientIp` from the header `X-Forwarded-For`, which a caller can write. So
//! `socketIp` counts first.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "azure",
    aliases: &[],
    title: "Azure Front Door and Application Gateway",
    reader: Reader::Map {
        keys: &["properties.requestUri"],
        map: "ip=properties.socketIp|properties.clientIp|properties.clientIP,\
            time=time|timeStamp,method=properties.httpMethod,path=properties.requestUri,\
            host=properties.hostName|properties.host,\
            status=properties.httpStatusCode|properties.httpStatus,\
            bytes=properties.responseBytes|properties.sentBytes,\
            duration=properties.timeTaken:s,agent=properties.userAgent,protocol=properties.httpVersion,\
            referrer=properties.referer|properties.referrer",
    },
};
