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
