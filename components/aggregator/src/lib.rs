//! The aggregator: answers across all IPs.
//!
//! | path | what |
//! |---|---|
//! | `GET /global-stats`, `/top-paths`, `/top-ips`, `/export-data`, `/status` | a [`Question`] and its answer |
//!
//! A private route: only other components of the app get here. Each answer is of one snapshot, read from the collector by a
//! bounded number of requests at once. Keeps no state, and has no key-value store.

mod answer;
mod collector;
mod export;
mod fan_out;
mod settings;

use http::{Method, StatusCode};
use rollcall_tally::question::{NotUnderstood, Question};
use rollcall_tally::report::{GlobalStats, PathOrder, TopIps, TopPaths};
use rollcall_tally::{Failure, Window};
use rollcall_web::{Problem, Reply, reply};
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
    let answer = match question {
        Question::GlobalStats {
            window,
            include_metrics,
            include_costs,
        } => {
            let stats =
                answer::global_stats(&settings, window, include_metrics, include_costs).await?;
            reply::json(StatusCode::OK, &stats)
        }
        Question::TopPaths {
            window,
            limit,
            order,
        } => reply::json(
            StatusCode::OK,
            &answer::top_paths(&settings, window, limit, order).await?,
        ),
        Question::TopIps { window, limit } => reply::json(
            StatusCode::OK,
            &answer::top_ips(&settings, window, limit).await?,
        ),
        Question::Export {
            format,
            range,
            include_metadata,
            compression,
        } => {
            let form = export::Form {
                format,
                range,
                include_metadata,
                compression,
            };
            export::export(settings, form).await?
        }
        Question::Status => reply::json(StatusCode::OK, &answer::status(&settings).await?),
    };
    Ok(answer)
}

/// The same answers for components that ask with no HTTP.
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
