//! The collector: keeps the state of every IP in a key-value store.
//!
//! | path | who | what |
//! |---|---|---|
//! | `POST /collect` | the router, for gateways | record hits; see [`collect`] |
//! | `POST /take-snapshot`, `/list-ips`, … | the aggregator, and the router `/count-up` | the functions of `rollcall:stats/collector` and `shared`; see [`call`] |
//!
//! Private: reached by service chaining alone. Checks no token, and makes no outgoing request. While the store does not answer, nothing
//! here does, timers included: whoever calls brings a deadline.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod background;
mod call;
mod clock;
mod collect;
mod gate;
mod route;
mod service;
mod shared;
mod store;

use rollcall_tally::{
    Batch, Count, ExportRow, Failure, IpList, KeptAnswer, LedgerStatus, PageRange, RawHit,
    Recalled, Receipt, Snapshot, Summary,
};
use rollcall_web::{Problem, Reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use route::Route;
use service::Service;

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
        world: "collector-interfaces",
        with: { "rollcall:stats/types@0.1.0": rollcall_tally::contract },
        generate_all,
    });
    use super::Collector;
    export!(Collector with_types_in self);
}

#[http_service]
async fn handle(request: Request) -> Reply {
    let answer = match Route::of(&request) {
        Ok(Route::Collect) => collect::collect(request).await,
        Ok(Route::Call(function)) => call::call(function, request).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(Problem::into)
}

/// The same functions for components that call them with no HTTP.
struct Collector;

impl bindings::exports::rollcall::stats::collector::Guest for Collector {
    async fn record(hits: Vec<RawHit>, batch_id: Option<String>) -> Result<Receipt, Failure> {
        let service = Service::open_to_record().await?;
        service.record_raw(hits, batch_id).await
    }

    async fn take_snapshot() -> Result<Snapshot, Failure> {
        Service::open().await?.take_snapshot().await
    }

    async fn list_ips(pages: PageRange) -> Result<IpList, Failure> {
        Service::open().await?.list_ips(pages).await
    }

    async fn summarize(batch: Batch) -> Result<Summary, Failure> {
        Service::open().await?.summarize(batch).await
    }

    async fn rows(batch: Batch) -> Result<Vec<ExportRow>, Failure> {
        Service::open().await?.rows(batch).await
    }

    async fn status() -> Result<LedgerStatus, Failure> {
        Service::open().await?.status().await
    }
}

impl bindings::exports::rollcall::stats::shared::Guest for Collector {
    async fn recall(question: String, newer_than_ms: u64) -> Result<Recalled, Failure> {
        let service = Service::open().await?;
        service.recall(&question, newer_than_ms).await
    }

    async fn claim(question: String, generation: u64) -> Result<bool, Failure> {
        Service::open().await?.claim(&question, generation).await
    }

    async fn renew_claim(question: String) -> Result<(), Failure> {
        Service::open().await?.renew_claim(&question).await
    }

    async fn end_claim(question: String, generation: u64) -> Result<(), Failure> {
        let service = Service::open().await?;
        service.end_claim(&question, generation).await
    }

    async fn keep(answer: KeptAnswer, generation: u64) -> Result<(), Failure> {
        Service::open().await?.keep(&answer, generation).await
    }

    async fn sweep() -> Result<(), Failure> {
        Service::open().await?.sweep().await
    }

    async fn count_up(counts: Vec<Count>) -> Result<Vec<Count>, Failure> {
        Service::open().await?.count_up(&counts).await
    }
}
