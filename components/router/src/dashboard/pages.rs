//! The pages, each a template of the same name in `templates/`: [`show`] says which survey has which.

use askama::Template;
use http::StatusCode;
use rollcall_tally::IpOrder;
use rollcall_tally::question::{self, AnySurvey, BadParameter, LIMIT_MAX, Scope};
use rollcall_tally::reports::{
    CountriesReport, CountryOrder, CountryStats, IpReport, Overview, PathOrder, PathReport, TopIps,
    TopPaths,
};
use rollcall_web::{Problem, log};

use super::format::{self, Moment};
use super::link;
use super::parts::{self, Card, Frame, IpRow, Link, PathRow, Plots, Shares};
use super::{How, Report};
use crate::local::HOME;

/// What one can always go to, about the same window and filter.
pub fn always(scope: &Scope) -> Vec<(&'static str, AnySurvey)> {
    vec![
        ("Overview", overview(scope.clone())),
        ("Paths", all_paths(scope.clone())),
        ("IPs", all_ips(scope.clone())),
        ("Countries", all_countries(scope.clone())),
    ]
}

fn overview(scope: Scope) -> AnySurvey {
    question::Overview { scope }.into()
}

fn all_paths(scope: Scope) -> AnySurvey {
    let order = PathOrder::Requests;
    question::TopPaths {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

fn all_ips(scope: Scope) -> AnySurvey {
    let order = IpOrder::Requests;
    question::TopIps {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

fn all_countries(scope: Scope) -> AnySurvey {
    let order = CountryOrder::Requests;
    question::Countries {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

/// The page of a survey, as HTML. Refuses one that has none.
pub async fn show(survey: &AnySurvey, how: How) -> Result<String, Problem> {
    match survey {
        AnySurvey::Overview(_) => {
            let report = Report::<Overview>::ask(survey, how).await?;
            let frame = report.frame("Overview".to_owned(), |overview| &overview.stats.provenance);
            written(&OverviewPage::new(
                frame,
                survey,
                &report.report,
                report.has_nothing(),
            ))
        }
        AnySurvey::TopPaths(list) => {
            let report = Report::<TopPaths>::ask(survey, how).await?;
            let frame = report.frame("Paths".to_owned(), |top| &top.provenance);
            written(&ListPage::of_paths(frame, list, &report.report))
        }
        AnySurvey::TopIps(list) => {
            let report = Report::<TopIps>::ask(survey, how).await?;
            let frame = report.frame("IPs".to_owned(), |top| &top.provenance);
            written(&ListPage::of_ips(frame, list, &report.report))
        }
        AnySurvey::Countries(list) => {
            let report = Report::<CountriesReport>::ask(survey, how).await?;
            let frame = report.frame("Countries".to_owned(), |top| &top.provenance);
            written(&CountriesPage::new(frame, list, &report.report))
        }
        AnySurvey::Ip(of) => {
            let report = Report::<IpReport>::ask(survey, how).await?;
            let frame = report.frame(of.ip.to_string(), |ip| &ip.provenance);
            written(&IpPage::new(frame, of, &report.report))
        }
        AnySurvey::Path(of) => {
            let report = Report::<PathReport>::ask(survey, how).await?;
            let frame = report.frame(of.key.clone(), |path| &path.provenance);
            written(&PathPage::new(frame, survey, &report.report))
        }
        AnySurvey::GlobalStats(_) | AnySurvey::Timeseries(_) => Err(Problem::not_found()),
    }
}

/// A page, as HTML.
pub fn written(page: &impl Template) -> Result<String, Problem> {
    page.render().map_err(|error| {
        log!(Error, "page-not-written", error = error);
        Problem::unavailable("The page could not be written.")
    })
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
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
    fn new(frame: Frame, survey: &AnySurvey, overview: &Overview, is_new: bool) -> Self {
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
        let mut shares = vec![
            parts::countries(survey, &overview.top_countries),
            parts::methods(survey, &overview.methods),
        ];
        if let Some(metrics) = metrics {
            shares.insert(1, parts::statuses(survey, &metrics.status_classes));
        }
        Self {
            is_new: is_new && stats.total_requests == 0,
            is_empty: stats.total_requests == 0,
            cards,
            plots: Plots::new(&overview.timeline),
            paths: parts::path_rows(survey, &stats.top_paths),
            all_paths: link::page(&all_paths(survey.scope().clone())),
            ips: parts::ip_rows(survey, &overview.top_ips),
            all_ips: link::page(&all_ips(survey.scope().clone())),
            shares,
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    orders: Vec<Link>,
    paths: Vec<PathRow>,
    ips: Vec<IpRow>,
    /// The list holds as many as a list may, so that there may be more.
    is_full: bool,
}

impl ListPage {
    fn of_paths(frame: Frame, list: &question::TopPaths, top: &TopPaths) -> Self {
        let text = |order| match order {
            PathOrder::Requests => "requests",
            PathOrder::UniqueIps => "unique IPs",
            PathOrder::AvgResponseTime => "average response time",
            PathOrder::ErrorRate => "error rate",
            PathOrder::P95ResponseTime => "p95 response time",
        };
        let by = |order: PathOrder| Link {
            text: text(order),
            is_current: order == list.order,
            href: link::page(
                &question::TopPaths {
                    order,
                    ..list.clone()
                }
                .into(),
            ),
        };
        Self {
            orders: PathOrder::EVERY.map(by).into(),
            paths: parts::path_rows(&list.clone().into(), &top.paths),
            ips: Vec::new(),
            is_full: top.paths.len() == LIMIT_MAX as usize,
            frame,
        }
    }

    fn of_ips(frame: Frame, list: &question::TopIps, top: &TopIps) -> Self {
        let text = |order| match order {
            IpOrder::Requests => "requests",
            IpOrder::UniquePaths => "unique paths",
            IpOrder::ErrorRate => "error rate",
            IpOrder::LastSeen => "last seen",
        };
        let by = |order: IpOrder| Link {
            text: text(order),
            is_current: order == list.order,
            href: link::page(
                &question::TopIps {
                    order,
                    ..list.clone()
                }
                .into(),
            ),
        };
        Self {
            orders: IpOrder::EVERY.map(by).into(),
            paths: Vec::new(),
            ips: parts::ip_rows(&list.clone().into(), &top.ips),
            is_full: top.ips.len() == LIMIT_MAX as usize,
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "countries.html")]
struct CountriesPage {
    frame: Frame,
    orders: Vec<Link>,
    countries: Vec<CountryRow>,
    is_full: bool,
}

struct CountryRow {
    country: String,
    filter: String,
    requests: String,
    /// Of the longest bar, 0 to 100.
    bar: u64,
    percent: String,
    ips: String,
    error_rate: String,
    has_errors: bool,
    p95: String,
}

impl CountriesPage {
    fn new(frame: Frame, list: &question::Countries, report: &CountriesReport) -> Self {
        let text = |order| match order {
            CountryOrder::Requests => "requests",
            CountryOrder::UniqueIps => "unique IPs",
            CountryOrder::ErrorRate => "error rate",
        };
        let by = |order: CountryOrder| Link {
            text: text(order),
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
            orders: CountryOrder::EVERY.map(by).into(),
            countries: countries.map(row).collect(),
            is_full: report.countries.len() == LIMIT_MAX as usize,
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "ip.html")]
struct IpPage {
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
    fn new(frame: Frame, of: &question::Ip, report: &IpReport) -> Self {
        let survey = &AnySurvey::from(of.clone());
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
        let turned = |offset: u32| {
            let turned = question::Ip {
                offset,
                ..of.clone()
            };
            link::page(&turned.into())
        };
        let has_more = u64::from(offset) + shown < report.total_paths && shown > 0;
        let of_ip = Scope {
            filter: link::Condition::Ip.set(&of.scope.filter, Some(&stats.ip)),
            ..of.scope.clone()
        };
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
            shares: vec![parts::statuses(survey, &stats.metrics.status_classes)],
            paths: parts::path_rows(survey, &report.paths),
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
            overview: link::page(&overview(of_ip)),
            frame,
        }
    }
}

#[derive(Template)]
#[template(path = "path.html")]
struct PathPage {
    frame: Frame,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    cards: Vec<Card>,
    plots: Plots,
    ips: Vec<IpRow>,
    shares: Vec<Shares>,
}

impl PathPage {
    fn new(frame: Frame, survey: &AnySurvey, report: &PathReport) -> Self {
        let stats = &report.stats;
        let mut cards = parts::cards(Some(&stats.metrics), &report.timeline);
        let note = format!("{:.1} requests each", stats.avg_requests_per_ip);
        cards.insert(1, parts::ips_card(&report.timeline, note));
        Self {
            first_seen: stats.first_seen_ms.map(Moment::new),
            last_seen: stats.last_seen_ms.map(Moment::new),
            cards,
            plots: Plots::new(&report.timeline),
            ips: parts::ip_rows(survey, &report.callers),
            shares: vec![
                parts::countries(survey, &stats.top_countries),
                parts::statuses(survey, &stats.metrics.status_classes),
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
