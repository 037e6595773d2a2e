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
mod settings;

pub use message::MessagePage;
pub use settings::SettingsPage;

use askama::Template;
use futures::future::join;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::{AnySurvey, Breakdown};
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

use super::parts;
use super::places;
use super::report::{self, How, Report};
use crate::texts::{Language, Text};

/// The page of a survey, as HTML. Refuses a survey that has none.
pub async fn show(survey: &AnySurvey, how: How) -> Result<String, Problem> {
    let language = how.language;
    match survey {
        AnySurvey::Overview(_) => {
            let changes = changes(survey, &how);
            let report = Report::<Overview>::ask(survey, how.clone());
            let (report, movers) = join(report, changes).await;
            let report = report?;
            let frame = report.frame(title(survey), |overview| &overview.stats.provenance);
            written(
                &OverviewPage::new(
                    frame,
                    survey,
                    &report.report,
                    movers.as_ref(),
                    report.has_nothing(),
                ),
                language,
            )
        }
        AnySurvey::TopPaths(list) => {
            let report = Report::<TopPaths>::ask(survey, how).await?;
            let frame = report.frame(t!("Paths"), |top| &top.provenance);
            written(&ListPage::of_paths(frame, list, &report.report), language)
        }
        AnySurvey::TopIps(list) => {
            let report = Report::<TopIps>::ask(survey, how).await?;
            let frame = report.frame(t!("IPs"), |top| &top.provenance);
            written(&ListPage::of_ips(frame, list, &report.report), language)
        }
        AnySurvey::Countries(list) => {
            let by_country = places::breakdown(Grouping::Country, list.scope.clone());
            Box::pin(show(&by_country, how)).await
        }
        AnySurvey::Breakdown(of) => {
            let with_buckets = Breakdown {
                buckets: true,
                estimate: false,
                ..of.clone()
            };
            let with_buckets = with_buckets.into();
            let report = Report::<BreakdownReport>::ask(&with_buckets, how).await?;
            let report = report.shown_as(survey);
            let frame = report.frame(t!("Breakdown"), |of| &of.provenance);
            written(&BreakdownPage::new(frame, of, &report.report), language)
        }
        AnySurvey::Movers(of) => {
            let report = Report::<MoversReport>::ask(survey, how).await?;
            let frame = report.frame(t!("Changes"), |movers| &movers.provenance);
            written(&MoversPage::new(frame, of, &report.report), language)
        }
        AnySurvey::Group(of) => {
            let report = Report::<GroupReport>::ask(survey, how).await?;
            let frame = report.frame(report.report.name.clone(), |group| &group.provenance);
            written(&GroupPage::new(frame, of, &report.report), language)
        }
        AnySurvey::Ip(of) => {
            let report = Report::<IpReport>::ask(survey, how).await?;
            let frame = report.frame(of.ip.to_string(), |ip| &ip.provenance);
            written(&IpPage::new(frame, of, &report.report), language)
        }
        AnySurvey::Path(of) => {
            let report = Report::<PathReport>::ask(survey, how).await?;
            let frame = report.frame(of.key.clone(), |path| &path.provenance);
            written(&PathPage::new(frame, survey, &report.report), language)
        }
        AnySurvey::Retirement(of) => {
            let report = Report::<RetirementReport>::ask(survey, how).await?;
            let frame = report.frame(t!("Can {} go?", of.key), |of| &of.provenance);
            written(
                &RetirementPage::new(frame, survey, &report.report),
                language,
            )
        }
        AnySurvey::ApiUsage(_) => {
            let report = Report::<ApiUsageReport>::ask(survey, how).await?;
            let frame = report.frame(t!("Your API"), |usage| &usage.provenance);
            written(
                &ApiUsagePage::new(frame, survey.scope(), &report.report),
                language,
            )
        }
        AnySurvey::Backtest(of) => {
            let report = Report::<BacktestReport>::ask(survey, how).await?;
            let frame = report.frame(t!("Rate limit"), |of| &of.provenance);
            written(&BacktestPage::new(frame, of, &report.report), language)
        }
        AnySurvey::GlobalStats(_) | AnySurvey::Timeseries(_) => Err(Problem::not_found()),
    }
}

/// The title of the overview. With a filter by one country, it is the page of this country.
fn title(overview: &AnySurvey) -> Text {
    let country = parts::only_country(&overview.scope().filter);
    country.map_or_else(|| t!("Overview"), |code| parts::country_title(&code))
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
    let language = how.language;
    let report = Report::<Overview>::ask(survey, how).await?;
    let frame = report.frame(t!("Live"), |overview| &overview.stats.provenance);
    written(
        &LivePage::new(frame.on_live(), survey, &report.report),
        language,
    )
}

/// A page, as HTML.
pub fn written(page: &impl Template, language: Language) -> Result<String, Problem> {
    page.render_with_values(&language).map_err(|error| {
        log!(Error, "page-not-written", error = error);
        Problem::unavailable("The page could not be written.")
    })
}
