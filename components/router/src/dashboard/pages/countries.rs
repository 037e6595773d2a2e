//! The list of countries, with a link for each order.

use askama::Template;
use rollcall_tally::GroupOrder;
use rollcall_tally::question::{self, AnySurvey, LIMIT_MAX};
use rollcall_tally::reports::{CountriesReport, CountryStats, GroupStats};

use crate::dashboard::link;
use crate::dashboard::parts::{self, Frame, GroupRow, Link};

#[derive(Template)]
#[template(path = "countries.html")]
pub struct CountriesPage {
    frame: Frame,
    orders: Vec<Link>,
    title: &'static str,
    groups: Vec<GroupRow>,
    is_full: bool,
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
        let group = |of: &CountryStats| GroupStats {
            name: of.country.clone(),
            total_requests: of.total_requests,
            percentage: of.percentage,
            unique_ips: of.unique_ips,
            metrics: of.metrics.clone(),
        };
        let groups: Vec<GroupStats> = report.countries.iter().map(group).collect();
        let narrowed = |country: &str| {
            Some(parts::scope::narrowed(
                &survey,
                link::Condition::Country,
                country,
            ))
        };
        Self {
            orders: GroupOrder::EVERY.map(by).into(),
            title: "Country",
            groups: parts::group_rows(&groups, narrowed),
            is_full: report.countries.len() == LIMIT_MAX as usize,
            frame,
        }
    }
}
