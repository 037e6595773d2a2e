//! The pages, a file each. [`show`] says which survey has which page.
//!
//! A page is written by a template in `templates/`. The file of the page names the template.

mod api_usage;
mod breakdown;
mod ip;
mod list;
mod message;
mod overview;
mod path;
mod retirement;

pub use message::MessagePage;

use askama::Template;
use rollcall_tally::question::AnySurvey;
use rollcall_tally::reports::{
    ApiUsageReport, BreakdownReport, IpReport, Overview, PathReport, RetirementReport, TopIps,
    TopPaths,
};
use rollcall_web::{Problem, log};

use api_usage::ApiUsagePage;
use breakdown::BreakdownPage;
use ip::IpPage;
use list::ListPage;
use overview::OverviewPage;
use path::PathPage;
use retirement::RetirementPage;

use super::places;
use super::report::{How, Report};

/// The page of a survey, as HTML. Refuses a survey that has none.
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
            let by_country = places::by_country(list.scope.clone());
            Box::pin(show(&by_country, how)).await
        }
        AnySurvey::Breakdown(of) => {
            let report = Report::<BreakdownReport>::ask(survey, how).await?;
            let frame = report.frame("Breakdown".to_owned(), |of| &of.provenance);
            written(&BreakdownPage::new(frame, of, &report.report))
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
