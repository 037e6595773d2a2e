//! The shares of all requests by country, method or status.

use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::question::AnySurvey;
use rollcall_tally::report::{CountryShare, MethodShare, Metrics};
use rollcall_tally::tally::ratio;
use rollcall_tally::{StatusClass, StatusCount};

use super::bar;
use super::scope::{excluded, narrowed};
use crate::dashboard::format;
use crate::dashboard::link::Condition;

/// One share of all requests.
pub struct Share {
    pub name: String,
    /// None if no filter can name it.
    pub filter: Option<String>,
    /// The page without it.
    pub exclude: Option<String>,
    pub requests: String,
    pub percent: String,
    pub bar: u64,
}

/// A list of shares, with its title.
pub struct Shares {
    pub title: &'static str,
    pub of: &'static str,
    pub rows: Vec<Share>,
}

pub fn countries(survey: &AnySurvey, countries: &[CountryShare]) -> Shares {
    let each = countries
        .iter()
        .map(|share| (share.country.clone(), share.requests, share.percentage));
    shares(survey, "Countries", Condition::Country, each.collect())
}

pub fn methods(survey: &AnySurvey, methods: &[MethodShare]) -> Shares {
    let each = methods
        .iter()
        .map(|share| (share.method.clone(), share.requests, share.percentage));
    shares(survey, "Methods", Condition::Method, each.collect())
}

/// The classes of status. Under a filter by status, its codes.
pub fn statuses(survey: &AnySurvey, metrics: &Metrics) -> Shares {
    let class = |class: StatusClass| (class.name().to_owned(), metrics.status_classes.of(class));
    let (title, each): (_, Vec<(String, u64)>) = match survey.scope().filter.status {
        None => ("Status classes", StatusClass::EVERY.map(class).into()),
        Some(_) => {
            let codes = metrics.status_codes.iter();
            let codes = codes.map(|status| (status.name(), status.count));
            ("Status codes", codes.collect())
        }
    };
    let total = each.iter().map(|(_, count)| count).sum();
    let each = each.into_iter().filter(|(_, count)| *count > 0);
    let each = each.map(|(name, count)| (name, count, 100.0 * ratio(count, total)));
    shares(survey, title, Condition::Status, each.collect())
}

/// The status codes, on a page that no filter narrows.
pub fn codes(metrics: &Metrics) -> Shares {
    let codes = || metrics.status_codes.iter();
    let total: u64 = codes().map(|status| status.count).sum();
    let most = codes().map(|status| status.count).max();
    let row = |status: &StatusCount| Share {
        name: status.name(),
        filter: None,
        exclude: None,
        requests: format::count(status.count),
        percent: format::percent(ratio(status.count, total)),
        bar: bar(status.count, most),
    };
    Shares {
        title: "Status codes",
        of: Condition::Status.label(),
        rows: codes().map(row).collect(),
    }
}

fn shares(
    survey: &AnySurvey,
    title: &'static str,
    condition: Condition,
    each: Vec<(String, u64, f64)>,
) -> Shares {
    let most = each.iter().map(|(_, requests, _)| *requests).max();
    let row = |(name, requests, percentage): (String, u64, f64)| Share {
        filter: (name != OTHER_PATHS).then(|| narrowed(survey, condition, &name)),
        exclude: (name != OTHER_PATHS).then(|| excluded(survey, condition, &name)),
        name,
        requests: format::count(requests),
        percent: format::percent(percentage / 100.0),
        bar: bar(requests, most),
    };
    Shares {
        title,
        of: condition.label(),
        rows: each.into_iter().map(row).collect(),
    }
}
