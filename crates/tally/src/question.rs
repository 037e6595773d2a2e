//! The questions of the admin API: their parameters, defaults and ranges, in one place for the router and the aggregator.
//!
//! A parameter that is unknown, given twice or out of its range is refused by its name; all of them are named at once.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::PathOrder;
use crate::window::Window;

/// The most entries of a list.
pub const LIMIT_MAX: u32 = 100;
/// The entries of a list, if the question does not say.
pub const LIMIT_DEFAULT: u32 = 10;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    Json,
    Csv,
}

impl ExportFormat {
    pub const EVERY: [Self; 2] = [Self::Json, Self::Csv];

    /// As the API spells it, and the ending of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// What the aggregator can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    GlobalStats {
        window: Window,
        include_metrics: bool,
        include_costs: bool,
    },
    TopPaths {
        window: Window,
        limit: u32,
        order: PathOrder,
    },
    TopIps {
        window: Window,
        limit: u32,
    },
    Export {
        format: ExportFormat,
        range: DateRange,
        include_metadata: bool,
        compression: bool,
    },
    Status,
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

/// A parameter that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadParameter {
    pub name: String,
    pub reason: String,
}

/// Why a question was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotUnderstood {
    /// No question has this name.
    Unknown,
    Parameters(Vec<BadParameter>),
}

impl Question {
    /// Reads a question: its name, as the aggregator knows it, and its query string.
    pub fn read(name: &str, query: &str) -> Result<Self, NotUnderstood> {
        let mut given = Parameters::read(query);
        let question = match name {
            "global-stats" => Self::GlobalStats {
                window: given.window(),
                include_metrics: given.flag("includeMetrics", true),
                include_costs: given.flag("includeCosts", false),
            },
            "top-paths" => Self::TopPaths {
                window: given.window(),
                limit: given.limit(),
                order: given.one_of(
                    "sortBy",
                    &PathOrder::EVERY,
                    PathOrder::name,
                    PathOrder::Requests,
                ),
            },
            "top-ips" => Self::TopIps {
                window: given.window(),
                limit: given.limit(),
            },
            "export-data" => Self::Export {
                format: given.one_of(
                    "format",
                    &ExportFormat::EVERY,
                    ExportFormat::name,
                    ExportFormat::Json,
                ),
                range: given.one_of(
                    "dateRange",
                    &DateRange::EVERY,
                    DateRange::name,
                    DateRange::Week,
                ),
                include_metadata: given.flag("includeMetadata", true),
                compression: given.flag("compression", false),
            },
            "status" => Self::Status,
            _ => return Err(NotUnderstood::Unknown),
        };
        let bad = given.finish();
        if bad.is_empty() {
            Ok(question)
        } else {
            Err(NotUnderstood::Parameters(bad))
        }
    }

    /// How long its answer is fresh when nothing changes. An export is never kept.
    pub fn ttl_ms(&self) -> u64 {
        const MINUTE_MS: u64 = 60_000;
        match self {
            Self::GlobalStats { .. } => 5 * MINUTE_MS,
            Self::TopPaths { .. } | Self::TopIps { .. } => 10 * MINUTE_MS,
            Self::Status => MINUTE_MS,
            Self::Export { .. } => 0,
        }
    }

    /// The question as [`Question::read`] reads it, each parameter written out: `name?query`.
    pub fn write(self) -> String {
        match self {
            Self::GlobalStats {
                window,
                include_metrics,
                include_costs,
            } => format!(
                "global-stats?timeRange={}&includeMetrics={include_metrics}&includeCosts={include_costs}",
                window.name()
            ),
            Self::TopPaths {
                window,
                limit,
                order,
            } => format!(
                "top-paths?limit={limit}&timeRange={}&sortBy={}",
                window.name(),
                order.name()
            ),
            Self::TopIps { window, limit } => {
                format!("top-ips?limit={limit}&timeRange={}", window.name())
            }
            Self::Export {
                format,
                range,
                include_metadata,
                compression,
            } => format!(
                "export-data?format={}&dateRange={}&includeMetadata={include_metadata}&compression={compression}",
                format.name(),
                range.name()
            ),
            Self::Status => "status".to_owned(),
        }
    }
}

/// The parameters of a query string, while they are taken out one by one.
struct Parameters {
    given: BTreeMap<String, String>,
    bad: Vec<BadParameter>,
}

impl Parameters {
    fn read(query: &str) -> Self {
        let mut parameters = Self {
            given: BTreeMap::new(),
            bad: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters
                .given
                .insert(name.to_string(), value.into_owned())
                .is_some()
            {
                parameters.refuse(&name, "given twice".to_owned());
            }
        }
        parameters
    }

