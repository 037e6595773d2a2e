//! The shares of all requests by country, method or status.

use rollcall_tally::hit::{Grouping, OTHER_PATHS};
use rollcall_tally::question::AnySurvey;
use rollcall_tally::report::{CountryShare, MethodShare, Metrics};
use rollcall_tally::tally::ratio;
use rollcall_tally::{StatusClass, StatusCount};

use super::scope::{excluded, narrowed, of_hits};
use super::{bar, country_name, country_page, tone};
use crate::dashboard::format;
use crate::dashboard::link::{self, Condition};
use crate::dashboard::places;
use crate::texts::Text;

/// One share of all requests.
pub struct Share {
    pub name: String,
    /// The name of the country, if it is one.
    pub country: Text,
    /// None if no filter can name it.
    pub filter: Option<String>,
    /// The page of it, if that is another one.
    pub page: Option<String>,
    /// The page without it.
    pub exclude: Option<String>,
    pub requests: String,
    pub percent: String,
    pub bar: u64,
    /// See [`tone`].
    pub tone: &'static str,
}

/// A list of shares, with its title.
pub struct Shares {
    pub title: Text,
    pub of: Text,
    /// The breakdown with all of them.
    pub all: String,
    /// That breakdown, as the API gives it.
    pub json: String,
    pub rows: Vec<Share>,
}

pub fn countries(survey: &AnySurvey, countries: &[CountryShare]) -> Shares {
    let each = countries
        .iter()
        .map(|share| (share.country.clone(), share.requests, share.percentage));
    let of = (Condition::Country, Grouping::Country);
    shares(survey, t!("Countries"), of, each.collect())
}

pub fn methods(survey: &AnySurvey, methods: &[MethodShare]) -> Shares {
    let each = methods
        .iter()
        .map(|share| (share.method.clone(), share.requests, share.percentage));
    let of = (Condition::Method, Grouping::Method);
    shares(survey, t!("Methods"), of, each.collect())
}

/// The classes of status. Under a filter by status, its codes.
pub fn statuses(survey: &AnySurvey, metrics: &Metrics) -> Shares {
    let class = |class: StatusClass| (class.name().to_owned(), metrics.status_classes.of(class));
    let (title, by, each): (_, _, Vec<(String, u64)>) = match survey.scope().filter.status {
        None => (
            t!("Status classes"),
            Grouping::StatusClass,
            StatusClass::EVERY.map(class).into(),
        ),
        Some(_) => {
            let codes = metrics.status_codes.iter();
            let codes = codes.map(|status| (status.name(), status.count));
            (t!("Status codes"), Grouping::StatusCode, codes.collect())
        }
    };
    let total = each.iter().map(|(_, count)| count).sum();
    let each = each.into_iter().filter(|(_, count)| *count > 0);
    let each = each.map(|(name, count)| (name, count, 100.0 * ratio(count, total)));
    shares(survey, title, (Condition::Status, by), each.collect())
}

/// The status codes, on a page that no filter narrows.
pub fn codes(survey: &AnySurvey, metrics: &Metrics) -> Shares {
    let codes = || metrics.status_codes.iter();
    let total: u64 = codes().map(|status| status.count).sum();
    let most = codes().map(|status| status.count).max();
    let row = |status: &StatusCount| Share {
        name: status.name(),
        country: Text::EMPTY,
        filter: None,
        page: None,
        exclude: None,
        requests: format::count(status.count),
        percent: format::percent(ratio(status.count, total)),
        bar: bar(status.count, most),
        tone: tone(&status.name()),
    };
    let all = places::breakdown(Grouping::StatusCode, of_hits(survey));
    Shares {
        title: t!("Status codes"),
        of: Condition::Status.label(),
        json: link::api(&all),
        all: link::page(&all),
        rows: codes().map(row).collect(),
    }
}

fn shares(
    survey: &AnySurvey,
    title: Text,
    (condition, by): (Condition, Grouping),
    each: Vec<(String, u64, f64)>,
) -> Shares {
    let most = each.iter().map(|(_, requests, _)| *requests).max();
    let page = |name: &str| {
        let page = match condition {
            Condition::Country => Some(country_page(survey.scope(), name)),
            _ => None,
        };
        page.filter(|page| *page != narrowed(survey, condition, name))
    };
    let row = |(name, requests, percentage): (String, u64, f64)| Share {
        filter: (name != OTHER_PATHS).then(|| narrowed(survey, condition, &name)),
        page: page(&name),
        exclude: (name != OTHER_PATHS).then(|| excluded(survey, condition, &name)),
        tone: match condition {
            Condition::Status => tone(&name),
            _ => "",
        },
        country: match condition {
            Condition::Country => country_name(&name),
            _ => Text::EMPTY,
        },
        name,
        requests: format::count(requests),
        percent: format::percent(percentage / 100.0),
        bar: bar(requests, most),
    };
    let all = places::breakdown(by, of_hits(survey));
    Shares {
        title,
        of: condition.label(),
        json: link::api(&all),
        all: link::page(&all),
        rows: each.into_iter().map(row).collect(),
    }
}
