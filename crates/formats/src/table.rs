//! The formats of lines, in one table.

use super::line_format::{LineFormat, Reader};
use super::{access_log, sources};

/// Every format of lines. A line of an unknown format is read by the first that recognises it.
pub static LINE_FORMATS: &[LineFormat] = &[
    LineFormat {
        name: "ndjson",
        aliases: &[],
        title: "Rollcall's own JSON",
        reader: Reader::Own,
    },
    sources::nginx::FORMAT,
    sources::caddy::FORMAT,
    sources::traefik::FORMAT,
    sources::envoy_json::FORMAT,
    sources::haproxy_json::FORMAT,
    sources::kong::FORMAT,
    sources::apisix::FORMAT,
    sources::cloudflare::FORMAT,
    sources::azure::FORMAT,
    sources::google::FORMAT,
    sources::cloudfront_json::FORMAT,
    sources::alb::FORMAT,
    sources::clb::FORMAT,
    sources::nlb::FORMAT,
    sources::w3c::FORMAT,
    sources::nginx_proxy_manager::FORMAT,
    sources::s3::FORMAT,
    sources::squid::FORMAT,
    sources::envoy::FORMAT,
    sources::haproxy::FORMAT,
    LineFormat {
        name: "access-log",
        aliases: &["common", "combined"],
        title: "Common and Combined Log Format (nginx, Apache, Traefik, Caddy)",
        reader: Reader::Text {
            recognises: |_| true,
            read: access_log::read_hit,
        },
    },
];
