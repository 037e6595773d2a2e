//! The page of one IP: its numbers, and its paths some at a time.

use askama::Template;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::{self, AnySurvey};
use rollcall_tally::reports::IpReport;

use crate::dashboard::format::{self, Moment};
use crate::dashboard::link;
use crate::dashboard::parts::scope::of_hits;
use crate::dashboard::parts::{self, Card, Country, Frame, PathRow, Plots, Shares};
use crate::dashboard::places;
use crate::texts::Text;

#[derive(Template)]
#[template(path = "ip.html")]
pub struct IpPage {
    frame: Frame,
    country: Option<Country>,
    network: Option<String>,
    labels: Vec<String>,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    user_agents: Vec<String>,
    cards: Vec<Card>,
    plots: Plots,
    shares: Vec<Shares>,
    paths: Vec<PathRow>,
    /// Which of the paths these are, as in `26–50 of 73`.
    part: Text,
    earlier: Option<String>,
    later: Option<String>,
    /// The overview of this IP alone.
    overview: String,
    all_paths: String,
}

impl IpPage {
    pub fn new(frame: Frame, of: &question::Ip, report: &IpReport) -> Self {
        let survey = &AnySurvey::from(of.clone());
        let stats = &report.stats;
        let mut cards = parts::cards(Some(&stats.metrics), &report.timeline);
        cards.insert(
            1,
            parts::plain_card(
                t!("Requests a minute"),
                format!("{:.2}", stats.requests_per_minute),
                t!("over the whole window"),
            ),
        );
        cards.push(parts::plain_card(
            t!("Paths"),
            format::count(report.total_paths),
            t!("called in the window"),
        ));
        let country = |code: &str| Country::new(&of.scope, code);
        let (offset, limit) = (report.offset, report.limit.max(1));
        let shown = report.paths.len() as u64;
        let turned = |offset: u32| {
            let turned = question::Ip {
                offset,
                ..of.clone()
            };
            link::page(&turned.into())
        };
        let has_more = u64::from(offset) + shown < report.total_paths && shown > 0;
        Self {
            country: stats.country.as_deref().map(country),
            network: stats.network.clone(),
            labels: stats.labels.clone(),
            first_seen: stats.first_seen_ms.map(Moment::new),
            last_seen: stats.last_seen_ms.map(Moment::new),
            user_agents: report.user_agents.clone(),
            cards,
            plots: Plots::new(survey, &report.timeline, report.provenance.as_of_ms),
            shares: vec![parts::statuses(survey, &stats.metrics)],
            paths: parts::path_rows(survey, &report.paths),
            part: match shown {
                0 => Text::EMPTY,
                _ => t!(
                    "{}–{} of {}",
                    u64::from(offset) + 1,
                    u64::from(offset) + shown,
                    format::count(report.total_paths)
                ),
            },
            earlier: (offset > 0).then(|| turned(offset.saturating_sub(limit))),
            later: has_more.then(|| turned(offset + limit)),
            all_paths: link::page(&places::breakdown(Grouping::Path, of_hits(survey))),
            overview: link::page(&places::overview(of_hits(survey))),
            frame,
        }
    }
}
