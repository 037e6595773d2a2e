//! The pages, a file each. [`show`] says which survey has which page.
//!
//! A page is written by a template in `templates/`. The file of the page names the template.

mod api_usage;
mod backtest;
mod breakdown;
mod group;
mod heat;
mod ip;
mod list;
mod live;
mod message;
mod movers;
mod overview;
mod path;
mod retirement;

pub use message::MessagePage;

use askama::Template;
use futures::future::join;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::AnySurvey;
use rollcall_tally::reports::{
    ApiUsageReport, BacktestReport, BreakdownReport, GroupReport, IpReport, MoversReport, Overview,
    PathReport, RetirementReport, TopIps, TopPaths,
};
use rollcall_web::{Problem, log};

use api_usage::ApiUsagePage;
use backtest::BacktestPage;
use breakdown::BreakdownPage;
use group::GroupPage;
use ip::IpPage;
use list::ListPage;
use live::LivePage;
use movers::MoversPage;
use overview::OverviewPage;
use path::PathPage;
use retirement::RetirementPage;

use super::places;
use super::report::{self, How, Report};

/// The page of a survey, as HTML. Refuses a survey that has none.
pub async fn show(survey: &AnySurvey, how: How) -> Result<String, Problem> {
    match survey {
        AnySurvey::Overview(_) => {
            let changes = changes(survey, &how);
            let report = Report::<Overview>::ask(survey, how.clone());
            let (report, movers) = join(report, changes).await;
            let report = report?;
            let frame = report.frame("Overview".to_owned(), |overview| &overview.stats.provenance);
            written(&OverviewPage::new(
                frame,
                survey,
                &report.report,
                movers.as_ref(),
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
            let by_country = places::breakdown(Grouping::Country, list.scope.clone());
            Box::pin(show(&by_country, how)).await
        }
        AnySurvey::Breakdown(of) => {
            let report = Report::<BreakdownReport>::ask(survey, how).await?;
            let frame = report.frame("Breakdown".to_owned(), |of| &of.provenance);
            written(&BreakdownPage::new(frame, of, &report.report))
        }
        AnySurvey::Movers(of) => {
            let report = Report::<MoversReport>::ask(survey, how).await?;
            let frame = report.frame("Changes".to_owned(), |movers| &movers.provenance);
            written(&MoversPage::new(frame, of, &report.report))
        }
        AnySurvey::Group(of) => {
            let report = Report::<GroupReport>::ask(survey, how).await?;
            let frame = report.frame(report.report.name.clone(), |group| &group.provenance);
            written(&GroupPage::new(frame, of, &report.report))
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
        AnySurvey::Retirement(of) => {
            let report = Report::<RetirementReport>::ask(survey, how).await?;
            let frame = report.frame(format!("Can {} go?", of.key), |of| &of.provenance);
            written(&RetirementPage::new(frame, survey, &report.report))
        }
        AnySurvey::ApiUsage(_) => {
            let report = Report::<ApiUsageReport>::ask(survey, how).await?;
            let frame = report.frame("Your API".to_owned(), |usage| &usage.provenance);
            written(&ApiUsagePage::new(frame, survey.scope(), &report.report))
        }
        AnySurvey::Backtest(of) => {
            let report = Report::<BacktestReport>::ask(survey, how).await?;
            let frame = report.frame("Rate limit".to_owned(), |of| &of.provenance);
            written(&BacktestPage::new(frame, of, &report.report))
        }
        AnySurvey::GlobalStats(_) | AnySurvey::Timeseries(_) => Err(Problem::not_found()),
    }
}

/// What changed since the period before. None: there is no such period, or no answer in time.
async fn changes(of: &AnySurvey, how: &How) -> Option<MoversReport> {
    let movers = places::movers(of.scope().clone(), Vec::new());
    match movers.scope().window == of.scope().window {
        true => report::answer_within(&movers, how.headers.clone()).await,
        false => None,
    }
}

/// The live page, as HTML.
pub async fn show_live(survey: &AnySurvey, how: How) -> Result<String, Problem> {
    let report = Report::<Overview>::ask(survey, how).await?;
    let frame = report.frame("Live".to_owned(), |overview| &overview.stats.provenance);
    written(&LivePage::new(frame.on_live(), survey, &report.report))
}

/// A page, as HTML.
pub fn written(page: &impl Template) -> Result<String, Problem> {
    page.render().map_err(|error| {
        log!(Error, "page-not-written", error = error);
        Problem::unavailable("The page could not be written.")
    })
}
