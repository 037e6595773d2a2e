//! The list of countries, with a link for each order.

use askama::Template;
use rollcall_tally::GroupOrder;
use rollcall_tally::question::{self, AnySurvey, LIMIT_MAX};
use rollcall_tally::reports::{CountriesReport, CountryStats};

use crate::dashboard::format;
use crate::dashboard::link;
use crate::dashboard::parts::{self, Frame, Link};

#[derive(Template)]
#[template(path = "countries.html")]
pub struct CountriesPage {
    frame: Frame,
    orders: Vec<Link>,
    countries: Vec<CountryRow>,
    is_full: bool,
}

struct CountryRow {
    country: String,
    filter: String,
    requests: String,
    /// The length of the bar, if the longest bar has 100.
    bar: u64,
    percent: String,
    ips: String,
    error_rate: String,
    has_errors: bool,
    p95: String,
}

impl CountriesPage {
    pub fn new(frame: Frame, list: &question::Countries, report: &CountriesReport) -> Self {
        let by = |order: GroupOrder| Link {
            text: parts::group_order(order),
            is_current: order == list.order,
            href: link::page(
                &question::Countries {
                    order,
                    ..list.clone()
                }
                .into(),
            ),
        };
        let survey = AnySurvey::from(list.clone());
        let countries = report.countries.iter();
        let most = countries.clone().map(|stats| stats.total_requests).max();
        let row = |stats: &CountryStats| CountryRow {
            country: stats.country.clone(),
            filter: parts::scope::narrowed(&survey, link::Condition::Country, &stats.country),
            requests: format::count(stats.total_requests),
            bar: parts::bar(stats.total_requests, most),
            percent: format::percent(stats.percentage / 100.0),
            ips: format::count(stats.unique_ips),
            error_rate: format::percent(stats.metrics.error_rate),
            has_errors: stats.metrics.error_rate > 0.0,
            p95: format::duration(stats.metrics.response_times.p95_response_time),
        };
        Self {
            orders: GroupOrder::EVERY.map(by).into(),
            countries: countries.map(row).collect(),
            is_full: report.countries.len() == LIMIT_MAX as usize,
            frame,
        }
    }
}
