//! The overview: the first page.

use askama::Template;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::{AnySurvey, Scope, TopIps, TopPaths};
use rollcall_tally::reports::{MoversReport, Overview};

use crate::dashboard::format;
use crate::dashboard::link::{self, Condition};
use crate::dashboard::parts::{self, Card, Changes, Frame, IpRow, PathRow, Plots, Shares};
use crate::dashboard::places;

#[derive(Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    frame: Frame,
    /// If it is the page of a country: all countries.
    all_countries: Option<String>,
    /// No hit was ever recorded.
    is_new: bool,
    /// No hit is in this window, under this filter.
    is_empty: bool,
    cards: Vec<Card>,
    plots: Plots,
    /// None: there is nothing to compare with, or it could not be had in time.
    changes: Option<Changes>,
    paths: Vec<PathRow>,
    all_paths: String,
    paths_json: String,
    ips: Vec<IpRow>,
    ips_json: String,
    all_ips: String,
    shares: Vec<Shares>,
}

impl OverviewPage {
    pub fn new(
        frame: Frame,
        survey: &AnySurvey,
        overview: &Overview,
        movers: Option<&MoversReport>,
        is_new: bool,
    ) -> Self {
        let stats = &overview.stats;
        let metrics = stats.metrics.as_ref();
        let mut cards = parts::cards(metrics, &overview.timeline);
        let new = t!("{} never seen before", format::count(overview.new_ips));
        cards.insert(1, parts::ips_card(&overview.timeline, new));
        cards.push(parts::plain_card(
            t!("Paths"),
            format::count(stats.unique_paths),
            t!("{} for each IP", format!("{:.1}", stats.avg_paths_per_ip)),
        ));
        let scope = survey.scope().clone();
        let is_of_country = parts::only_country(&scope.filter).is_some();
        let mut shares = Vec::new();
        if !is_of_country {
            shares.push(parts::countries(survey, &overview.top_countries));
        }
        if let Some(metrics) = metrics {
            shares.push(parts::statuses(survey, metrics));
        }
        shares.push(parts::methods(survey, &overview.methods));
        let all_countries = || {
            let filter = Condition::Country.set(&scope.filter, None);
            let scope = Scope {
                filter,
                ..scope.clone()
            };
            link::page(&places::breakdown(Grouping::Country, scope))
        };
        let top_paths = TopPaths {
            scope: scope.clone(),
            ..TopPaths::default()
        };
        let top_ips = TopIps {
            scope: scope.clone(),
            ..TopIps::default()
        };
        let all = |by| link::page(&places::breakdown(by, survey.scope().clone()));
        Self {
            all_countries: is_of_country.then(all_countries),
            is_new: is_new && stats.total_requests == 0,
            is_empty: stats.total_requests == 0,
            cards,
            plots: Plots::new(
                survey,
                &overview.timeline,
                overview.stats.provenance.as_of_ms,
            ),
            changes: movers.and_then(|movers| Changes::new(survey.scope(), movers)),
            paths: parts::path_rows(survey, &stats.top_paths),
            all_paths: all(Grouping::Path),
            paths_json: link::api(&top_paths.into()),
            ips_json: link::api(&top_ips.into()),
            ips: parts::ip_rows(survey, &overview.top_ips),
            all_ips: all(Grouping::Ip),
            shares,
            frame,
        }
    }
}
