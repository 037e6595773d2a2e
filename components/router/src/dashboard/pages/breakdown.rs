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
use crate::dashboard::parts::{self, Frame, Link, Map, map};
use crate::dashboard::places;
use crate::texts::{Say as _, Text};

/// A number of each row, with the link that sorts by it.
struct Column {
    text: Text,
    title: Text,
    href: String,
    /// For `aria-sort`. Empty: the rows are not sorted by it.
    sorted: &'static str,
    is_minor: bool,
}

struct Row {
    name: String,
    labels: Vec<String>,
    /// The name of the country, if it is one.
    country: Text,
    /// The page of what the row counts. None: there is no filter for it.
    page: Option<String>,
    /// The breakdown without the hits of the row. None: there is no filter for it.
    exclude: Option<String>,
    bar: u64,
    /// See [`parts::spark`].
    spark: String,
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
    by: Text,
    title: Text,
    /// What an operator can do, so that hits tell it.
    hint: Text,
    tabs: Vec<Link>,
    /// Only of countries.
    map: Option<Map>,
    /// Only of the hours of the week.
    heat: Option<Heat>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    search: link::Form,
    searched: String,
    shown: Text,
    before: Option<String>,
    after: Option<String>,
    notes: Vec<Text>,
}

/// The columns, and whether a phone leaves them out.
const COLUMNS: [(Metric, bool); 8] = [
    (Metric::Requests, false),
    (Metric::UniqueIps, false),
    (Metric::Errors, true),
    (Metric::ErrorRate, false),
    (Metric::AvgResponseTime, true),
    (Metric::P95ResponseTime, true),
    (Metric::P99ResponseTime, true),
    (Metric::Bytes, true),
];

