//! The hits by path, IP, status, country, host and others: a tab for each, a table that every head
//! sorts, and a search.

use askama::Template;
use rollcall_tally::hit::{Dimension, Grouping, OTHER_PATHS};
use rollcall_tally::question::{self, Direction, Scope, Survey as _};
use rollcall_tally::reports::{BreakdownReport, GroupStats};
use rollcall_tally::{Metric, StatusValue};

use super::heat::Heat;
use crate::dashboard::format;
use crate::dashboard::link::{self, Condition};
use crate::dashboard::parts::scope::excluded;
use crate::dashboard::parts::{self, Frame, Link};
use crate::dashboard::places;

/// A number of each row, with the link that sorts by it.
struct Column {
    text: &'static str,
    title: &'static str,
    href: String,
    /// For `aria-sort`. Empty: the rows are not sorted by it.
    sorted: &'static str,
    is_minor: bool,
}

struct Row {
    name: String,
    /// The page of what the row counts. None: there is no filter for it.
    page: Option<String>,
    /// The breakdown without the hits of the row. None: there is no filter for it.
    exclude: Option<String>,
    bar: u64,
    /// See [`parts::tone`].
    tone: &'static str,
    percent: String,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    is_minor: bool,
    /// See [`parts::alarm`].
    alarm: &'static str,
}

#[derive(Template)]
#[template(path = "breakdown.html")]
pub struct BreakdownPage {
    frame: Frame,
    by: &'static str,
    title: &'static str,
    /// What an operator can do, so that hits tell it.
    hint: &'static str,
    tabs: Vec<Link>,
    /// Only of the hours of the week.
    heat: Option<Heat>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    search: link::Form,
    searched: String,
    shown: String,
    before: Option<String>,
    after: Option<String>,
    notes: Vec<String>,
}

const COLUMNS: [(Metric, &str, bool); 8] = [
    (Metric::Requests, "Requests", false),
    (Metric::UniqueIps, "IPs", false),
    (Metric::Errors, "Errors", true),
    (Metric::ErrorRate, "Error rate", false),
    (Metric::AvgResponseTime, "Average", true),
    (Metric::P95ResponseTime, "p95", true),
    (Metric::P99ResponseTime, "p99", true),
    (Metric::Bytes, "Bytes", true),
];

impl BreakdownPage {
    pub fn new(frame: Frame, of: &question::Breakdown, report: &BreakdownReport) -> Self {
        let tab = |by: Grouping| Link {
            text: title(by),
            is_current: by == of.by,
            href: link::page(&tab(of, by).into()),
        };
        // The errors of a status are all of its hits, or none.
        let has = |metric: &Metric| {
            !of.by.is_of_status() || [Metric::Requests, Metric::UniqueIps].contains(metric)
        };
        let columns = COLUMNS.into_iter().filter(|(metric, ..)| has(metric));
        let most = report.groups.iter().map(|group| group.total_requests).max();
        let row = |group: &GroupStats| Row {
            page: page_of(of.by, &of.scope, &group.name),
            exclude: exclude(of, &group.name),
            bar: parts::bar(group.total_requests, most),
            tone: match of.by.is_of_status() {
                true => parts::tone(&group.name),
                false => "",
            },
            percent: format::percent(group.percentage / 100.0),
            cells: columns.clone().map(|column| cell(column, group)).collect(),
            name: group.name.clone(),
        };
        let (offset, shown) = (u64::from(of.offset), report.groups.len() as u64);
        let is_more = offset + shown < report.total_groups;
        let at = |offset: u32| {
            let page = question::Breakdown {
                offset,
                ..of.clone()
            };
            link::page(&page.into())
        };
        Self {
            by: of.by.name(),
            title: title(of.by),
            hint: hint(of.by),
            tabs: Grouping::EVERY.map(tab).into(),
            heat: shows_week(of, report).then(|| heat(of, report)),
            columns: columns.clone().map(|column| head(of, column)).collect(),
            rows: report.groups.iter().map(row).collect(),
            search: link::search_form(&of.clone().into()),
            searched: of.search.clone().unwrap_or_default(),
            shown: format!(
                "{} to {} of {}",
                format::count(offset + shown.min(1)),
                format::count(offset + shown),
                format::count(report.total_groups)
            ),
            before: (of.offset > 0).then(|| at(of.offset.saturating_sub(of.limit))),
            after: (is_more && of.offset + of.limit <= question::GROUPS_OFFSET_MAX)
                .then(|| at(of.offset + of.limit)),
            notes: notes(of, report),
            frame,
        }
    }
}

