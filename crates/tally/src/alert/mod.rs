//! Alerts: what is watched, when it fires, and what was told of it.
//!
//! What was measured comes in, and what was told before; what is to be told now comes out.

mod judge;
mod notification_state;

use serde::{Deserialize, Serialize};

pub use judge::{AlertState, Finding, Measured, Recent, Thresholds};
pub use notification_state::{Event, Next, NotificationState, RuleState};

/// What is watched.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Share of recent hits with a status of 400 and more.
    #[serde(rename = "errorRate")]
    ErrorRate,
    /// Recent hits a minute of the IP that made most of them.
    #[serde(rename = "requestsPerMinute")]
    RequestsPerMinute,
    /// IPs of which all hits are recent.
    #[serde(rename = "newIPs")]
    NewIps,
    /// How long the oldest batch has waited that could not be folded.
    #[serde(rename = "lagSeconds")]
    LagSeconds,
}

impl Rule {
    pub const EVERY: [Self; 4] = [
        Self::ErrorRate,
        Self::RequestsPerMinute,
        Self::NewIps,
        Self::LagSeconds,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "errorRate",
            Self::RequestsPerMinute => "requestsPerMinute",
            Self::NewIps => "newIPs",
            Self::LagSeconds => "lagSeconds",
        }
    }
}
