//! The forms and ranges of an export.

use crate::window::Window;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    Json,
    Csv,
    /// A row a line, without metadata.
    Ndjson,
}

impl ExportFormat {
    pub const EVERY: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// As the API spells it, and the ending of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// How far back an export goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateRange {
    Day,
    Week,
    Month,
    Quarter,
}

impl DateRange {
    pub const EVERY: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "1d",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    pub fn window(self) -> Window {
        match self {
            Self::Day => Window::Day,
            Self::Week => Window::Week,
            Self::Month => Window::Month,
            Self::Quarter => Window::Quarter,
        }
    }
}
