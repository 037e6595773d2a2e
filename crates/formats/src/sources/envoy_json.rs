//! Envoy with `json_format`, under the names that Istio, Higress and Envoy Gateway give.
//!
//! `downstream_remote_address` is the caller as Envoy determines it. A caller can write the header
//! `x-forwarded-for`. So it counts only if the other is not logged.

use crate::line_format::{LineFormat, Reader};

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "envoy-json",
    aliases: &[],
    title: "Envoy, Istio, Envoy Gateway, JSON",
    reader: Reader::Map {
        keys: &["start_time", "response_code"],
        map: "ip=downstream_remote_address|x_forwarded_for|x-forwarded-for,time=start_time,\
            method=method|:method,path=path|x-envoy-origin-path|x-envoy-original-path|:path,\
            host=authority|:authority,status=response_code,bytes=bytes_sent,\
            duration=duration:ms,agent=user_agent|user-agent,protocol=protocol,\
            referrer=referer|:referer",
    },
};
