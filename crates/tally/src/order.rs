//! The orders of lists. See [`crate::ranking`].

use serde::{Deserialize, Serialize};

/// The field that a list of paths is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathOrder {
    #[default]
    Requests,
    UniqueIps,
    AvgResponseTime,
    ErrorRate,
    P95ResponseTime,
}

/// The field that a list of IPs is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpOrder {
    #[default]
    Requests,
    UniquePaths,
    ErrorRate,
    LastSeen,
}

/// A number of a group of hits. Lists of groups are sorted by one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metric {
    #[default]
    Requests,
    UniqueIps,
    Errors,
    ErrorRate,
    Bytes,
    AvgResponseTime,
    P50ResponseTime,
    P95ResponseTime,
    P99ResponseTime,
    NewIps,
}

impl PathOrder {
    pub const EVERY: [Self; 5] = [
        Self::Requests,
        Self::UniqueIps,
        Self::AvgResponseTime,
        Self::ErrorRate,
        Self::P95ResponseTime,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniqueIps => "uniqueIPs",
            Self::AvgResponseTime => "avgResponseTime",
            Self::ErrorRate => "errorRate",
            Self::P95ResponseTime => "p95ResponseTime",
        }
    }
}

impl Metric {
    pub const EVERY: &[Self] = &[
        Self::Requests,
        Self::UniqueIps,
        Self::Errors,
        Self::ErrorRate,
        Self::Bytes,
        Self::AvgResponseTime,
        Self::P50ResponseTime,
        Self::P95ResponseTime,
        Self::P99ResponseTime,
        Self::NewIps,
    ];

    /// Those that do not need the time before the window: all but the last.
    pub const OF_WINDOW: &[Self] = match Self::EVERY.split_last() {
        Some((Self::NewIps, others)) => others,
        _ => panic!("newIPs comes last"),
    };

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniqueIps => "uniqueIPs",
            Self::Errors => "errors",
            Self::ErrorRate => "errorRate",
            Self::Bytes => "bytes",
            Self::AvgResponseTime => "avgResponseTime",
            Self::P50ResponseTime => "p50ResponseTime",
            Self::P95ResponseTime => "p95ResponseTime",
            Self::P99ResponseTime => "p99ResponseTime",
            Self::NewIps => "newIPs",
        }
    }

    /// Whether it is kept by status: bytes and response times are not.
    pub fn is_of_status(self) -> bool {
        matches!(
            self,
            Self::Requests | Self::UniqueIps | Self::Errors | Self::ErrorRate | Self::NewIps
        )
    }
}

impl IpOrder {
    pub const EVERY: [Self; 4] = [
        Self::Requests,
        Self::UniquePaths,
        Self::ErrorRate,
        Self::LastSeen,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniquePaths => "uniquePaths",
            Self::ErrorRate => "errorRate",
            Self::LastSeen => "lastSeen",
        }
    }
}
