//! The parts of the pages: frame, cards, plots and tables.

mod cards;
mod changes;
mod countries;
mod frame;
mod health;
pub mod map;
mod notes;
mod period;
mod plots;
mod rows;
pub mod scope;
mod shares;

use rollcall_tally::{Metric, StatusClass, StatusValue};

use crate::texts::Text;

pub use cards::{Card, cards, ips_card, plain_card};
pub use changes::{Changes, times};
pub use countries::{
    Country, country_page, name as country_name, only_country, title as country_title,
};
pub use frame::{Frame, Link};
pub use health::health;
pub use map::Map;
pub use notes::{Notes, views};
pub use plots::Plots;
pub use rows::{IpRow, PathRow, ip_page, ip_rows, path_page, path_rows};
pub use shares::{Shares, codes, countries, methods, statuses};

/// The name of a metric for people.
pub fn metric(metric: Metric) -> Text {
    match metric {
        Metric::Requests => t!("requests"),
        Metric::UniqueIps => t!("unique IPs"),
        Metric::Errors => t!("errors"),
        Metric::ErrorRate => t!("error rate"),
        Metric::Bytes => t!("bytes"),
        Metric::AvgResponseTime => t!("average response time"),
        Metric::P50ResponseTime => t!("p50 response time"),
        Metric::P95ResponseTime => t!("p95 response time"),
        Metric::P99ResponseTime => t!("p99 response time"),
        Metric::NewIps => t!("new IPs"),
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

/// The class of the colour of a status or of a class of status. Empty if the text is neither.
pub fn tone(status: &str) -> &'static str {
    let class = match StatusValue::from_name(status) {
        Some(StatusValue::Class(class)) => class,
        Some(StatusValue::Code(code)) => StatusClass::of_code(code),
        None => return "",
    };
    match class {
        StatusClass::Informational => "tone of-1xx",
        StatusClass::Success => "tone of-2xx",
        StatusClass::Redirection => "tone of-3xx",
        StatusClass::ClientError => "tone of-4xx",
        StatusClass::ServerError => "tone of-5xx",
        StatusClass::Unknown => "tone of-unknown",
    }
}

/// The points of a line through the hits of some buckets, in a box of 100 by 20. Empty: there is
/// nothing to draw.
pub fn spark(buckets: &[u64]) -> String {
    let most = buckets.iter().copied().max().unwrap_or(0);
    let steps = buckets.len().saturating_sub(1) as u64;
    if most == 0 || steps == 0 {
        return String::new();
    }
    let points = buckets.iter().zip(0u64..);
    let points = points.map(|(hits, at)| format!("{},{}", at * 100 / steps, 19 - hits * 18 / most));
    points.collect::<Vec<_>>().join(" ")
}

/// The length of a row's bar, if the longest bar has 100. A row with any request has at least 1.
pub fn bar(part: u64, most: Option<u64>) -> u64 {
    match most {
        None | Some(0) => 0,
        Some(most) => (part * 100 / most).max(u64::from(part > 0)),
    }
}