/// Whether all hours of the week are in the answer, or all that have hits.
fn shows_week(of: &question::Breakdown, report: &BreakdownReport) -> bool {
    of.by == Grouping::Of(Dimension::HourOfWeek)
        && of.search.is_none()
        && !report.groups.is_empty()
        && report.total_groups == report.groups.len() as u64
}

fn heat(of: &question::Breakdown, report: &BreakdownReport) -> Heat {
    let groups = report.groups.iter();
    let week = groups.map(|group| (group.name.as_str(), group.total_requests));
    Heat::new(&week.collect(), |name| page_of(of.by, &of.scope, name))
}

/// The breakdown by something else. If the filter does not go together with it, it has none.
fn tab(of: &question::Breakdown, by: Grouping) -> question::Breakdown {
    let mut tab = question::Breakdown {
        by,
        search: None,
        limit: places::rows(by),
        ..of.clone()
    };
    tab.rewind();
    if by.is_of_status() && !tab.order.is_of_status() {
        tab.order = Metric::Requests;
    }
    tab
}

fn head(of: &question::Breakdown, (order, text, is_minor): (Metric, &'static str, bool)) -> Column {
    let is_current = of.order == order;
    let direction = match (is_current, of.direction) {
        (true, Direction::Descending) => Direction::Ascending,
        _ => Direction::Descending,
    };
    let sorted = question::Breakdown {
        order,
        direction,
        offset: 0,
        ..of.clone()
    };
    Column {
        text,
        title: parts::metric(order),
        href: link::page(&sorted.into()),
        sorted: match (is_current, of.direction) {
            (false, _) => "",
            (true, Direction::Descending) => "descending",
            (true, Direction::Ascending) => "ascending",
        },
        is_minor,
    }
}

fn cell((metric, _, is_minor): (Metric, &'static str, bool), group: &GroupStats) -> Cell {
    let (metrics, times) = (&group.metrics, &group.metrics.response_times);
    let count = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), format::count);
    Cell {
        text: match metric {
            Metric::Requests => format::count(group.total_requests),
            Metric::UniqueIps => count(group.unique_ips),
            Metric::Errors => format::count(group.errors),
            Metric::ErrorRate => format::percent(metrics.error_rate),
            Metric::Bytes => format::bytes(metrics.total_bytes),
            Metric::AvgResponseTime => format::duration(times.avg_response_time),
            Metric::P50ResponseTime => format::duration(times.p50_response_time),
            Metric::P95ResponseTime => format::duration(times.p95_response_time),
            Metric::P99ResponseTime => format::duration(times.p99_response_time),
            Metric::NewIps => count(group.new_ips),
        },
        is_minor,
        alarm: match metric {
            Metric::ErrorRate => parts::alarm(metrics.error_rate),
            _ => "",
        },
    }
}

/// The page of the hits of a row.
pub fn page_of(by: Grouping, scope: &Scope, name: &str) -> Option<String> {
    match by {
        Grouping::Path => Some(parts::path_page(scope, name)),
        Grouping::Ip => parts::ip_page(scope, name),
        Grouping::Of(of) if of != Dimension::Network => {
            let group = question::Group {
                scope: scope.clone(),
                by: of,
                name: Some(name.to_owned()),
            };
            Some(link::page(&group.into()))
        }
        _ => {
            let (condition, value) = condition_of(by, name)?;
            let scope = Scope {
                filter: condition.only(&scope.filter, Some(value)),
                ..scope.clone()
            };
            Some(link::page(&places::overview(scope)))
        }
    }
}

/// The same breakdown without the hits of a row.
fn exclude(of: &question::Breakdown, name: &str) -> Option<String> {
    let (condition, value) = condition_of(of.by, name)?;
    Some(excluded(&of.clone().into(), condition, value))
}