/// The head of a column.
fn short(metric: Metric) -> Text {
    match metric {
        Metric::Requests => t!("Requests"),
        Metric::UniqueIps => t!("IPs"),
        Metric::Errors => t!("Errors"),
        Metric::ErrorRate => t!("Error rate"),
        Metric::Bytes => t!("Bytes"),
        Metric::AvgResponseTime => t!("Average"),
        Metric::P50ResponseTime => "p50".text(),
        Metric::P95ResponseTime => "p95".text(),
        Metric::P99ResponseTime => "p99".text(),
        Metric::NewIps => parts::metric(metric),
    }
}

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
            spark: parts::spark(&group.buckets),
            tone: match of.by.is_of_status() {
                true => parts::tone(&group.name),
                false => "",
            },
            percent: format::percent(group.percentage / 100.0),
            cells: columns.clone().map(|column| cell(column, group)).collect(),
            country: country_of(of.by, &group.name),
            labels: group.labels.clone(),
            name: group.name.clone(),
        };
        let (offset, shown) = (u64::from(of.offset), report.groups.len() as u64);
        let is_more = offset + shown < report.total_groups;
        let rows: Vec<Row> = report.groups.iter().map(row).collect();
        let of_map = rows.iter().zip(&report.groups).map(|(row, group)| map::Of {
            code: &row.name,
            page: row.page.as_deref().unwrap_or_default(),
            requests: row.cells.first().map_or("", |cell| &cell.text),
            percentage: group.percentage,
        });
        let map = match of.by {
            Grouping::Country => Map::new(of_map, shown == report.total_groups),
            _ => None,
        };
        let at = |offset: u32| {
            let page = question::Breakdown {
                offset,
                ..of.clone()
            };
            link::page(&page.into())
        };
        Self {
            by: noun(of.by),
            title: title(of.by),
            hint: hint(of.by),
            tabs: Grouping::EVERY.map(tab).into(),
            heat: shows_week(of, report).then(|| heat(of, report)),
            columns: columns.clone().map(|column| head(of, column)).collect(),
            map,
            rows,
            search: link::search_form(&of.clone().into()),
            searched: of.search.clone().unwrap_or_default(),
            shown: t!(
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

fn head(of: &question::Breakdown, (order, is_minor): (Metric, bool)) -> Column {
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
        text: short(order),
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

fn cell((metric, is_minor): (Metric, bool), group: &GroupStats) -> Cell {
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
fn notes(of: &question::Breakdown, report: &BreakdownReport) -> Vec<Text> {
    let mut notes = Vec::new();
    if report.unknown_requests > 0 && !report.groups.is_empty() {
        let unknown = format::count(report.unknown_requests);
        notes.push(match of.by {
            Grouping::Of(Dimension::Bot) => t!("{} requests are of no known bot.", unknown),
            Grouping::Of(Dimension::HourOfWeek) => t!(
                "{} requests are in no row: an older version did not keep their hour.",
                unknown
            ),
            by => t!("{} requests tell no {}.", unknown, noun(by)),
        });
    }
    let is_by_hour = of.by == Grouping::Of(Dimension::HourOfWeek);
    if is_by_hour && !report.groups.is_empty() && !shows_week(of, report) {
        notes.push(t!(
            "Only a list of all hours has a heat map. Its tab lists all."
        ));
    }
    if report.other_requests > 0 {
        let other = format::count(report.other_requests);
        notes.push(t!(
            "{} requests are counted without their name: there were too many.",
            other
        ));
    }
    notes
}

/// The name of the country that a row is about, if it is about one.
pub fn country_of(by: Grouping, name: &str) -> Text {
    match by {
        Grouping::Country => parts::country_name(name),
        _ => Text::EMPTY,
    }
}

/// The name of a property for people.
pub fn title(by: Grouping) -> Text {
    match by {
        Grouping::Path => t!("Path"),
        Grouping::Ip => t!("IP"),
        Grouping::StatusCode => t!("Status"),
        Grouping::StatusClass => t!("Class"),
        Grouping::Method => t!("Method"),
        Grouping::Country => t!("Country"),
        Grouping::Of(Dimension::Network) => t!("Network"),
        Grouping::Of(Dimension::Host) => t!("Host"),
        Grouping::Of(Dimension::Consumer) => t!("Consumer"),
        Grouping::Of(Dimension::Protocol) => t!("Protocol"),
        Grouping::Of(Dimension::Referrer) => t!("Referrer"),
        Grouping::Of(Dimension::Bot) => t!("Bot"),
        Grouping::Of(Dimension::UserAgent) => t!("User agent"),
        Grouping::Of(Dimension::HourOfWeek) => t!("Hour of the week"),
    }
}

/// The same, in a sentence.
pub fn noun(by: Grouping) -> Text {
    match by {
        Grouping::Path => t!("path"),
        Grouping::Ip => t!("IP"),
        Grouping::StatusCode => t!("status"),
        Grouping::StatusClass => t!("class of status"),
        Grouping::Method => t!("method"),
        Grouping::Country => t!("country"),
        Grouping::Of(Dimension::Network) => t!("network"),
        Grouping::Of(Dimension::Host) => t!("host"),
        Grouping::Of(Dimension::Consumer) => t!("consumer"),
        Grouping::Of(Dimension::Protocol) => t!("protocol"),
        Grouping::Of(Dimension::Referrer) => t!("referrer"),
        Grouping::Of(Dimension::Bot) => t!("bot"),
        Grouping::Of(Dimension::UserAgent) => t!("user agent"),
        Grouping::Of(Dimension::HourOfWeek) => t!("hour of the week"),
    }
}

fn hint(by: Grouping) -> Text {
    match by {
        Grouping::Of(Dimension::Network) => t!("The file files/asn.mmdb tells the networks."),
        Grouping::Of(Dimension::Bot | Dimension::UserAgent) => {
            t!("The user agent of a hit tells it.")
        }
        Grouping::Of(Dimension::HourOfWeek) => Text::EMPTY,
        Grouping::Of(_) => t!("A gateway can send it with each hit."),
        _ => Text::EMPTY,
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
