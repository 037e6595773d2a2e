//! The formats of lines, in one table.

use super::flaw::Flaw;
use super::{access_log, sources};
use rollcall_tally::hit::RawHit;

/// A format whose hits are lines.
#[derive(Debug)]
pub struct LineFormat {
    /// The value of `?format=`.
    pub name: &'static str,
    /// Further values of `?format=`.
    pub aliases: &'static [&'static str],
    /// The name for people.
    pub title: &'static str,
    pub(super) reader: Reader,
}

/// How a line is recognised and read.
#[derive(Debug)]
pub(super) enum Reader {
    /// Rollcall's own JSON.
    Own,
    /// A JSON object with fields of other names.
    Map {
        /// An object that has all these keys is of this format.
        keys: &'static [&'static str],
        /// Of [`super::FieldMap`].
        map: &'static str,
    },
    /// Columns that an earlier line names.
    Fields,
    /// Text, without the prefix of a log driver.
    Text {
        recognises: fn(&str) -> bool,
        read: fn(&str) -> Result<RawHit, Flaw>,
    },
}

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

impl LineFormat {
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The values of `?format=`, the best one first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl PartialEq for LineFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for LineFormat {}
