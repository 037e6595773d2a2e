//! What changed: the paths, IPs and so on that are new, gone, larger, smaller, failing more or
//! slower.

use askama::Template;
use rollcall_tally::Change;
use rollcall_tally::against::Against;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::{self, Survey as _};
use rollcall_tally::reports::{MoverStats, MoversReport};

use super::breakdown::{country_of, noun, page_of, title};
use crate::dashboard::format::{self, Moment};
use crate::dashboard::link;
use crate::dashboard::parts::{self, Frame, Link};
use crate::texts::Text;

/// A way in which groups changed, with the link to these groups alone.
struct Way {
    text: Text,
    count: String,
    href: String,
    is_current: bool,
}

/// A way in which a row changed.
struct ChangeOf {
    class: &'static str,
    text: Text,
}

struct Row {
    name: String,
    /// The name of the country, if it is one.
    country: Text,
    page: Option<String>,
    /// The ways in which it changed.
    ways: Vec<ChangeOf>,
    ratio: String,
    requests: Pair,
    error_rate: Pair,
    /// See [`parts::alarm`].
    alarm: &'static str,
    p50: Pair,
    score: String,
}

/// A number, and the one before.
struct Pair {
    now: String,
    before: String,
}

#[derive(Template)]
#[template(path = "movers.html")]
pub struct MoversPage {
    frame: Frame,
    by: Text,
    title: Text,
    tabs: Vec<Link>,
    others: Vec<Link>,
    ways: Vec<Way>,
    from: Moment,
    to: Moment,
    other_from: Moment,
    other_to: Moment,
    /// There are no hits to compare with.
    is_alone: bool,
    rows: Vec<Row>,
    search: link::Form,
    searched: String,
    shown: Text,
    /// More groups changed than are shown.
    has_more: bool,
}

impl MoversPage {
    pub fn new(frame: Frame, of: &question::Movers, report: &MoversReport) -> Self {
        let page = |to: question::Movers| link::page(&to.into());
        let tab = |by: Grouping| {
            let mut tab = question::Movers {
                by,
                search: None,
                ..of.clone()
            };
            tab.rewind();
            Link {
                text: title(by),
                is_current: by == of.by,
                href: page(tab),
            }
        };
        let other = |(text, against): (Text, Against)| Link {
            text,
            is_current: against == of.against,
            href: page(question::Movers {
                against,
                ..of.clone()
            }),
        };
        let way = |change: Change| Way {
            text: name(change),
            count: format::count(report.changes.get(change)),
            is_current: of.changes == [change],
            href: page(question::Movers {
                changes: match of.changes == [change] {
                    true => Vec::new(),
                    false => vec![change],
                },
                ..of.clone()
            }),
        };
        let shown = report.movers.len() as u64;
        Self {
            by: noun(of.by),
            title: title(of.by),
            tabs: Grouping::EVERY.map(tab).into(),
            others: [
                (t!("the period before"), Against::Previous),
                (t!("a week before"), Against::Week),
            ]
            .map(other)
            .into(),
            ways: Change::EVERY.iter().copied().map(way).collect(),
            from: Moment::short(report.provenance.from_ms.unwrap_or_default()),
            to: Moment::short(report.provenance.to_ms),
            other_from: Moment::short(report.against.from_ms),
            other_to: Moment::short(report.against.to_ms),
            is_alone: report.against.total_requests == 0,
            rows: report.movers.iter().map(|mover| row(of, mover)).collect(),
            search: link::search_form(&of.clone().into()),
            searched: of.search.clone().unwrap_or_default(),
            shown: t!(
                "{} of {}",
                format::count(shown),
                format::count(report.total_movers)
            ),
            has_more: shown < report.total_movers,
            frame,
        }
    }
}

fn row(of: &question::Movers, mover: &MoverStats) -> Row {
    let (now, before) = (&mover.current, &mover.against);
    let pair = |text: fn(&_) -> String| Pair {
        now: text(now),
        before: text(before),
    };
    let score = mover.changes.first().map_or(0.0, |first| first.score);
    Row {
        page: page_of(of.by, &of.scope, &mover.name),
        country: country_of(of.by, &mover.name),
        name: mover.name.clone(),
        ways: mover
            .changes
            .iter()
            .map(|of| ChangeOf {
                class: of.change.name(),
                text: name(of.change),
            })
            .collect(),
        ratio: parts::times(mover),
        requests: pair(|of| format::count(of.total_requests)),
        error_rate: pair(|of| match of.total_requests {
            0 => "–".to_owned(),
            _ => format::percent(of.error_rate),
        }),
        alarm: parts::alarm(now.error_rate),
        p50: pair(|of| format::duration(of.response_times.p50_response_time)),
        score: format!("{score:.1}"),
    }
}

fn name(change: Change) -> Text {
    match change {
        Change::New => t!("new"),
        Change::Gone => t!("gone"),
        Change::Grown => t!("grown"),
        Change::Shrunk => t!("shrunk"),
        Change::Failing => t!("failing"),
        Change::Slower => t!("slower"),
    }
}
