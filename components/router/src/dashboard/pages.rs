//! The pages, each a template of the same name in `templates/`.

use askama::Template;
use http::StatusCode;
use rollcall_tally::IpOrder;
use rollcall_tally::question::{BadParameter, LIMIT_MAX, Question};
use rollcall_tally::report::{IpReport, Overview, PathOrder, PathReport, TopIps, TopPaths};
use rollcall_web::Problem;

use super::format::{self, Moment};
use super::link;
use super::parts::{self, Card, Frame, IpRow, Link, PathRow, Plots, Shares};
use crate::local::HOME;

#[derive(Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    frame: Frame,
    /// Nothing was ever recorded.
    is_new: bool,
    /// Nothing in this window, under this filter.
    is_empty: bool,
    cards: Vec<Card>,
    plots: Plots,
    paths: Vec<PathRow>,
    all_paths: String,
    ips: Vec<IpRow>,
    all_ips: String,
    shares: Vec<Shares>,
}

impl OverviewPage {
    pub fn new(frame: Frame, question: &Question, overview: &Overview, is_new: bool) -> Self {
        let stats = &overview.stats;
        let metrics = stats.metrics.as_ref();
        let mut cards = parts::cards(metrics, &overview.timeline);
        let new = format!("{} never seen before", format::count(overview.new_ips));
        cards.insert(1, parts::ips_card(&overview.timeline, new));
        cards.push(parts::plain_card(
            "Paths",
            format::count(stats.unique_paths),
            format!("{:.1} for each IP", stats.avg_paths_per_ip),
        ));
        let [_, all_paths, all_ips] = parts::always(question).map(|there| link::page(&there));
        let mut shares = vec![
            parts::countries(question, &overview.top_countries),
            parts::methods(question, &overview.methods),
        ];
        if let Some(metrics) = metrics {
            shares.insert(1, parts::statuses(question, &metrics.status_classes));
        }
        Self {
            is_new: is_new && stats.total_requests == 0,
            is_empty: stats.total_requests == 0,
            cards,
            plots: Plots::new(&overview.timeline),
            paths: parts::path_rows(question, &stats.top_paths),
            all_paths,
            ips: parts::ip_rows(question, &overview.top_ips),
            all_ips,
            shares,
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "list.html")]
pub struct ListPage {
    frame: Frame,
    orders: Vec<Link>,
    paths: Vec<PathRow>,
    ips: Vec<IpRow>,
    /// The list holds as many as a list may, so that there may be more.
    is_full: bool,
}

impl ListPage {
    pub fn of_paths(frame: Frame, question: &Question, by: PathOrder, top: &TopPaths) -> Self {
        let text = |order| match order {
            PathOrder::Requests => "requests",
            PathOrder::UniqueIps => "unique IPs",
            PathOrder::AvgResponseTime => "average response time",
            PathOrder::ErrorRate => "error rate",
            PathOrder::P95ResponseTime => "p95 response time",
        };
        let order = |to: PathOrder| Link {
            text: text(to),
            href: link::changed(question, |list| {
                if let Question::TopPaths { order, .. } = list {
                    *order = to;
                }
            }),
            is_current: to == by,
        };
        Self {
            orders: PathOrder::EVERY.map(order).into(),
            paths: parts::path_rows(question, &top.paths),
            ips: Vec::new(),
            is_full: top.paths.len() == LIMIT_MAX as usize,
            frame,
        }
    }

