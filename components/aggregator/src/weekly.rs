//! The weekly report: three questions about the last whole week, in one answer.

mod page;

use http::StatusCode;
use rollcall_tally::against::Against;
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::{AnySurvey, Movers, Overview, Question, Scope};
use rollcall_tally::report::Notification;
use rollcall_tally::weekly::{ReportFormat, Week, WeeklyReport};
use rollcall_tally::{Failure, Filter};
use rollcall_web::{Reply, reply};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::alerts;
use crate::collector;
use crate::serve;
use crate::settings::Settings;

/// The changes of each kind in the report.
const MOVERS: u32 = 10;

/// The report in this form.
pub async fn answer(format: ReportFormat) -> Result<Reply, Failure> {
    let report = report().await?;
    Ok(match format {
        ReportFormat::Json => reply::json(StatusCode::OK, &report),
        ReportFormat::Html => {
            reply::full(StatusCode::OK, "text/html; charset=utf-8", html(&report)?)
        }
    })
}

fn html(report: &WeeklyReport) -> Result<String, Failure> {
    let not_written = |error| Failure::Unavailable(format!("the report as HTML: {error}"));
    page::render(report).map_err(not_written)
}

/// The report, from answers that may be kept.
async fn report() -> Result<WeeklyReport, Failure> {
    let settings = Settings::read().await;
    let week = Week::last(&collector::SNAPSHOT.take_snapshot().await?.ranges());
    let scope = Scope {
        window: week.window(),
        filter: Filter::default(),
        via: None,
    };
    let movers = |by| Movers {
        scope: scope.clone(),
        by,
        against: Against::Week,
        limit: MOVERS,
        ..Movers::default()
    };
    let overview = Overview {
        scope: scope.clone(),
    };
    let overview = ask(&settings, overview).await?;
    let paths = ask(&settings, movers(Grouping::Path)).await?;
    let ips = ask(&settings, movers(Grouping::Ip)).await?;
    Ok(WeeklyReport::new(week, overview, paths, ips))
}

async fn ask<T: DeserializeOwned>(
    settings: &Settings,
    survey: impl Into<AnySurvey>,
) -> Result<T, Failure> {
    let question = Question::Survey(survey.into());
    let served = serve::serve(settings, &question, false).await?;
    let unreadable = |error| Failure::Unavailable(format!("an answer as JSON: {error}"));
    serde_json::from_slice(&served.entry.body).map_err(unreadable)
}

/// The report, and whether it was sent.
#[derive(Serialize)]
pub struct Sent {
    week: String,
    text: String,
    notification: Notification,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// Sends the report to the receiver of the alerts.
pub async fn send() -> Result<Sent, Failure> {
    let report = report().await?;
    let id = format!("week-{}", report.week);
    let outcome = alerts::send_report(&id, &report, &html(&report)?).await;
    Ok(Sent {
        week: report.week,
        text: report.text,
        notification: outcome.notification,
        failure: outcome.failure,
    })
}
