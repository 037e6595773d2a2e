//! A hit: one request that a gateway saw. It is checked once and never again.
//!
//! In every format (see `crates/formats`), a hit is first read as a [`RawHit`]. Only
//! [`RawHit::check`] turns it into a [`Hit`]. A [`Hit`] is within the limits below, its address is
//! canonical, and its path has no query string. A hit whose address or time cannot be read is refused.
//! Anything else that cannot be used is unknown, and counted by [`Repairs`].

mod bots;
mod characters;
mod check;
mod compact;
mod dimension;
mod repairs;
mod rules;
mod told;
mod user_agent;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use characters::is_token_byte;
pub(crate) use check::{country_code, read_method, read_path};
pub use compact::{CompactHit, HitRef, Measures, Names};
pub use dimension::{ByDimension, Dimension, Grouping};
pub use repairs::Repairs;
pub use rules::{
    API_OPERATIONS_MAX, AddressRules, Api, BadApi, Networks, PathRules, Privacy, Rules, Spelling,
};
pub use told::{CONSUMER_BYTES_MAX, HOST_BYTES_MAX, PROTOCOL_BYTES_MAX};
pub use user_agent::FAMILY_BYTES_MAX;

/// The longest path kept, in bytes, because a path key is repeated in every answer. A longer one is
/// cut.
pub const PATH_BYTES_MAX: usize = 2_048;
/// The longest user agent kept, in bytes. A longer one is cut at the edge of a character.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// The longest method, in bytes. A longer one is unknown. The longest registered method has 17
/// bytes.
pub const METHOD_BYTES_MAX: usize = 32;
/// The longest response time: one day. A longer one is a mistaken unit, and is unknown.
pub const RESPONSE_TIME_US_MAX: u64 = 24 * 60 * 60 * 1_000_000;
/// The largest response: 1 TiB. A larger one is unknown. So the bytes of sixteen
/// million hits add up within 64 bits.
pub const RESPONSE_BYTES_MAX: u64 = 1 << 40;
/// How far in the future a hit may be, because clocks differ. A later hit is refused: with it, no
/// window would ever end.
pub const FUTURE_MS_MAX: u64 = 5 * 60 * 1_000;
/// The earliest time, in March 1973. An earlier time is refused, because it is a count of seconds.
/// Without this limit, it would be taken for milliseconds until the year 5138.
pub const TIMESTAMP_MS_MIN: u64 = 100_000_000_000;

/// The method of a hit whose method cannot be used.
pub const UNKNOWN_METHOD: &str = "-";
/// The path of a hit whose target cannot be used.
pub const UNKNOWN_PATH: &str = "(unknown)";

/// The path key of the hits whose IP has too many paths.
pub const OTHER_PATHS: &str = "(other)";

/// One request that a gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The address of the caller, canonical. An IPv4 address mapped into IPv6 is IPv4.
    pub ip: IpAddr,
    /// Milliseconds since 1970, UTC.
    pub timestamp_ms: u64,
    /// Upper case, as in `GET`, or [`UNKNOWN_METHOD`].
    pub method: String,
    /// From the first `/`, without the query string. A target that is no path is kept as it is: `*`,
    /// or the host and port of `CONNECT`. Or [`UNKNOWN_PATH`].
    pub path: String,
    /// 100 to 599.
    pub status: Option<u16>,
    /// Microseconds.
    pub response_time_us: Option<u64>,
    /// Bytes of the response.
    pub bytes: Option<u64>,
    /// ISO 3166-1 alpha-2, upper case. Or another code that gateways use, as in `T1` for Tor.
    pub country: Option<String>,
    /// Never empty.
    pub user_agent: Option<String>,
    /// Never empty.
    pub told: ByDimension<Option<String>>,
}

impl Hit {
    /// The key that a hit is counted under: `METHOD /path`.
    pub fn path_key(&self) -> String {
        [self.method.as_str(), " ", self.path.as_str()].concat()
    }
}

/// A hit as it came in. Its fields have the right types. Nothing else is checked. A reader gives what
/// it could not read as a text or a number that no hit may have: empty, or out of range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawHit {
    /// An IPv4 or IPv6 address, with or without brackets, port and zone. Of a list, the last counts.
    pub ip: String,
    /// A token of RFC 9110, in any case. Empty: unknown.
    pub method: String,
    /// A request target: `/path?query`, `http://host/path?query` or any other. Empty: unknown.
    pub path: String,
    /// Milliseconds since 1970, UTC. `None`: now.
    pub timestamp_ms: Option<u64>,
    pub status: Option<u16>,
    pub response_time_us: Option<u64>,
    pub bytes: Option<u64>,
    /// Two characters, in any case.
    pub country: Option<String>,
    pub user_agent: Option<String>,
    /// With or without a port.
    pub host: Option<String>,
    pub consumer: Option<String>,
    pub protocol: Option<String>,
    /// A URL. Its host alone is kept.
    pub referrer: Option<String>,
}

/// Why a hit was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refusal {
    /// The field's name in JSON, as in `responseTimeMs`.
    pub field: &'static str,
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field,
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests;
