//! Computes the answers that are asked for most, so that clients find them fresh. An outside
//! schedule calls it, such as a CronJob.

use std::time::Instant;

use http::StatusCode;
use rollcall_tally::question::Question;
use rollcall_tally::report::{Computed, Prewarmed};
use rollcall_web::{Problem, Reply, log, reply};

use crate::collector;
use crate::serve::{self, Source};
use crate::settings::Settings;

/// Computes each answer, one after the other, and has expired answers deleted.
pub async fn prewarm() -> Result<Reply, Problem> {
    let settings = Settings::read().await;
    let (mut computed, mut failed) = (Vec::new(), Vec::new());
    let every = Question::every().into_iter();
    for question in every.filter(|question| question.about().is_prewarmed) {
        let began = Instant::now();
        match serve::serve(&settings, &question, true).await {
            Ok(served) if served.source != Source::Stale => computed.push(Computed {
                question: question.write(),
                duration_ms: began.elapsed().as_millis() as u64,
            }),
            Ok(_) | Err(_) => failed.push(question.write()),
        }
    }
    if let Err(failure) = collector::MANY.sweep().await {
        log!(Warn, "expired-answers-not-deleted", failure = failure);
    }
    if failed.is_empty() {
        return Ok(reply::json(StatusCode::OK, &Prewarmed { computed }));
    }
    let failed = failed.join(", ");
    Err(Problem::unavailable(format!("Not computed: {failed}.")))
}
