//! Computes the answers that are asked for most, so that whoever asks finds them fresh. For a schedule outside, such as a CronJob.

use std::time::Instant;

use http::StatusCode;
use rollcall_tally::question::Question;
use rollcall_web::{Reply, reply};
use serde::Serialize;

use crate::collector;
use crate::serve::{self, Source};
use crate::settings::Settings;

/// What is asked for most: the first page of a dashboard, with all defaults.
const CRITICAL: [&str; 4] = ["global-stats", "top-paths", "top-ips", "status"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Prewarmed {
    /// Each question, written out.
    computed: Vec<Computed>,
    /// Questions that have no new answer now; the log says why.
    failed: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Computed {
    question: String,
    duration_ms: u128,
}

/// Computes each, one after the other, and has expired answers deleted. 503 if not all could be computed.
pub async fn prewarm() -> Reply {
    let settings = Settings::read().await;
    let (mut computed, mut failed) = (Vec::new(), Vec::new());
    for name in CRITICAL {
        let Ok(question) = Question::read(name, "") else {
            failed.push(name.to_owned());
            continue;
        };
        let began = Instant::now();
        match serve::serve(&settings, &question, true).await {
            Ok(served) if served.source != Source::Stale => computed.push(Computed {
                question: question.write(),
                duration_ms: began.elapsed().as_millis(),
            }),
            Ok(_) | Err(_) => failed.push(question.write()),
        }
    }
    if let Err(failure) = collector::sweep().await {
        eprintln!("expired answers were not deleted: {failure}");
    }
    let status = match failed.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    reply::json(status, &Prewarmed { computed, failed })
}
