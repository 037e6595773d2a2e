//! The aggregator: answers across all IPs.
//!
//! | path | what |
//! |---|---|
//! | `GET /global-stats`, `/overview`, `/top-paths`, `/top-ips`, `/timeseries`, `/paths`, `/ips/{ip}`, `/export-data`, `/status` | a [`Question`] and its answer |
//! | `POST /status-and-traffic` | the status as it is, not one that is kept, and all hits in a few numbers: postcard, for the metrics |
//! | `POST /prewarm` | computes the answers that are asked for most; see [`prewarm`] |
//! | `POST /check-alerts` | checks the [`alerts`] |
//! | `POST /check-alerts-if-due` | the same after the response, at most once a minute |
//!
//! A private route: only other components of the app get here. Each answer is of one snapshot, read from the collector by a
//! bounded number of requests at once. Answers are kept for a while, in memory and, through the collector, in the store; it has no
//! key-value store of its own. It alone sends requests out of the app: to the webhook of the alerts.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod alerts;
mod answer;
mod audience;
mod claim;
mod clock;
mod collector;
mod conditions;
mod counters;
mod export;
mod fan_out;
mod flight;
mod memory;
mod prewarm;
mod query;
mod reports;
mod serve;
mod settings;
mod status;
mod typed;

use http::{Method, StatusCode};
use rollcall_tally::question::Question;
use rollcall_web::{Problem, Reply, reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use settings::Settings;

#[http_service]
async fn handle(request: Request) -> Reply {
    handle_request(&request).await.unwrap_or_else(Problem::into)
}

async fn handle_request(request: &Request) -> Result<Reply, Problem> {
    let uri = request.uri();
    match (uri.path(), request.method()) {
        ("/prewarm", &Method::POST) => return prewarm::prewarm().await,
        ("/status-and-traffic", &Method::POST) => {
            let settings = Settings::read().await;
            let told = status::status_and_traffic(&settings).await?;
            return Ok(reply::postcard(StatusCode::OK, &told));
        }
        ("/check-alerts", &Method::POST) => {
            return Ok(reply::json(StatusCode::OK, &alerts::check().await));
        }
        ("/check-alerts-if-due", &Method::POST) => {
            alerts::check_later_if_due();
            return Ok(reply::empty(StatusCode::ACCEPTED));
        }
        ("/prewarm" | "/status-and-traffic" | "/check-alerts" | "/check-alerts-if-due", _) => {
            return Err(Problem::method_not_allowed("POST"));
        }
        (_, &Method::GET) => {}
        (_, _) => return Err(Problem::method_not_allowed("GET")),
    }
    let question = Question::read(
        uri.path().trim_start_matches('/'),
        uri.query().unwrap_or_default(),
    )?;
    let settings = Settings::read().await;
    if let Question::Export {
        format,
        range,
        filter,
        include_metadata,
        compression,
    } = question
    {
        let form = export::Form {
            format,
            range,
            filter,
            include_metadata,
            compression,
        };
        return export::export(settings, form).await;
    }
    let forced = conditions::is_no_cache(request.headers());
    let served = serve::serve(&settings, &question, forced).await?;
    Ok(conditions::reply(request.headers(), served, forced))
}
