//! The operations of the operator's API, and the called paths that are none.

use askama::Template;
use rollcall_tally::question::{LIMIT_MAX, Scope};
use rollcall_tally::reports::{ApiUsageReport, CalledPath};

use crate::dashboard::format::{self, Moment};
use crate::dashboard::parts::{self, Frame};

#[derive(Template)]
#[template(path = "api-usage.html")]
pub struct ApiUsagePage {
    frame: Frame,
    uncalled: List<String>,
    called_by_one: List<CalledRow>,
    unknown: List<CalledRow>,
    called: List<CalledRow>,
}

/// The first rows of a list, and how many there are in all.
struct List<T> {
    count: String,
    rows: Vec<T>,
    has_more: bool,
}

struct CalledRow {
    key: String,
    page: String,
    requests: String,
    /// The length of the bar, if the longest bar has 100.
    bar: u64,
    ips: String,
    last_seen: Option<Moment>,
}

impl ApiUsagePage {
    pub fn new(frame: Frame, scope: &Scope, report: &ApiUsageReport) -> Self {
        let rows = |paths: &[CalledPath]| -> Vec<CalledRow> {
            let most = paths.iter().map(|path| path.total_requests).max();
            let row = |path: &CalledPath| CalledRow {
                key: path.path_key.clone(),
                page: parts::path_page(scope, &path.path_key),
                requests: format::count(path.total_requests),
                bar: parts::bar(path.total_requests, most),
                ips: path.unique_ips.map_or("–".to_owned(), format::count),
                last_seen: path.last_seen_ms.map(Moment::short),
            };
            paths.iter().take(LIMIT_MAX as usize).map(row).collect()
        };
        let by_one = report.called.iter();
        let by_one = by_one.filter(|path| path.unique_ips == Some(1)).cloned();
        let by_one: Vec<CalledPath> = by_one.collect();
        let uncalled = report.uncalled.iter().take(LIMIT_MAX as usize);
        Self {
            uncalled: List::new(uncalled.cloned().collect(), report.uncalled_operations),
            called_by_one: List::new(rows(&by_one), report.called_by_one_operations),
            unknown: List::new(rows(&report.unknown), report.unknown_paths),
            called: List::new(rows(&report.called), report.called_operations),
            frame,
        }
    }
}

impl<T> List<T> {
    fn new(rows: Vec<T>, count: u64) -> Self {
        Self {
            count: format::count(count),
            has_more: count > rows.len() as u64,
            rows,
        }
    }
}
