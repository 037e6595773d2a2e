//! Answers as they are sent.

use rollcall_tally::question::{AnySurvey, Query, Question, Responses};
use rollcall_tally::report::Provenance;
use rollcall_tally::{Failure, freshness};

use crate::clock::now_ms;
use crate::settings::Settings;
use crate::status;
use crate::targets::Targets;

/// An answer, and what it may be kept by.
pub struct Answer {
    /// JSON.
    pub body: Vec<u8>,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    /// Something recorded is not in it yet.
    pub is_behind: bool,
    /// Hits in the window.
    pub hits: u64,
    /// ... of which within the last hour.
    pub last_hour: u64,
}

impl Answer {
    /// How long it is fresh. One that misses something is given no longer than it must.
    pub fn ttl_ms(&self, question: &Question) -> u64 {
        if self.is_behind {
            return freshness::TTL_BEHIND_MS;
        }
        if self.coverage < 1.0 {
            return freshness::TTL_MIN_MS;
        }
        let volatility = freshness::volatility(self.hits, self.last_hour);
        freshness::ttl_ms(question.about().ttl_ms, volatility)
    }
}

/// Answers any question but an export, which is never whole in memory.
pub async fn compute(settings: &Settings, question: &Question) -> Result<Answer, Failure> {
    match question {
        Question::Survey(survey) => {
            let responses = ask(settings, survey.query()).await?;
            told(survey, responses)
        }
        Question::Status(_) => {
            let body = serde_json::to_vec(&status::status(settings).await?);
            let unwritable = |error| Failure::Unavailable(format!("the status as JSON: {error}"));
            Ok(Answer {
                body: body.map_err(unwritable)?,
                coverage: 1.0,
                is_behind: false,
                hits: 0,
                last_hour: 0,
            })
        }
        Question::Export(_) => Err(Failure::Invalid("an export is streamed".to_owned())),
    }
}

fn told(survey: &AnySurvey, responses: Responses) -> Result<Answer, Failure> {
    Ok(Answer {
        coverage: responses.provenance.coverage,
        is_behind: responses.provenance.behind.is_some(),
        hits: responses.summary.tally.count,
        last_hour: responses.summary.last_hour,
        body: survey.answer(responses)?,
    })
}

/// Asks the IPs that can matter.
pub async fn ask(settings: &Settings, query: Query) -> Result<Responses, Failure> {
    let targets = Targets::gather(settings, &query).await?;
    let mut answers = targets.ask(settings, &query).await?;
    let behind = targets.snapshot.behind;
    answers
        .warnings
        .extend(behind.map(|behind| behind.to_string()));
    Ok(Responses {
        summary: answers.summary,
        provenance: Provenance {
            time_range: query.window,
            filter: query.filter.some(),
            as_of_ms: targets.snapshot.as_of_ms,
            generated_at_ms: now_ms(),
            coverage: answers.coverage,
            warnings: answers.warnings,
            behind,
        },
        active: targets.active,
        ips: targets.ips.len() as u64,
        prices: settings.prices,
    })
}
