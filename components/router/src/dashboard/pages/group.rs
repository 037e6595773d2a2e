//! The page of one consumer, host, bot and so on: its numbers over time.

use askama::Template;
use rollcall_tally::Grouping;
use rollcall_tally::question::{AnySurvey, Group, Scope};
use rollcall_tally::reports::GroupReport;

use super::breakdown::title;
use crate::dashboard::format;
use crate::dashboard::link;
use crate::dashboard::parts::{self, Card, Frame, Plots, Shares};
use crate::dashboard::places;
use crate::texts::Text;

#[derive(Template)]
#[template(path = "group.html")]
pub struct GroupPage {
    frame: Frame,
    title: Text,
    /// All groups of this property.
    all: String,
    is_empty: bool,
    cards: Vec<Card>,
    plots: Plots,
    shares: Vec<Shares>,
}

impl GroupPage {
    pub fn new(frame: Frame, of: &Group, report: &GroupReport) -> Self {
        let survey = AnySurvey::from(of.clone());
        let mut cards = parts::cards(Some(&report.metrics), &report.timeline);
        let new = t!(
            "{} never seen with it before",
            format::count(report.new_ips)
        );
        cards.insert(1, parts::ips_card(&report.timeline, new));
        cards.push(parts::plain_card(
            t!("Share"),
            format::percent(report.percentage / 100.0),
            t!("of all requests"),
        ));
        let scope = Scope {
            window: of.scope.window,
            ..Scope::default()
        };
        let by = Grouping::Of(of.by);
        Self {
            title: title(by),
            all: link::page(&places::breakdown(by, scope.clone())),
            is_empty: report.total_requests == 0,
            cards,
            plots: Plots::new(&survey, &report.timeline, report.provenance.as_of_ms),
            shares: vec![parts::codes(&survey, &report.metrics)],
            frame,
        }
    }
}