    pub fn of_ips(frame: Frame, question: &Question, by: IpOrder, top: &TopIps) -> Self {
        let text = |order| match order {
            IpOrder::Requests => "requests",
            IpOrder::UniquePaths => "unique paths",
            IpOrder::ErrorRate => "error rate",
            IpOrder::LastSeen => "last seen",
        };
        let order = |to: IpOrder| Link {
            text: text(to),
            href: link::changed(question, |list| {
                if let Question::TopIps { order, .. } = list {
                    *order = to;
                }
            }),
            is_current: to == by,
        };
        Self {
            orders: IpOrder::EVERY.map(order).into(),
            paths: Vec::new(),
            ips: parts::ip_rows(question, &top.ips),
            is_full: top.ips.len() == LIMIT_MAX as usize,
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "ip.html")]
pub struct IpPage {
    frame: Frame,
    country: String,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    user_agents: Vec<String>,
    cards: Vec<Card>,
    plots: Plots,
    shares: Vec<Shares>,
    paths: Vec<PathRow>,
    /// Which of how many paths these are.
    part: String,
    earlier: Option<String>,
    later: Option<String>,
    /// The overview of this IP alone.
    overview: String,
}

impl IpPage {
    pub fn new(frame: Frame, question: &Question, report: &IpReport) -> Self {
        let stats = &report.stats;
        let mut cards = parts::cards(Some(&stats.metrics), &report.timeline);
        cards.insert(
            1,
            parts::plain_card(
                "Requests a minute",
                format!("{:.2}", stats.requests_per_minute),
                "over the whole window".to_owned(),
            ),
        );
        cards.push(parts::plain_card(
            "Paths",
            format::count(report.total_paths),
            "called in the window".to_owned(),
        ));
        let (offset, limit) = (report.offset, report.limit.max(1));
        let shown = report.paths.len() as u64;
        let turned = |to: u32| {
            link::changed(question, |ip| {
                if let Question::Ip { offset, .. } = ip {
                    *offset = to;
                }
            })
        };
        let has_more = u64::from(offset) + shown < report.total_paths && shown > 0;
        let (window, filter) = parts::scope(question);
        let of_ip = link::Condition::Ip.set(&filter, Some(&stats.ip));
        Self {
            country: stats
                .country
                .clone()
                .unwrap_or_else(|| "unknown country".to_owned()),
            first_seen: stats.first_seen_ms.map(Moment::new),
            last_seen: stats.last_seen_ms.map(Moment::new),
            user_agents: report.user_agents.clone(),
            cards,
            plots: Plots::new(&report.timeline),
            shares: vec![parts::statuses(question, &stats.metrics.status_classes)],
            paths: parts::path_rows(question, &report.paths),
            part: match shown {
                0 => String::new(),
                _ => format!(
                    "{}–{} of {}",
                    offset + 1,
                    u64::from(offset) + shown,
                    format::count(report.total_paths)
                ),
            },
            earlier: (offset > 0).then(|| turned(offset.saturating_sub(limit))),
            later: has_more.then(|| turned(offset + limit)),
            overview: link::page(&Question::Overview {
                window,
                filter: of_ip,
            }),
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "path.html")]
pub struct PathPage {
    frame: Frame,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    cards: Vec<Card>,
    plots: Plots,
    ips: Vec<IpRow>,
    shares: Vec<Shares>,
}

impl PathPage {
    pub fn new(frame: Frame, question: &Question, report: &PathReport) -> Self {
        let stats = &report.stats;
        let mut cards = parts::cards(Some(&stats.metrics), &report.timeline);
        let note = format!("{:.1} requests each", stats.avg_requests_per_ip);
        cards.insert(1, parts::ips_card(&report.timeline, note));
        Self {
            first_seen: stats.first_seen_ms.map(Moment::new),
            last_seen: stats.last_seen_ms.map(Moment::new),
            cards,
            plots: Plots::new(&report.timeline),
            ips: parts::ip_rows(question, &report.callers),
            shares: vec![
                parts::countries(question, &stats.top_countries),
                parts::statuses(question, &stats.metrics.status_classes),
            ],
            frame,
        }
    }
}

/// Instead of a page that cannot be shown.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    title: &'static str,
    detail: String,
    bad: Vec<BadParameter>,
    advice: &'static str,
    home: &'static str,
    by_cookie: bool,
}

impl MessagePage {
    pub fn new(problem: &Problem, by_cookie: bool) -> Self {
        let (title, advice) = match problem.status() {
            StatusCode::BAD_REQUEST => (
                "That filter cannot be",
                "Go back and change it, or begin without one.",
            ),
            StatusCode::NOT_FOUND => (
                "Nothing here",
                "It may have left because too many others were seen later.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "No answer at the moment",
                "Nothing is lost: what is recorded waits in the store. Reload the page in a moment; if that does not help, the log says why.",
            ),
            _ => ("Something went wrong", "The log of the server says what."),
        };
        Self {
            title,
            detail: problem.detail().unwrap_or_default().to_owned(),
            bad: problem.invalid_params().to_vec(),
            advice,
            home: HOME,
            by_cookie,
        }
    }
}