    fn refuse(&mut self, name: &str, reason: String) {
        let name = name.to_owned();
        self.bad.push(BadParameter { name, reason });
    }

    fn window(&mut self) -> Window {
        self.one_of("timeRange", &Window::EVERY, Window::name, Window::Day)
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let spell = |value| if value { "true" } else { "false" };
        self.one_of(name, &[true, false], spell, default)
    }

    fn limit(&mut self) -> u32 {
        let Some(text) = self.given.remove("limit") else {
            return LIMIT_DEFAULT;
        };
        let value = text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit));
        value.unwrap_or_else(|| {
            self.refuse(
                "limit",
                format!("expected an integer from 1 to {LIMIT_MAX}"),
            );
            LIMIT_DEFAULT
        })
    }

    fn one_of<T: Copy>(
        &mut self,
        name: &str,
        every: &[T],
        spell: impl Fn(T) -> &'static str,
        default: T,
    ) -> T {
        let Some(text) = self.given.remove(name) else {
            return default;
        };
        let value = every.iter().copied().find(|value| spell(*value) == text);
        value.unwrap_or_else(|| {
            let names: Vec<&str> = every.iter().map(|value| spell(*value)).collect();
            self.refuse(name, format!("expected one of {}", names.join(", ")));
            default
        })
    }

    /// Whatever was not taken out is unknown.
    fn finish(mut self) -> Vec<BadParameter> {
        for name in std::mem::take(&mut self.given).into_keys() {
            self.refuse(&name, "unknown parameter".to_owned());
        }
        self.bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(name: &str, query: &str, expect: &[&str]) {
        match Question::read(name, query) {
            Err(NotUnderstood::Parameters(bad)) => {
                let names: Vec<&str> = bad.iter().map(|bad| bad.name.as_str()).collect();
                assert_eq!(names, expect, "{name}?{query}");
            }
            other => panic!("{name}?{query}: {other:?}"),
        }
    }

    #[test]
    fn a_question_has_the_documented_defaults() {
        assert_eq!(
            Question::read("top-paths", ""),
            Ok(Question::TopPaths {
                window: Window::Day,
                limit: 10,
                order: PathOrder::Requests
            })
        );
        assert_eq!(
            Question::read("export-data", ""),
            Ok(Question::Export {
                format: ExportFormat::Json,
                range: DateRange::Week,
                include_metadata: true,
                compression: false
            })
        );
        assert_eq!(
            Question::read("global-stats", ""),
            Ok(Question::GlobalStats {
                window: Window::Day,
                include_metrics: true,
                include_costs: false
            })
        );
    }

    #[test]
    fn a_limit_is_from_1_to_100() {
        for good in ["1", "100"] {
            assert!(Question::read("top-ips", &format!("limit={good}")).is_ok());
        }
        for query in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1.5",
            "limit=",
            "limit=ten",
        ] {
            bad("top-ips", query, &["limit"]);
        }
    }

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        bad(
            "top-paths",
            "limit=0&timeRange=2h&sortBy=x",
            &["timeRange", "limit", "sortBy"],
        );
        bad("top-paths", "limit=5&limit=6", &["limit"]);
        bad("top-paths", "lmit=5", &["lmit"]);
        bad("global-stats", "includeCosts=yes", &["includeCosts"]);
        bad(
            "export-data",
            "format=xml&dateRange=24h",
            &["format", "dateRange"],
        );
        bad("status", "x=1", &["x"]);
    }

    #[test]
    fn a_question_nobody_knows_is_unknown() {
        assert_eq!(Question::read("nonsense", ""), Err(NotUnderstood::Unknown));
    }

    #[test]
    fn a_question_written_is_read_back() {
        for window in Window::EVERY {
            for order in PathOrder::EVERY {
                let question = Question::TopPaths {
                    window,
                    limit: 7,
                    order,
                };
                let text = question.write();
                let (name, query) = text.split_once('?').unwrap();
                assert_eq!(Question::read(name, query), Ok(question));
            }
        }
        let questions = [
            Question::GlobalStats {
                window: Window::All,
                include_metrics: false,
                include_costs: true,
            },
            Question::TopIps {
                window: Window::Hour,
                limit: 100,
            },
            Question::Export {
                format: ExportFormat::Csv,
                range: DateRange::Quarter,
                include_metadata: false,
                compression: true,
            },
            Question::Status,
        ];
        for question in questions {
            let text = question.write();
            let (name, query) = text.split_once('?').unwrap_or((&text, ""));
            assert_eq!(Question::read(name, query), Ok(question));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_query_makes_reading_a_question_panic(name in "[a-z-]{0,14}", query in ".{0,80}") {
            let _ = Question::read(&name, &query);
            let _ = Question::read("top-paths", &query);
        }
    }
}
