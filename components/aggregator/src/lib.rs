//! The aggregator: answers across all IPs.
//!
//! | path | what |
//! |---|---|
//! | `GET /global-stats`, `/top-paths`, `/top-ips`, `/timeseries`, `/paths`, `/ips/{ip}`, `/export-data`, `/status` | a [`Question`] and its answer |
//!
//! A private route: only other components of the app get here. Each answer is of one snapshot, read from the collector by a
//! bounded number of requests at once. Keeps no state, and has no key-value store.

mod answer;
mod clock;
mod collector;
mod export;
mod fan_out;
mod query;
mod reports;
mod settings;
mod status;
mod typed;

use http::{Method, StatusCode};
use rollcall_tally::question::{NotUnderstood, Question};
use rollcall_web::{Problem, Reply, reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use settings::Settings;

#[http_service]
async fn handle(request: Request) -> Reply {
    handle_request(&request).await.unwrap_or_else(Problem::into)
}

async fn handle_request(request: &Request) -> Result<Reply, Problem> {
    if request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let uri = request.uri();
    let question = Question::read(
        uri.path().trim_start_matches('/'),
        uri.query().unwrap_or_default(),
    );
    let question = question.map_err(|error| match error {
        NotUnderstood::Unknown => Problem::not_found(),
        NotUnderstood::Parameters(bad) => Problem::bad_parameters(bad),
    })?;
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
    let answer = answer::compute(&settings, &question).await?;
    Ok(reply::full(StatusCode::OK, "application/json", answer.body))
}
