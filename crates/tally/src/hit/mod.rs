//! A hit: one request that a gateway saw, checked once and never again.
//!
//! Whatever it was read from (see [`crate::intake`]), it is a [`RawHit`] first, and [`RawHit::check`] is the one place that
//! turns it into a [`Hit`]: within the limits below, its address canonical, its path without a query string. Refuses everything
//! else, with the field's name.

mod check;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub(crate) use check::{check_method, check_path, country_code};

/// The longest path kept, in bytes. A hit with a longer one is refused: a path key is repeated in every answer.
pub const PATH_BYTES_MAX: usize = 2_048;
/// The longest user agent kept, in bytes. A longer one is cut, at a character's edge.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// The longest method, in bytes. The longest registered one has 17. A hit with a longer one is refused.
pub const METHOD_BYTES_MAX: usize = 32;
/// The longest response time, one day. A longer one is a unit mistaken, and the hit is refused.
pub const RESPONSE_TIME_US_MAX: u64 = 24 * 60 * 60 * 1_000_000;
/// The largest response, 1 TiB. A hit with a larger one is refused: sixteen million such still add up within 64 bits.
pub const RESPONSE_BYTES_MAX: u64 = 1 << 40;
/// How far in the future a hit may be, for clocks that differ. What is later is refused: no window would ever end.
pub const FUTURE_MS_MAX: u64 = 5 * 60 * 1_000;
/// The earliest time, in March 1973. What is earlier is refused: it is a count of seconds, which would otherwise be taken for
/// milliseconds until the year 5138.
pub const TIMESTAMP_MS_MIN: u64 = 100_000_000_000;

/// What a status must be. The readers say it as well, of a value that is no number at all.
pub(crate) const STATUS_EXPECTED: &str = "expected an integer from 100 to 599";

/// The path key of the hits whose IP has too many paths.
pub const OTHER_PATHS: &str = "(other)";

/// One request that a gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The caller, canonical: an IPv4 address mapped into IPv6 is IPv4.
    pub ip: IpAddr,
    /// Milliseconds since 1970, UTC.
    pub timestamp_ms: u64,
    /// Upper case, as in `GET`.
    pub method: String,
    /// From the first `/`, without the query string; or `*`, as in `OPTIONS *`.
    pub path: String,
    /// 100 to 599.
    pub status: Option<u16>,
    /// Microseconds.
    pub response_time_us: Option<u64>,
    /// Bytes of the response.
    pub bytes: Option<u64>,
    /// ISO 3166-1 alpha-2, upper case, or a code that gateways use beside it, as in `T1` for Tor.
    pub country: Option<String>,
    /// Never empty.
    pub user_agent: Option<String>,
}

impl Hit {
    /// What a hit is counted under: `METHOD /path`.
    pub fn path_key(&self) -> String {
        [self.method.as_str(), " ", self.path.as_str()].concat()
    }
}

/// A hit as it came in: the right types, nothing else known of it.
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
    /// As in the JSON form, `responseTimeMs` for one.
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
