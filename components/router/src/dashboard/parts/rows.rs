//! Tables of paths, of IPs and of groups.

use rollcall_tally::question::{AnySurvey, Ip, Path, Scope};
use rollcall_tally::report::{IpStats, PathStats};
use rollcall_tally::reports::GroupStats;

use super::bar;
use super::scope::{narrowed, of_path, rescoped};
use crate::dashboard::format::{self, Moment};
use crate::dashboard::link::{self, Condition};

/// The most rows on the page of one IP or path.
const ROWS: u32 = 25;

pub struct PathRow {
    pub key: String,
    /// None if no filter can name the path.
    pub filter: Option<String>,
    pub page: String,
    pub requests: String,
    /// The length of the bar, if the longest bar has 100.
    pub bar: u64,
    pub ips: String,
    pub error_rate: String,
    pub has_errors: bool,
    pub p95: String,
}

pub fn path_rows(survey: &AnySurvey, paths: &[PathStats]) -> Vec<PathRow> {
    let scope = survey.scope();
    let most = paths.iter().map(|path| path.total_requests).max();
    let row = |path: &PathStats| {
        let narrowed = of_path(&scope.filter, &path.path_key);
        PathRow {
            key: path.path_key.clone(),
            filter: narrowed.map(|filter| rescoped(survey, scope.window, filter)),
            page: path_page(scope, &path.path_key),
            requests: format::count(path.total_requests),
            bar: bar(path.total_requests, most),
            ips: format::count(path.unique_ips),
            error_rate: format::percent(path.metrics.error_rate),
            has_errors: path.metrics.error_rate > 0.0,
            p95: format::duration(path.metrics.response_times.p95_response_time),
        }
    };
    paths.iter().map(row).collect()
}

/// The address of the page of a path.
pub fn path_page(scope: &Scope, path_key: &str) -> String {
    let page = Path {
        key: path_key.to_owned(),
        scope: scope.clone(),
        limit: ROWS,
    };
    link::page(&page.into())
}

pub struct IpRow {
    pub ip: String,
    pub filter: String,
    pub page: String,
    pub requests: String,
    pub bar: u64,
    pub country: String,
    pub paths: String,
    pub error_rate: String,
    pub has_errors: bool,
    pub last_seen: Option<Moment>,
}

pub fn ip_rows(survey: &AnySurvey, ips: &[IpStats]) -> Vec<IpRow> {
    let Scope { window, filter, .. } = survey.scope();
    let most = ips.iter().map(|ip| ip.total_requests).max();
    let row = |stats: &IpStats| {
        let page = Ip {
            ip: stats.ip.parse().ok()?,
            scope: Scope {
                window: *window,
                filter: Condition::Ip.set(filter, None),
                ..Scope::default()
            },
            limit: ROWS,
            offset: 0,
        };
        Some(IpRow {
            ip: stats.ip.clone(),
            filter: narrowed(survey, Condition::Ip, &stats.ip),
            page: link::page(&page.into()),
            requests: format::count(stats.total_requests),
            bar: bar(stats.total_requests, most),
            country: stats.country.clone().unwrap_or_else(|| "–".to_owned()),
            paths: format::count(stats.unique_paths),
            error_rate: format::percent(stats.metrics.error_rate),
            has_errors: stats.metrics.error_rate > 0.0,
            last_seen: stats.last_seen_ms.map(Moment::short),
        })
    };
    ips.iter().filter_map(row).collect()
}

/// Hits that have something in common: a country, a host, a network.
pub struct GroupRow {
    pub name: String,
    /// None if no filter can name the group.
    pub filter: Option<String>,
    pub requests: String,
    pub bar: u64,
    pub percent: String,
    pub ips: String,
    pub error_rate: String,
    pub has_errors: bool,
    pub p95: String,
}

pub fn group_rows(groups: &[GroupStats], filter: impl Fn(&str) -> Option<String>) -> Vec<GroupRow> {
    let most = groups.iter().map(|group| group.total_requests).max();
    let row = |group: &GroupStats| GroupRow {
        name: group.name.clone(),
        filter: filter(&group.name),
        requests: format::count(group.total_requests),
        bar: bar(group.total_requests, most),
        percent: format::percent(group.percentage / 100.0),
        ips: format::count(group.unique_ips),
        error_rate: format::percent(group.metrics.error_rate),
        has_errors: group.metrics.error_rate > 0.0,
        p95: format::duration(group.metrics.response_times.p95_response_time),
    };
    groups.iter().map(row).collect()
}
