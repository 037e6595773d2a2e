//! The aggregator: answers across all IPs.
//!
//! | path | what |
//! |---|---|
//! | `GET /global-stats`, `/top-paths`, `/top-ips`, `/export-data`, `/status` | a [`Question`] and its answer |
//! | `POST /prewarm` | computes the answers that are asked for most; see [`prewarm`] |
//!
//! A private route: only other components of the app get here. Each answer is of one snapshot, read from the collector by a
//! bounded number of requests at once. Answers are kept for a while, in memory and, through the collector, in the store; it has no
//! key-value store of its own.

mod answer;
mod collector;
mod conditions;
mod counters;
mod export;
mod fan_out;
mod flight;
mod memory;
mod prewarm;
mod serve;
mod settings;
mod status;

use http::Method;
use rollcall_tally::question::{NotUnderstood, Question};
use rollcall_tally::report::{GlobalStats, PathOrder, TopIps, TopPaths};
use rollcall_tally::{Failure, Window};
use rollcall_web::{Problem, Reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use settings::Settings;

#[allow(unsafe_code, reason = "made by wit-bindgen")]
#[allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "aggregator-interfaces",
        with: {
            "rollcall:stats/types@0.1.0": rollcall_tally::contract,
            "rollcall:stats/reports@0.1.0": rollcall_tally::report,
        },
        generate_all,
    });
    use super::Aggregator;
    export!(Aggregator with_types_in self);
}

#[http_service]
async fn handle(request: Request) -> Reply {
    handle_request(&request).await.unwrap_or_else(Problem::into)
}

async fn handle_request(request: &Request) -> Result<Reply, Problem> {
    let uri = request.uri();
    match (uri.path(), request.method()) {
        ("/prewarm", &Method::POST) => return prewarm::prewarm().await,
        ("/prewarm", _) => return Err(Problem::method_not_allowed("POST")),
        (_, &Method::GET) => {}
        (_, _) => return Err(Problem::method_not_allowed("GET")),
    }
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
        include_metadata,
        compression,
    } = question
    {
        let form = export::Form {
            format,
            range,
            include_metadata,
            compression,
        };
        return export::export(settings, form).await;
    }
    let forced = conditions::is_no_cache(request.headers());
    let served = serve::serve(&settings, &question, forced).await?;
    Ok(conditions::reply(request.headers(), served, forced))
}

/// The same answers for components that ask with no HTTP. They are computed anew each time.
struct Aggregator;

impl bindings::exports::rollcall::stats::aggregator::Guest for Aggregator {
    async fn get_global_stats(
        window: Window,
        include_metrics: bool,
        include_costs: bool,
    ) -> Result<GlobalStats, Failure> {
        answer::global_stats(
            &Settings::read().await,
            window,
            include_metrics,
            include_costs,
        )
        .await
    }

    async fn get_top_paths(
        window: Window,
        limit: u32,
        order: PathOrder,
    ) -> Result<TopPaths, Failure> {
        answer::top_paths(&Settings::read().await, window, limit, order).await
    }

    async fn get_top_ips(window: Window, limit: u32) -> Result<TopIps, Failure> {
        answer::top_ips(&Settings::read().await, window, limit).await
    }
}
