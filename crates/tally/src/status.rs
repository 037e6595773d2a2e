//! Statuses, their classes, filters by status, and hits counted by status or class.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::condition;

/// The class of a status: its hundreds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
    /// The hit has no status.
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
        Self::of_code(status.unwrap_or(NO_STATUS))
    }

    /// The class of a status code in a [`StatusCount`].
    pub fn of_code(code: u16) -> Self {
        match if code < 100 { code } else { code / 100 } {
            1 => Self::Informational,
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            5 => Self::ServerError,
            _ => Self::Unknown,
        }
    }
}

/// The status codes that a hit can have.
pub const CODES: RangeInclusive<u16> = 100..=599;

/// The code of hits without a status.
pub const NO_STATUS: u16 = 0;

/// A value of a condition on the status of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusValue {
    Class(StatusClass),
    /// One of [`CODES`]. Hits of which only the class is known have no code.
    Code(u16),
}

impl StatusValue {
    /// As the API spells it.
    pub fn name(self) -> String {
        match self {
            Self::Class(class) => class.name().to_owned(),
            Self::Code(code) => code.to_string(),
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        let class = StatusClass::from_name(name).map(Self::Class);
        class.or_else(|| {
            let code = name.parse().ok().filter(|code| CODES.contains(code))?;
            // A code has one spelling: without a sign, and without a zero in front.
            Some(Self::Code(code)).filter(|status| status.name() == name)
        })
    }

    fn lets(self, code: u16) -> bool {
        match self {
            Self::Class(class) => StatusClass::of_code(code) == class,
            Self::Code(wanted) => code == wanted,
        }
    }
}

/// The condition of a filter on the status of a hit: one of these values, or none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusFilter {
    pub is_not: bool,
    pub values: Vec<StatusValue>,
}

impl StatusFilter {
    /// As the API spells it.
    pub fn name(&self) -> String {
        condition::spell(self.is_not, self.values.iter().map(|value| value.name()))
    }

    /// Reads the condition. The error says which text was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let expected = || {
            let (from, to) = (CODES.start(), CODES.end());
            let classes = StatusClass::EVERY.map(StatusClass::name).join(", ");
            format!("expected one of {classes}, or a status code from {from} to {to}")
        };
        let text = condition::read_values(text, |name| match StatusValue::from_name(name) {
            Some(value) => Ok(value.name()),
            None => Err(expected()),
        })?;
        let (is_not, values) = condition::split(&text);
        let values = values.filter_map(|name| StatusValue::from_name(&name));
        Ok(Self {
            is_not,
            values: values.collect(),
        })
    }

    /// Whether hits with this code in a [`StatusCount`] count.
    pub fn lets(&self, code: u16) -> bool {
        self.values.iter().any(|value| value.lets(code)) != self.is_not
    }
}

impl From<StatusValue> for StatusFilter {
    fn from(value: StatusValue) -> Self {
        Self {
            is_not: false,
            values: vec![value],
        }
    }
}

/// Hits of one status.
// As in the WIT: a list of records without pointers is copied as it lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// One of [`CODES`]. Or [`NO_STATUS`]. Or 1 to 5, if only the class is known.
    pub code: u16,
    pub count: u64,
}

impl StatusCount {
    /// As the API spells the status.
    pub fn name(&self) -> String {
        match self.code {
            0..100 => StatusClass::of_code(self.code).name().to_owned(),
            code => code.to_string(),
        }
    }

    /// The code of the status with this name.
    pub fn code_of(name: &str) -> Option<u16> {
        let mut classes = (NO_STATUS..=5).map(|code| Self { code, count: 0 });
        let class = classes.find(|class| class.name() == name);
        class.map(|class| class.code).or_else(|| name.parse().ok())
    }
}

/// Adds hits of a status to a list that is sorted by code.
pub fn add_status(statuses: &mut Vec<StatusCount>, more: StatusCount) {
    match statuses.binary_search_by_key(&more.code, |known| known.code) {
        Ok(at) => {
            if let Some(known) = statuses.get_mut(at) {
                known.count += more.count;
            }
        }
        Err(at) => statuses.insert(at, more),
    }
}

/// Subtracts the hits that [`add_status`] added.
pub fn subtract_status(statuses: &mut Vec<StatusCount>, less: StatusCount) {
    if let Ok(at) = statuses.binary_search_by_key(&less.code, |known| known.code)
        && let Some(known) = statuses.get_mut(at)
    {
        known.count = known.count.saturating_sub(less.count);
        if known.count == 0 {
            statuses.remove(at);
        }
    }
}

/// Hits by class of status.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

    /// The hits of all classes.
    pub fn total(&self) -> u64 {
        StatusClass::EVERY.iter().map(|class| self.of(*class)).sum()
    }

    pub fn merge(&mut self, other: &Self) {
        for class in StatusClass::EVERY {
            self.add(class, other.of(class));
        }
    }

    /// Counts statuses by class.
    pub fn of_statuses(statuses: &[StatusCount]) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            counts.add(StatusClass::of_code(status.code), status.count);
        }
        counts
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

    #[test]
    fn a_status_has_its_code_as_a_name_and_what_is_less_known_has_its_class() {
        for (code, name) in [
            (0, "unknown"),
            (4, "4xx"),
            (404, "404"),
            (100, "100"),
            (599, "599"),
        ] {
            assert_eq!(StatusCount { code, count: 1 }.name(), name);
            assert_eq!(StatusCount::code_of(name), Some(code));
        }
        assert_eq!(StatusClass::of_code(4), StatusClass::ClientError);
        assert_eq!(StatusClass::of_code(404), StatusClass::ClientError);
    }

    #[test]
    fn a_filter_is_a_class_or_a_code_and_has_one_spelling() {
        let classes = StatusClass::EVERY.map(StatusValue::Class);
        for value in classes.into_iter().chain(CODES.map(StatusValue::Code)) {
            let name = value.name();
            assert_eq!(StatusValue::from_name(&name), Some(value), "{name}");
            assert_eq!(StatusFilter::read(&name), Ok(value.into()));
        }
        let several = StatusFilter::read("!5xx|404|5xx").unwrap();
        assert_eq!(several.name(), "!404|5xx");
        assert_eq!(
            [404, 503, 200].map(|code| several.lets(code)),
            [false, false, true]
        );
        for name in [
            "", "4", "04", "99", "600", "65940", "40x", "404x", "0404", "+404", "-404", " 404",
            "404 ", "4xx ", "4XX", "6xx", "Unknown", "٤٠٤",
        ] {
            assert!(StatusFilter::read(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_filter_by_code_lets_that_code_alone_and_one_by_class_lets_all_of_the_class() {
        let code = StatusFilter::from(StatusValue::Code(404));
        let class = StatusFilter::from(StatusValue::Class(StatusClass::ClientError));
        for (known, by_code, by_class) in [
            (404, true, true),
            (400, false, true),
            (499, false, true),
            // Only the class is known.
            (4, false, true),
            (504, false, false),
            (NO_STATUS, false, false),
        ] {
            assert_eq!((code.lets(known), class.lets(known)), (by_code, by_class));
        }
    }

    #[test]
    fn what_was_counted_can_be_taken_back() {
        let mut statuses = Vec::new();
        let of = |code, count| StatusCount { code, count };
        for more in [of(404, 2), of(200, 1), of(404, 1)] {
            add_status(&mut statuses, more);
        }
        assert_eq!(statuses, [of(200, 1), of(404, 3)]);
        subtract_status(&mut statuses, of(404, 1));
        subtract_status(&mut statuses, of(200, 1));
        assert_eq!(statuses, [of(404, 2)]);
    }
}
