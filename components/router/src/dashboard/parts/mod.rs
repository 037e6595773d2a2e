//! The parts of the pages: frame, cards, plots and tables.

mod cards;
mod changes;
mod frame;
mod health;
mod plots;
mod rows;
pub mod scope;
mod shares;

use rollcall_tally::Metric;

pub use cards::{Card, cards, ips_card, plain_card};
pub use changes::{Changes, times};
pub use frame::{Frame, Link};
pub use health::health;
pub use plots::Plots;
pub use rows::{IpRow, PathRow, ip_page, ip_rows, path_page, path_rows};
pub use shares::{Shares, codes, countries, methods, statuses};

/// The name of a metric for people.
pub fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Requests => "requests",
        Metric::UniqueIps => "unique IPs",
        Metric::Errors => "errors",
        Metric::ErrorRate => "error rate",
        Metric::Bytes => "bytes",
        Metric::AvgResponseTime => "average response time",
        Metric::P50ResponseTime => "p50 response time",
        Metric::P95ResponseTime => "p95 response time",
        Metric::P99ResponseTime => "p99 response time",
        Metric::NewIps => "new IPs",
    }
}

/// The class of a number of errors: the larger their share, the more it stands out.
pub fn alarm(error_rate: f64) -> &'static str {
    match error_rate {
        rate if rate >= 0.1 => "errors many",
        rate if rate >= 0.01 => "errors",
        _ => "",
    }
}

/// The length of a row's bar, if the longest bar has 100. A row with any request has at least 1.
pub fn bar(part: u64, most: Option<u64>) -> u64 {
    match most {
        None | Some(0) => 0,
        Some(most) => (part * 100 / most).max(u64::from(part > 0)),
    }
}
