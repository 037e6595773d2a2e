//! Classes of status, and hits counted by them.

use serde::{Deserialize, Serialize};

/// The hundreds of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
    /// No status was told.
    Unknown,
}

impl StatusClass {
    pub const EVERY: [Self; 6] = [
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Unknown,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|class| class.name() == name)
    }

    /// The class of a status.
    pub fn of(status: Option<u16>) -> Self {
        match status.map(|code| code / 100) {
            Some(1) => Self::Informational,
            Some(2) => Self::Success,
            Some(3) => Self::Redirection,
            Some(4) => Self::ClientError,
            Some(5) => Self::ServerError,
            _ => Self::Unknown,
        }
    }
}

/// Hits by class of status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    #[serde(rename = "1xx")]
    pub informational: u64,
    #[serde(rename = "2xx")]
    pub success: u64,
    #[serde(rename = "3xx")]
    pub redirection: u64,
    #[serde(rename = "4xx")]
    pub client_error: u64,
    #[serde(rename = "5xx")]
    pub server_error: u64,
    /// Hits without a status.
    pub unknown: u64,
}

impl StatusCounts {
    pub fn of(&self, class: StatusClass) -> u64 {
        match class {
            StatusClass::Informational => self.informational,
            StatusClass::Success => self.success,
            StatusClass::Redirection => self.redirection,
            StatusClass::ClientError => self.client_error,
            StatusClass::ServerError => self.server_error,
            StatusClass::Unknown => self.unknown,
        }
    }

    pub fn add(&mut self, class: StatusClass, count: u64) {
        let counted = match class {
            StatusClass::Informational => &mut self.informational,
            StatusClass::Success => &mut self.success,
            StatusClass::Redirection => &mut self.redirection,
            StatusClass::ClientError => &mut self.client_error,
            StatusClass::ServerError => &mut self.server_error,
            StatusClass::Unknown => &mut self.unknown,
        };
        *counted += count;
    }

    pub fn merge(&mut self, other: &Self) {
        for class in StatusClass::EVERY {
            self.add(class, other.of(class));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_counted_under_its_name() {
        for class in StatusClass::EVERY {
            let mut counts = StatusCounts::default();
            counts.add(class, 3);
            assert_eq!(counts.of(class), 3);
            assert_eq!(serde_json::to_value(counts).unwrap()[class.name()], 3);
        }
    }
}
