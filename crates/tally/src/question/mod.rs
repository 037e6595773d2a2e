//! The questions of the admin API: their parameters, defaults and ranges, in one place for the router and the aggregator.
//!
//! A parameter that is unknown, given twice or out of its range is refused by its name; all of them are named at once.

mod export;
mod parameters;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::filter::Filter;
use crate::order::{IpOrder, PathOrder};
use crate::window::Window;
use parameters::Parameters;

pub use export::{DateRange, ExportFormat};

/// The most entries of a list.
pub const LIMIT_MAX: u32 = 100;
/// The entries of a list, if the question does not say.
pub const LIMIT_DEFAULT: u32 = 10;
/// The most entries of a list that may be passed over. No IP has more paths.
pub const OFFSET_MAX: u32 = 1_000;

/// What the aggregator can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    GlobalStats {
        window: Window,
        filter: Filter,
        include_metrics: bool,
        include_costs: bool,
    },
    /// All that a dashboard opens with.
    Overview {
        window: Window,
        filter: Filter,
    },
    TopPaths {
        window: Window,
        filter: Filter,
        limit: u32,
        order: PathOrder,
    },
    TopIps {
        window: Window,
        filter: Filter,
        limit: u32,
        order: IpOrder,
    },
    Timeseries {
        window: Window,
        filter: Filter,
    },
    /// One IP in full.
    Ip {
        ip: IpAddr,
        window: Window,
        filter: Filter,
        offset: u32,
        limit: u32,
    },
    /// One path in full.
    Path {
        key: String,
        window: Window,
        filter: Filter,
        limit: u32,
    },
    Export {
        format: ExportFormat,
        range: DateRange,
        filter: Filter,
        include_metadata: bool,
        compression: bool,
    },
    Status,
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
                filter: given.filter(),
                include_metrics: given.flag("includeMetrics", true),
                include_costs: given.flag("includeCosts", false),
            },
            "overview" => Self::Overview {
                window: given.window(),
                filter: given.filter(),
            },
            "top-paths" => Self::TopPaths {
                window: given.window(),
                filter: given.filter(),
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
                filter: given.filter(),
                limit: given.limit(),
                order: given.one_of("sortBy", &IpOrder::EVERY, IpOrder::name, IpOrder::Requests),
            },
            "timeseries" => Self::Timeseries {
                window: given.window(),
                filter: given.filter(),
            },
            "paths" => Self::read_path(&mut given),
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
                filter: given.filter(),
                include_metadata: given.flag("includeMetadata", true),
                compression: given.flag("compression", false),
            },
            "status" => Self::Status,
            _ => match name.strip_prefix("ips/") {
                Some(ip) => Self::read_ip(ip, &mut given),
                None => return Err(NotUnderstood::Unknown),
            },
        };
        let bad = given.finish();
        if bad.is_empty() {
            Ok(question)
        } else {
            Err(NotUnderstood::Parameters(bad))
        }
    }

    fn read_ip(segment: &str, given: &mut Parameters) -> Self {
        let ip = percent_decode_str(segment).decode_utf8_lossy().parse();
        if ip.is_err() {
            given.refuse("ip", "expected an IP address");
        }
        Self::Ip {
            ip: ip.unwrap_or(IpAddr::from([0; 4])).to_canonical(),
            window: given.window(),
            filter: given.filter_of_ip(),
            offset: given.integer("offset", 0..=OFFSET_MAX, 0),
            limit: given.limit(),
        }
    }

    fn read_path(given: &mut Parameters) -> Self {
        let window = given.window();
        let mut filter = given.filter_of_path();
        Self::Path {
            key: filter.path_key.take().unwrap_or_default(),
            window,
            filter,
            limit: given.limit(),
        }
    }

    /// The window and the filter that it is about. None of an export and of the status.
    pub fn scope(&self) -> Option<(Window, &Filter)> {
        match self {
            Self::GlobalStats { window, filter, .. }
            | Self::Overview { window, filter }
            | Self::TopPaths { window, filter, .. }
            | Self::TopIps { window, filter, .. }
            | Self::Timeseries { window, filter }
            | Self::Ip { window, filter, .. }
            | Self::Path { window, filter, .. } => Some((*window, filter)),
            Self::Export { .. } | Self::Status => None,
        }
    }

    /// The same about another window and filter; a list begins anew. Nothing changes for an export and the status.
    pub fn with_scope(mut self, to_window: Window, to_filter: Filter) -> Self {
        if let Self::Ip { offset, .. } = &mut self {
            *offset = 0;
        }
        match &mut self {
            Self::GlobalStats { window, filter, .. }
            | Self::Overview { window, filter }
            | Self::TopPaths { window, filter, .. }
            | Self::TopIps { window, filter, .. }
            | Self::Timeseries { window, filter }
            | Self::Ip { window, filter, .. }
            | Self::Path { window, filter, .. } => (*window, *filter) = (to_window, to_filter),
            Self::Export { .. } | Self::Status => {}
        }
        self
    }

    /// How long its answer is fresh when nothing changes. An export is never kept.
    pub fn ttl_ms(&self) -> u64 {
        const MINUTE_MS: u64 = 60_000;
        match self {
            Self::GlobalStats { .. } | Self::Overview { .. } | Self::Timeseries { .. } => {
                5 * MINUTE_MS
            }
            Self::TopPaths { .. } | Self::TopIps { .. } => 10 * MINUTE_MS,
            Self::Ip { .. } | Self::Path { .. } => 5 * MINUTE_MS,
            Self::Status => MINUTE_MS,
            Self::Export { .. } => 0,
        }
    }

    /// The question as [`Question::read`] reads it, each parameter written out: `name?query`. Equal questions are equal texts.
    pub fn write(&self) -> String {
        match self {
            Self::GlobalStats {
                window,
                filter,
                include_metrics,
                include_costs,
            } => write("global-stats", filter)
                .append_pair("timeRange", window.name())
                .append_pair("includeMetrics", bool_name(*include_metrics))
                .append_pair("includeCosts", bool_name(*include_costs))
                .finish(),
            Self::Overview { window, filter } => write("overview", filter)
                .append_pair("timeRange", window.name())
                .finish(),
            Self::TopPaths {
                window,
                filter,
                limit,
                order,
            } => write("top-paths", filter)
                .append_pair("timeRange", window.name())
                .append_pair("limit", &limit.to_string())
                .append_pair("sortBy", order.name())
                .finish(),
            Self::TopIps {
                window,
                filter,
                limit,
                order,
            } => write("top-ips", filter)
                .append_pair("timeRange", window.name())
                .append_pair("limit", &limit.to_string())
                .append_pair("sortBy", order.name())
                .finish(),
            Self::Timeseries { window, filter } => write("timeseries", filter)
                .append_pair("timeRange", window.name())
                .finish(),
            Self::Ip {
                ip,
                window,
                filter,
                offset,
                limit,
            } => write(&format!("ips/{ip}"), filter)
                .append_pair("timeRange", window.name())
                .append_pair("offset", &offset.to_string())
                .append_pair("limit", &limit.to_string())
                .finish(),
            Self::Path {
                key,
                window,
                filter,
                limit,
            } => write("paths", filter)
                .append_pair("key", key)
                .append_pair("timeRange", window.name())
                .append_pair("limit", &limit.to_string())
                .finish(),
            Self::Export {
                format,
                range,
                filter,
                include_metadata,
                compression,
            } => write("export-data", filter)
                .append_pair("format", format.name())
                .append_pair("dateRange", range.name())
                .append_pair("includeMetadata", bool_name(*include_metadata))
                .append_pair("compression", bool_name(*compression))
                .finish(),
            Self::Status => "status".to_owned(),
        }
    }
}

/// Begins the text of a question.
fn write(name: &str, filter: &Filter) -> Serializer<'static, String> {
    let start = format!("{name}?");
    let length = start.len();
    let mut query = Serializer::for_suffix(start, length);
    query.extend_pairs(filter.parameters());
    query
}

fn bool_name(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
