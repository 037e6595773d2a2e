//! Alerts: the rules, when they fire, and the notifications that were sent.
//!
//! The input is the measured values and the notifications sent before. The output is the
//! notifications to send now.

mod judge;
mod notification_state;

use serde::{Deserialize, Serialize};

pub use judge::{AlertState, Finding, Measured, Recent, Thresholds};
pub use notification_state::{Event, Next, NotificationState, RuleState};

/// A rule: the value that it watches.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Share of recent hits with a status of 400 and more.
    #[serde(rename = "errorRate")]
    ErrorRate,
    /// Recent hits per minute of the IP with the most recent hits.
    #[serde(rename = "requestsPerMinute")]
    RequestsPerMinute,
    /// IPs that have only recent hits.
    #[serde(rename = "newIPs")]
    NewIps,
    /// How long the oldest batch that could not be folded has waited.
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
