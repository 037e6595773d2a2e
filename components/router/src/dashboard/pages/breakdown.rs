//! The hits by host, consumer, network or others, with a link for each.

use askama::Template;
use rollcall_tally::GroupOrder;
use rollcall_tally::hit::Dimension;
use rollcall_tally::question;
use rollcall_tally::reports::BreakdownReport;

use crate::dashboard::format;
use crate::dashboard::link;
use crate::dashboard::parts::{self, Frame, GroupRow, Link};

#[derive(Template)]
#[template(path = "breakdown.html")]
pub struct BreakdownPage {
    frame: Frame,
    by: &'static str,
    title: &'static str,
    /// What an operator can do, so that hits tell it.
    hint: &'static str,
    tabs: Vec<Link>,
    orders: Vec<Link>,
    groups: Vec<GroupRow>,
    notes: Vec<String>,
}

impl BreakdownPage {
    pub fn new(frame: Frame, of: &question::Breakdown, report: &BreakdownReport) -> Self {
        let tab = |by: Dimension| Link {
            text: title(by),
            is_current: by == of.by,
            href: link::page(&question::Breakdown { by, ..of.clone() }.into()),
        };
        let by = |order: GroupOrder| Link {
            text: parts::group_order(order),
            is_current: order == of.order,
            href: link::page(
                &question::Breakdown {
                    order,
                    ..of.clone()
                }
                .into(),
            ),
        };
        Self {
            by: of.by.name(),
            title: title(of.by),
            hint: hint(of.by),
            tabs: Dimension::EVERY.map(tab).into(),
            orders: GroupOrder::EVERY.map(by).into(),
            groups: parts::group_rows(&report.groups, |_| None),
            notes: notes(of, report),
            frame,
        }
    }
}

/// The hits that are in no row.
fn notes(of: &question::Breakdown, report: &BreakdownReport) -> Vec<String> {
    let mut notes = Vec::new();
    let shown = report.groups.len() as u64;
    if shown < report.total_groups {
        let all = format::count(report.total_groups);
        notes.push(format!("The first {shown} of {all}."));
    }
    if report.unknown_requests > 0 && shown > 0 {
        let unknown = format::count(report.unknown_requests);
        notes.push(match of.by {
            Dimension::Bot => format!("{unknown} requests are of no known bot."),
            by => format!("{unknown} requests tell no {}.", by.name()),
        });
    }
    if report.other_requests > 0 {
        let other = format::count(report.other_requests);
        notes.push(format!(
            "{other} requests are counted without their name: there were too many."
        ));
    }
    notes
}

fn title(by: Dimension) -> &'static str {
    match by {
        Dimension::Network => "Network",
        Dimension::Host => "Host",
        Dimension::Consumer => "Consumer",
        Dimension::Protocol => "Protocol",
        Dimension::Referrer => "Referrer",
        Dimension::Bot => "Bot",
    }
}

fn hint(by: Dimension) -> &'static str {
    match by {
        Dimension::Network => "The file files/asn.mmdb tells the networks.",
        Dimension::Bot => "The user agent of a hit tells it.",
        Dimension::Host | Dimension::Consumer | Dimension::Protocol | Dimension::Referrer => {
            "A gateway can send it with each hit."
        }
    }
}
