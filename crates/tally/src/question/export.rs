//! A row for each IP and path. The rows are streamed as the IPs are read, and are never kept.

use serde::{Deserialize, Serialize};

use super::parameter::TimeRange;
use super::{About, Ask, Parameter};
use crate::filter::Filter;
use crate::interval::Interval;
use crate::window::Window;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub format: ExportFormat,
    pub range: DateRange,
    /// Only for JSON. True: an object with the rows in `data`. False: the bare array.
    pub include_metadata: bool,
    /// gzip.
    pub compression: bool,
    pub filter: Filter,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            format: ExportFormat::Json,
            range: DateRange::Week,
            include_metadata: true,
            compression: false,
            filter: Filter::default(),
        }
    }
}

impl Ask for Export {
    fn about(&self) -> &'static About {
        &About {
            name: "export-data",
            path: "/admin/export",
            id: "export",
            summary: "A row for each IP and path",
            description: "A row for each IP and path with a hit in the range. The rows are in no \
                          order. They are sent as they are read, all from one snapshot. If an \
                          export cannot be finished, it breaks off: the connection is cut before \
                          the end of the chunked body. If it fails before the first row, the \
                          answer is a problem, as everywhere else. Exports are never kept.",
            ttl_ms: 0,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let mut all = vec![Parameter::one_of(
            "format",
            "The form of the export. In `csv`, a value that a spreadsheet would take for a formula \
             has `'` before it.",
            &mut self.format,
            &ExportFormat::EVERY,
            ExportFormat::name,
        )];
        all.extend(Parameter::range(
            "dateRange",
            "The window: a stretch of time up to now. Only hits in it count.",
            &mut self.range,
        ));
        all.extend([
            Parameter::flag(
                "includeMetadata",
                "Only for `json`. `true`: an object with the rows in `data`. `false`: the bare \
                 array of rows.",
                &mut self.include_metadata,
            ),
            Parameter::flag(
                "compression",
                "Compress with gzip, and set `Content-Encoding`.",
                &mut self.compression,
            ),
        ]);
        all.extend(self.filter.conditions());
        all
    }
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportFormat {
    Json,
    Csv,
    /// A row a line, without metadata.
    Ndjson,
}

impl ExportFormat {
    pub const EVERY: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// The name as the API spells it. It is also the ending of the file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// The stretch of time that an export is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateRange {
    Day,
    Week,
    Month,
    Quarter,
    Between(Interval),
}

impl TimeRange for DateRange {
    const EVERY: &'static [Self] = &Self::EVERY;

    fn name(self) -> &'static str {
        self.name()
    }

    fn interval(self) -> Interval {
        self.interval()
    }

    fn between(interval: Interval) -> Self {
        Self::Between(interval)
    }
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
            Self::Between(_) => "between",
        }
    }

    pub fn interval(self) -> Interval {
        self.window().interval()
    }

    pub fn window(self) -> Window {
        match self {
            Self::Day => Window::Day,
            Self::Week => Window::Week,
            Self::Month => Window::Month,
            Self::Quarter => Window::Quarter,
            Self::Between(interval) => Window::Between(interval),
        }
    }
}
