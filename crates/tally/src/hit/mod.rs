//! A hit: one request that a gateway saw. It is checked once and never again.
//!
//! In every format (see `crates/formats`), a hit is first read as a [`RawHit`]. Only
//! [`RawHit::check`] turns it into a [`Hit`]. A [`Hit`] is within the limits below, its address is
//! canonical, and its path has no query string. Everything else is refused, with the field's name.

mod check;
mod compact;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub(crate) use check::{check_method, check_path, country_code};
pub use compact::{CompactHit, HitRef, Measures, Names};

/// The longest path kept, in bytes. A hit with a longer path is refused, because a path key is
/// repeated in every answer.
pub const PATH_BYTES_MAX: usize = 2_048;
/// The longest user agent kept, in bytes. A longer one is cut at the edge of a character.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// The longest method, in bytes. A hit with a longer method is refused. The longest registered
/// method has 17 bytes.
pub const METHOD_BYTES_MAX: usize = 32;
/// The longest response time: one day. A longer one is a mistaken unit, and the hit is refused.
pub const RESPONSE_TIME_US_MAX: u64 = 24 * 60 * 60 * 1_000_000;
/// The largest response: 1 TiB. A hit with a larger response is refused. So the bytes of sixteen
/// million hits add up within 64 bits.
pub const RESPONSE_BYTES_MAX: u64 = 1 << 40;
/// How far in the future a hit may be, because clocks differ. A later hit is refused: with it, no
/// window would ever end.
pub const FUTURE_MS_MAX: u64 = 5 * 60 * 1_000;
/// The earliest time, in March 1973. An earlier time is refused, because it is a count of seconds.
/// Without this limit, it would be taken for milliseconds until the year 5138.
pub const TIMESTAMP_MS_MIN: u64 = 100_000_000_000;

/// The range of a status. The readers use the same text for a status that is not a number.
pub const STATUS_EXPECTED: &str = "expected an integer from 100 to 599";

/// The path key of the hits whose IP has too many paths.
pub const OTHER_PATHS: &str = "(other)";

/// One request that a gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The address of the caller, canonical. An IPv4 address mapped into IPv6 is IPv4.
    pub ip: IpAddr,
    /// Milliseconds since 1970, UTC.
    pub timestamp_ms: u64,
    /// Upper case, as in `GET`.
    pub method: String,
    /// From the first `/`, without the query string. Or `*`, as in `OPTIONS *`.
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
}

impl Hit {
    /// The key that a hit is counted under: `METHOD /path`.
    pub fn path_key(&self) -> String {
        [self.method.as_str(), " ", self.path.as_str()].concat()
    }
}

/// A hit as it came in. Its fields have the right types. Nothing else is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawHit {
    /// An IPv4 or IPv6 address without a zone.
    pub ip: String,
    /// A token of RFC 9110, in any case.
    pub method: String,
    /// A request target: `/path?query`, `http://host/path?query` or `*`.
    pub path: String,
    /// Milliseconds since 1970, UTC. `None`: now.
    pub timestamp_ms: Option<u64>,
    pub status: Option<u16>,
    pub response_time_us: Option<u64>,
    pub bytes: Option<u64>,
    /// Two characters, in any case.
    pub country: Option<String>,
    pub user_agent: Option<String>,
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
