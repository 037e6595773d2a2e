//! The aggregator: answers about all IPs.
//!
//! | path | job |
//! |---|---|
//! | `POST /answer` | takes a [`Question`] as postcard, gives its answer as the client gets it |
//! | `POST /status-and-traffic` | for metrics: the present status and all traffic, as postcard |
//! | `POST /prewarm` | computes the answers that are asked for most; see [`prewarm`] |
//! | `POST /verify` | compares the sums over all IPs with the IPs themselves |
//! | `POST /check-alerts` | checks the [`alerts`] |
//! | `POST /test-rule` | judges one rule, and sends a test notification |
//! | `POST /list` | the IPs that reach the threshold of a rule, for a firewall |
//! | `POST /report`, `/send-report` | the [`weekly`] report |
//! | `POST /check-alerts-if-due` | checks the alerts after the response, at most once a minute |
//!
//! The route is private: only other components of the app can call it. Each answer is from one
//! snapshot. It is read from the collector by a bounded number of requests at once. Answers are
//! kept for a while, in memory and, through the collector, in the store. The aggregator has no
//! key-value store of its own. It is the only component that sends requests out of the app: to the
//! webhook of the alerts.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod alerts;
mod answer;
mod claim;
mod clock;
mod collector;
mod conditions;
mod counters;
mod documents;
mod estimate;
mod export;
mod fan_out;
mod flight;
mod memory;
mod prewarm;
mod retry;
mod serve;
mod settings;
mod status;
mod sums;
mod targets;
mod verify;
mod weekly;
mod wit_exports;

use http::{Method, StatusCode};
use rollcall_tally::question::{AnySurvey, Question};
use rollcall_tally::report::ListFormat;
use rollcall_tally::weekly::ReportFormat;
use rollcall_web::{Problem, Reply, body, reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use settings::Settings;

/// Merging answers allocates much. The allocator of WASI's libc is slower.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[http_service]
async fn handle(request: Request) -> Reply {
    handle_request(request).await.unwrap_or_else(Problem::into)
}

/// The longest question: a path key and a prefix of a path, with some space.
const QUESTION_BYTES_MAX: usize = 16 * 1024;
/// The longest name of a rule, with a format.
const NAME_BYTES_MAX: usize = 1024;

async fn handle_request(request: Request) -> Result<Reply, Problem> {
    if request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    match request.uri().path() {
        "/answer" => answer_to(request).await,
        "/prewarm" => prewarm::prewarm().await,
        "/status-and-traffic" => {
            let settings = Settings::read().await;
            let told = status::status_and_traffic(&settings).await?;
            Ok(reply::postcard(StatusCode::OK, &told))
        }
        "/verify" => Ok(reply::json(StatusCode::OK, &verify::verify().await?)),
        "/check-alerts" => Ok(reply::json(StatusCode::OK, &alerts::check().await)),
        "/test-rule" => {
            let name: String = body::postcard(request, NAME_BYTES_MAX).await?;
            alerts::test(&name).await
        }
        "/list" => {
            let (name, format): (String, ListFormat) =
                body::postcard(request, NAME_BYTES_MAX).await?;
            alerts::list(&name, format).await
        }
        "/report" => {
            let format: ReportFormat = body::postcard(request, NAME_BYTES_MAX).await?;
            Ok(weekly::answer(format).await?)
        }
        "/send-report" => Ok(reply::json(StatusCode::OK, &weekly::send().await?)),
        "/check-alerts-if-due" => {
            alerts::check_later_if_due();
            Ok(reply::empty(StatusCode::ACCEPTED))
        }
        _ => Err(Problem::not_found()),
    }
}

async fn answer_to(request: Request) -> Result<Reply, Problem> {
    let asked = request.headers().clone();
    let question: Question = body::postcard(request, QUESTION_BYTES_MAX).await?;
    let question = question.checked().map_err(Problem::bad_parameters)?;
    let settings = Settings::read().await;
    if let Question::Export(mut form) = question {
        documents::current().await?.resolve(&mut form.filter)?;
        return export::export(settings, form).await;
    }
    if let Question::Survey(AnySurvey::Breakdown(of)) = &question
        && of.estimate
    {
        let estimate = estimate::estimate(&settings, of.clone()).await?;
        return Ok(conditions::reply_unkept(&asked, estimate));
    }
    let forced = conditions::is_no_cache(&asked);
    let served = serve::serve(&settings, &question, forced).await?;
    Ok(conditions::reply(&asked, served, forced))
}
