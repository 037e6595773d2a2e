//! Asks the aggregator for the report that a page shows, and for the status.

use std::time::Duration;

use futures::future::join;
use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use rollcall_tally::Failure;
use rollcall_tally::document::Documents;
use rollcall_tally::question::{self, AnySurvey, Question};
use rollcall_tally::report::{Provenance, Status};
use rollcall_web::{Problem, call};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::parts::{self, Frame, Notes, views};
use crate::access::Visitor;
use crate::aggregator::{self, DEADLINE};
use crate::documents;
use crate::keys::Role;
use crate::texts::{Language, Text};

/// The time that a page waits for an answer that it can do without.
const EXTRA_DEADLINE: Duration = Duration::from_secs(1);
/// The time that a page waits for the status.
const STATUS_DEADLINE: Duration = Duration::from_secs(2);

/// The part of a page's request that matters to its answer.
#[derive(Clone)]
pub struct How {
    pub headers: HeaderMap,
    pub visitor: Visitor,
    pub language: Language,
}

/// The answer to a survey, with the status.
pub struct Report<'a, T> {
    survey: &'a AnySurvey,
    pub report: T,
    /// Seconds since the report was computed.
    age_s: u64,
    is_stale: bool,
    /// None if the status could not be had. The report is shown all the same.
    status: Option<Status>,
    /// None if they could not be had.
    documents: Option<Documents>,
    visitor: Visitor,
}

impl<'a, T: DeserializeOwned> Report<'a, T> {
    pub async fn ask(survey: &'a AnySurvey, how: How) -> Result<Self, Problem> {
        let question = Question::Survey(survey.clone());
        let (report, age_s, is_stale) = report(&question, how.headers).await?;
        // The status is asked for after the report, because the report may have folded. It is asked
        // for as it is now, because it says whether the report can be trusted.
        let (status, documents) = join(
            call::within(STATUS_DEADLINE, status()),
            call::within(EXTRA_DEADLINE, documents::all()),
        )
        .await;
        Ok(Self {
            survey,
            report,
            age_s,
            is_stale,
            status: status.flatten(),
            documents: documents.and_then(Result::ok),
            visitor: how.visitor,
        })
    }

    /// The same answer on the page of another survey.
    pub fn shown_as(self, survey: &'a AnySurvey) -> Self {
        Self { survey, ..self }
    }

    pub fn frame(&self, title: impl Into<Text>, provenance: impl Fn(&T) -> &Provenance) -> Frame {
        let provenance = provenance(&self.report);
        Frame {
            is_stale: self.is_stale,
            health: parts::health(provenance.coverage, self.age_s, self.status.as_ref()),
            by_cookie: self.visitor.by_cookie,
            may_write: self.visitor.role == Role::Admin,
            notes: Notes::new(self.documents.as_ref(), provenance),
            views: views(self.documents.as_ref()),
            ..Frame::new(title, self.survey, provenance)
        }
    }

    /// Whether no hit was ever recorded.
    pub fn has_nothing(&self) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.recorded_hits == 0)
    }
}

/// The answer to a survey that a page can do without. None: there was none in time.
pub async fn answer_within<T: DeserializeOwned>(
    survey: &AnySurvey,
    headers: HeaderMap,
) -> Option<T> {
    let question = Question::Survey(survey.clone());
    let answer = call::within(EXTRA_DEADLINE, report(&question, headers)).await?;
    answer.ok().map(|(report, _, _)| report)
}

/// Asks for an answer that is computed anew.
pub fn no_cache() -> HeaderMap {
    HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-cache"))])
}

async fn status() -> Option<Status> {
    let report = report(&Question::Status(question::Status), no_cache()).await;
    report.ok().map(|(status, _, _)| status)
}

/// An answer, its age in seconds, and whether it is stale: no newer answer could be had.
async fn report<T: DeserializeOwned>(
    question: &Question,
    headers: HeaderMap,
) -> Result<(T, u64, bool), Problem> {
    let (head, body) = aggregator::ask(question, headers).await?.into_parts();
    let body = call::within(DEADLINE, body.collect()).await;
    let body = body
        .and_then(Result::ok)
        .ok_or_else(|| broken("its answer broke off"))?;
    let body = body.to_bytes();
    if head.status != StatusCode::OK {
        return Err(problem(head.status, &body));
    }
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let age_s = text(AGE.as_str())
        .and_then(|age| age.parse().ok())
        .unwrap_or(0);
    let is_stale = text("cache-status").is_some_and(|how| how.contains("detail=stale"));
    let report = serde_json::from_slice(&body).map_err(|error| broken(&error.to_string()))?;
    Ok((report, age_s, is_stale))
}

/// The aggregator's refusal, in its own words.
fn problem(status: StatusCode, body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Report {
        detail: Option<String>,
    }
    let report: Option<Report> = serde_json::from_slice(body).ok();
    let detail = report.and_then(|report| report.detail).unwrap_or_default();
    match status {
        StatusCode::SERVICE_UNAVAILABLE => Problem::unavailable(detail),
        _ => Problem::new(status, detail),
    }
}

fn broken(reason: &str) -> Problem {
    Failure::Unavailable(format!("the aggregator: {reason}")).into()
}
