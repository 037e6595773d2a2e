//! Tables of paths and of IPs.

use rollcall_tally::question::{AnySurvey, Ip, Path, Scope};
use rollcall_tally::report::{IpStats, PathStats};

use super::scope::{excluded, narrowed, of_path, rescoped};
use super::{Country, alarm, bar, spark};
use crate::dashboard::format::{self, Moment};
use crate::dashboard::link::{self, Condition};

/// The most rows on the page of one IP or path.
const ROWS: u32 = 25;

pub struct PathRow {
    pub key: String,
    /// None if no filter can name the path.
    pub filter: Option<String>,
    /// The page without the path. None if no filter can name it.
    pub exclude: Option<String>,
    pub page: String,
    pub requests: String,
    /// See [`spark`].
    pub spark: String,
    /// The length of the bar, if the longest bar has 100.
    pub bar: u64,
    pub ips: String,
    pub error_rate: String,
    /// See [`alarm`].
    pub alarm: &'static str,
    pub p95: String,
}

pub fn path_rows(survey: &AnySurvey, paths: &[PathStats]) -> Vec<PathRow> {
    let scope = survey.scope();
    let most = paths.iter().map(|path| path.total_requests).max();
    let row = |path: &PathStats| {
        let narrowed = of_path(&scope.filter, &path.path_key);
        PathRow {
            key: path.path_key.clone(),
            exclude: narrowed.is_some().then(|| {
                let (_, path) = path.path_key.split_once(' ').unwrap_or_default();
                excluded(survey, Condition::Path, path)
            }),
            filter: narrowed.map(|filter| rescoped(survey, scope.window, filter)),
            page: path_page(scope, &path.path_key),
            requests: format::count(path.total_requests),
            spark: spark(&path.buckets),
            bar: bar(path.total_requests, most),
            ips: format::count(path.unique_ips),
            error_rate: format::percent(path.metrics.error_rate),
            alarm: alarm(path.metrics.error_rate),
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

/// The address of the page of an IP.
pub fn ip_page(scope: &Scope, ip: &str) -> Option<String> {
    let page = Ip {
        ip: ip.parse().ok()?,
        scope: Scope {
            window: scope.window,
            filter: Condition::Ip.set(&scope.filter, None),
            ..Scope::default()
        },
        limit: ROWS,
        offset: 0,
    };
    Some(link::page(&page.into()))
}

pub struct IpRow {
    pub ip: String,
    pub labels: Vec<String>,
    pub filter: String,
    pub exclude: String,
    pub page: String,
    pub requests: String,
    /// See [`spark`].
    pub spark: String,
    pub bar: u64,
    pub country: Option<Country>,
    pub paths: String,
    pub error_rate: String,
    /// See [`alarm`].
    pub alarm: &'static str,
    pub last_seen: Option<Moment>,
}

pub fn ip_rows(survey: &AnySurvey, ips: &[IpStats]) -> Vec<IpRow> {
    let most = ips.iter().map(|ip| ip.total_requests).max();
    let country = |code: &str| Country::new(survey.scope(), code);
    let row = |stats: &IpStats| {
        Some(IpRow {
            ip: stats.ip.clone(),
            labels: stats.labels.clone(),
            filter: narrowed(survey, Condition::Ip, &stats.ip),
            exclude: excluded(survey, Condition::Ip, &stats.ip),
            page: ip_page(survey.scope(), &stats.ip)?,
            requests: format::count(stats.total_requests),
            spark: spark(&stats.buckets),
            bar: bar(stats.total_requests, most),
            country: stats.country.as_deref().map(country),
            paths: format::count(stats.unique_paths),
            error_rate: format::percent(stats.metrics.error_rate),
            alarm: alarm(stats.metrics.error_rate),
            last_seen: stats.last_seen_ms.map(Moment::short),
        })
    };
    ips.iter().filter_map(row).collect()
}