/// The condition and its value that hold for the hits of a row. For a path, by any method.
fn condition_of(by: Grouping, name: &str) -> Option<(Condition, &str)> {
    match by {
        _ if name == OTHER_PATHS => None,
        Grouping::Path => {
            let (_, path) = name.split_once(' ')?;
            path.starts_with('/').then_some((Condition::Path, path))
        }
        Grouping::Ip => Some((Condition::Ip, name)),
        Grouping::Method => Some((Condition::Method, name)),
        Grouping::Country => Some((Condition::Country, name)),
        Grouping::StatusCode | Grouping::StatusClass => {
            StatusValue::from_name(name)?;
            Some((Condition::Status, name))
        }
        Grouping::Of(Dimension::Network) => Some((Condition::Network, name)),
        Grouping::Of(_) => None,
    }
}

/// The hits that are in no row.
fn notes(of: &question::Breakdown, report: &BreakdownReport) -> Vec<String> {
    let mut notes = Vec::new();
    if report.unknown_requests > 0 && !report.groups.is_empty() {
        let unknown = format::count(report.unknown_requests);
        notes.push(match of.by {
            Grouping::Of(Dimension::Bot) => format!("{unknown} requests are of no known bot."),
            Grouping::Of(Dimension::HourOfWeek) => format!(
                "{unknown} requests are in no row: an older version did not keep their hour."
            ),
            by => format!("{unknown} requests tell no {}.", title(by).to_lowercase()),
        });
    }
    let is_by_hour = of.by == Grouping::Of(Dimension::HourOfWeek);
    if is_by_hour && !report.groups.is_empty() && !shows_week(of, report) {
        notes.push("Only a list of all hours has a heat map. Its tab lists all.".to_owned());
    }
    if report.other_requests > 0 {
        let other = format::count(report.other_requests);
        notes.push(format!(
            "{other} requests are counted without their name: there were too many."
        ));
    }
    notes
}

/// The name of a property for people.
pub fn title(by: Grouping) -> &'static str {
    match by {
        Grouping::Path => "Path",
        Grouping::Ip => "IP",
        Grouping::StatusCode => "Status",
        Grouping::StatusClass => "Class",
        Grouping::Method => "Method",
        Grouping::Country => "Country",
        Grouping::Of(Dimension::Network) => "Network",
        Grouping::Of(Dimension::Host) => "Host",
        Grouping::Of(Dimension::Consumer) => "Consumer",
        Grouping::Of(Dimension::Protocol) => "Protocol",
        Grouping::Of(Dimension::Referrer) => "Referrer",
        Grouping::Of(Dimension::Bot) => "Bot",
        Grouping::Of(Dimension::UserAgent) => "User agent",
        Grouping::Of(Dimension::HourOfWeek) => "Hour of the week",
    }
}

fn hint(by: Grouping) -> &'static str {
    match by {
        Grouping::Of(Dimension::Network) => "The file files/asn.mmdb tells the networks.",
        Grouping::Of(Dimension::Bot | Dimension::UserAgent) => "The user agent of a hit tells it.",
        Grouping::Of(Dimension::HourOfWeek) => "",
        Grouping::Of(_) => "A gateway can send it with each hit.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_left_out_if_a_filter_can_name_it() {
        let exclude = |by: Grouping, name: &str| {
            let of = question::Breakdown {
                by,
                ..question::Breakdown::default()
            };
            let link = exclude(&of, name)?;
            let (_, query) = link.split_once('?')?;
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let (name, value) = pairs.find(|(_, value)| value.starts_with('!'))?;
            Some(format!("{name}={value}"))
        };
        for (by, name, expect) in [
            (Grouping::Path, "GET /a|b", Some("path=!/a\\|b")),
            (Grouping::Path, "(other)", None),
            (Grouping::Ip, "192.0.2.1", Some("ip=!192.0.2.1")),
            (Grouping::Method, "(other)", None),
            (Grouping::StatusClass, "5xx", Some("status=!5xx")),
            (Grouping::Country, "unknown", Some("country=!unknown")),
            (Grouping::Of(Dimension::Host), "example.com", None),
        ] {
            assert_eq!(exclude(by, name).as_deref(), expect, "{by:?} {name}");
        }
    }
}
