//! What changed, in three sentences: more and fewer requests, new and gone paths, failing and slower
//! ones.

use rollcall_tally::question::Scope;
use rollcall_tally::reports::{MoverStats, MoversReport};
use rollcall_tally::{Change, Window};

use super::path_page;
use crate::dashboard::format;
use crate::dashboard::link;
use crate::dashboard::places;
use crate::texts::Text;

/// A part of a sentence. It may be a link.
pub struct Part {
    pub text: Text,
    pub href: Option<String>,
}

pub struct Changes {
    /// Since when.
    pub since: Text,
    pub sentences: Vec<Vec<Part>>,
    /// The page with all of it.
    pub all: String,
}

impl Changes {
    /// None: there is nothing to compare with.
    pub fn new(scope: &Scope, report: &MoversReport) -> Option<Self> {
        if report.against.total_requests == 0 || report.total_requests == 0 {
            return None;
        }
        let told = Told { scope, report };
        let mut sentences = vec![
            told.sentence(
                [Change::Grown, Change::Shrunk],
                t!("No path has clearly more or fewer requests."),
            ),
            told.sentence([Change::New, Change::Gone], t!("No path is new or gone.")),
            told.sentence(
                [Change::Failing, Change::Slower],
                t!("No path fails more often or is slower."),
            ),
        ];
        if report.total_movers == 0 {
            sentences = vec![vec![plain(t!("No path changed clearly."))]];
        }
        Some(Self {
            since: since(scope.window),
            sentences,
            all: link::page(&places::movers(scope.clone(), Vec::new())),
        })
    }
}

struct Told<'a> {
    scope: &'a Scope,
    report: &'a MoversReport,
}

impl Told<'_> {
    /// Says how many paths changed in each of these ways, and names the first of each.
    fn sentence(&self, changes: [Change; 2], none: Text) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for change in changes {
            let count = self.report.changes.get(change);
            if count == 0 {
                continue;
            }
            if !parts.is_empty() {
                parts.push(plain(t!("; ")));
            }
            let has = |mover: &&MoverStats| mover.changes.iter().any(|of| of.change == change);
            let paths = match count {
                1 => t!("1 path"),
                _ => t!("{} paths", format::count(count)),
            };
            let href = link::page(&places::movers(self.scope.clone(), vec![change]));
            parts.push(Part {
                text: paths,
                href: Some(href),
            });
            parts.push(plain(verb(change, count == 1)));
            if let Some(first) = self.report.movers.iter().find(has) {
                parts.push(plain(match count {
                    1 => t!(": "),
                    _ => t!(", first "),
                }));
                parts.push(Part {
                    text: first.name.clone().into(),
                    href: Some(path_page(self.scope, &first.name)),
                });
                parts.push(plain(t!(" ({})", size(change, first))));
            }
        }
        match parts.is_empty() {
            true => vec![plain(none)],
            false => {
                parts.push(plain(t!(".")));
                parts
            }
        }
    }
}

fn plain(text: Text) -> Part {
    Part { text, href: None }
}

fn verb(change: Change, is_one: bool) -> Text {
    match (change, is_one) {
        (Change::Grown, true) => t!(" has more requests"),
        (Change::Grown, false) => t!(" have more requests"),
        (Change::Shrunk, true) => t!(" has fewer requests"),
        (Change::Shrunk, false) => t!(" have fewer requests"),
        (Change::New, true) => t!(" is new"),
        (Change::New, false) => t!(" are new"),
        (Change::Gone, true) => t!(" is gone"),
        (Change::Gone, false) => t!(" are gone"),
        (Change::Failing, true) => t!(" fails more often"),
        (Change::Failing, false) => t!(" fail more often"),
        (Change::Slower, true) => t!(" is slower"),
        (Change::Slower, false) => t!(" are slower"),
    }
}

/// The size of a change, in the unit of the change.
fn size(change: Change, mover: &MoverStats) -> Text {
    let (now, before) = (&mover.current, &mover.against);
    let median = |ms| format::duration(ms);
    match change {
        Change::Grown | Change::Shrunk => times(mover).into(),
        Change::New => requests(now.total_requests),
        Change::Gone => t!("{} before", requests(before.total_requests)),
        Change::Failing => t!(
            "{} of its requests, {} before",
            format::percent(now.error_rate),
            format::percent(before.error_rate)
        ),
        Change::Slower => t!(
            "median {}, {} before",
            median(now.response_times.p50_response_time),
            median(before.response_times.p50_response_time)
        ),
    }
}

fn requests(count: u64) -> Text {
    match count {
        1 => t!("1 request"),
        _ => t!("{} requests", format::count(count)),
    }
}

/// How many times as many requests there are per hour: `×3.2`. A dash: there were none before.
pub fn times(mover: &MoverStats) -> String {
    match mover.rate_ratio {
        None => "–".to_owned(),
        Some(0.0) => "×0".to_owned(),
        Some(ratio) if ratio < 0.01 => "×<0.01".to_owned(),
        Some(ratio) => format!("×{}", format::compact(ratio)),
    }
}

fn since(window: Window) -> Text {
    match window {
        Window::Hour => t!("Since the hour before"),
        Window::Day => t!("Since yesterday"),
        Window::Week => t!("Since the week before"),
        Window::Month => t!("Since the 30 days before"),
        _ => t!("Since the period before"),
    }
}
