//! Alerts: the rules, when they fire, and the notifications that were sent.
//!
//! The input is the measured values and the notifications sent before. The output is the
//! notifications to send now.

mod judge;
mod notification_state;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use judge::{AboutRule, AlertState, Finding, FoundGroup, Measured, Recent, Thresholds};
pub use notification_state::{Event, Next, NotificationState, RuleState};

/// A rule. There is one for each variable, and admins write others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Share of recent hits with a status of 400 and more.
    ErrorRate,
    /// Recent hits per minute of the IP with the most recent hits.
    RequestsPerMinute,
    /// IPs that have only recent hits.
    NewIps,
    /// How long the oldest batch that could not be folded has waited.
    LagSeconds,
    /// A rule that an admin wrote, as `rules/NAME`.
    Own(String),
}

impl Rule {
    /// Those of the variables.
    pub const OF_VARIABLES: [Self; 4] = [
        Self::ErrorRate,
        Self::RequestsPerMinute,
        Self::NewIps,
        Self::LagSeconds,
    ];

    /// A rule that an admin wrote under this name.
    pub fn own(name: &str) -> Self {
        Self::Own(format!("{OWN}{name}"))
    }

    /// As the API spells it.
    pub fn name(&self) -> &str {
        match self {
            Self::ErrorRate => "errorRate",
            Self::RequestsPerMinute => "requestsPerMinute",
            Self::NewIps => "newIPs",
            Self::LagSeconds => "lagSeconds",
            Self::Own(name) => name,
        }
    }

    fn from_name(name: String) -> Option<Self> {
        let known = Self::OF_VARIABLES
            .into_iter()
            .find(|rule| rule.name() == name);
        known.or_else(|| name.starts_with(OWN).then_some(Self::Own(name)))
    }
}

/// The start of the name of a rule that an admin wrote.
const OWN: &str = "rules/";

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'d> Deserialize<'d> for Rule {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::from_name(name).ok_or_else(|| D::Error::custom("there is no such rule"))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Rule {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let name = utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some(
                "`errorRate`, `requestsPerMinute`, `newIPs`, `lagSeconds`, or `rules/NAME` for a \
                 rule that an admin wrote.",
            ));
        name.into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Rule {}
