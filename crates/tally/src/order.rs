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

/// The field that a list of groups is sorted by: of countries, networks or hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupOrder {
    #[default]
    Requests,
    UniqueIps,
    ErrorRate,
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

impl GroupOrder {
    pub const EVERY: [Self; 3] = [Self::Requests, Self::UniqueIps, Self::ErrorRate];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::UniqueIps => "uniqueIPs",
            Self::ErrorRate => "errorRate",
        }
    }

    /// The value to sort by, descending. A rate is never negative. So the bits of rates are in the
    /// same order as the rates.
    pub(crate) fn rank(self, requests: u64, unique_ips: u64, error_rate: f64) -> u64 {
        match self {
            Self::Requests => requests,
            Self::UniqueIps => unique_ips,
            Self::ErrorRate => error_rate.to_bits(),
        }
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
