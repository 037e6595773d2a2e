//! The page of one path: its numbers, and the IPs that call it most.

use askama::Template;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::AnySurvey;
use rollcall_tally::reports::PathReport;

use crate::dashboard::format::Moment;
use crate::dashboard::link;
use crate::dashboard::parts::scope::of_hits;
use crate::dashboard::parts::{self, Card, Frame, IpRow, Plots, Shares};
use crate::dashboard::places;

#[derive(Template)]
#[template(path = "path.html")]
pub struct PathPage {
    frame: Frame,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    /// The page that says whether the path can go.
    retirement: String,
    cards: Vec<Card>,
    plots: Plots,
    ips: Vec<IpRow>,
    all_ips: String,
    shares: Vec<Shares>,
}

impl PathPage {
    pub fn new(frame: Frame, survey: &AnySurvey, report: &PathReport) -> Self {
        let stats = &report.stats;
        let mut cards = parts::cards(Some(&stats.metrics), &report.timeline);
        let each = format!("{:.1}", stats.avg_requests_per_ip);
        let note = t!("{} requests each", each);
        cards.insert(1, parts::ips_card(&report.timeline, note));
        Self {
            first_seen: stats.first_seen_ms.map(Moment::new),
            last_seen: stats.last_seen_ms.map(Moment::new),
            retirement: link::page(&places::retirement(&stats.path_key)),
            cards,
            plots: Plots::new(survey, &report.timeline, report.provenance.as_of_ms),
            ips: parts::ip_rows(survey, &report.callers),
            all_ips: link::page(&places::breakdown(Grouping::Ip, of_hits(survey))),
            shares: vec![
                parts::countries(survey, &stats.top_countries),
                parts::statuses(survey, &stats.metrics),
            ],
            frame,
        }
    }
}
