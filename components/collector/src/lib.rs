//! The collector: keeps the state of every IP in a key-value store.
//!
//! | path | caller | job |
//! |---|---|---|
//! | `POST /collect` | the router, for gateways | record hits; see [`collect`] |
//! | `POST /take-snapshot`, `/list-ips`, … | the aggregator | the functions; see [`call`] |
//! | `POST /count-up` | the aggregator and the router | one of the functions |
//! | `POST /caller` | other components of the app | one of the functions |
//!
//! The functions are those of `rollcall:stats/collector`, `callers` and `shared`.
//! [`collector_functions`] lists them.
//!
//! The collector is private: only service chaining reaches it. It checks no token, and makes no
//! outgoing request. While the store does not answer, nothing in the instance runs, and timers do
//! not run either. So each caller needs a deadline.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod app_store;
mod append;
mod background;
mod backlog;
#[allow(unsafe_code, reason = "made by wit-bindgen")]
#[allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
mod bindings;
mod call;
mod clock;
mod collect;
mod gate;
mod places;
mod rate;
mod reading;
mod refused;
mod route;
mod service;
mod shared;
mod store;

use rollcall_tally::contract::*;
use rollcall_web::{Problem, Reply, collector_functions};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use route::Route;
use service::Service;

#[http_service]
async fn handle(request: Request) -> Reply {
    let answer = match Route::of(&request) {
        Ok(Route::Collect) => collect::collect(request).await,
        Ok(Route::Call(function)) => call::call(function, request).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(Problem::into)
}

/// A fold allocates much memory, and the allocator of WASI's libc is slower.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The functions over WIT, for components that call them without HTTP.
struct Collector;

macro_rules! exports {
    (
        collector { $($_collector:literal $name:ident($($argument:ident: $Type:ty),*) -> $Result:ty;)* }
        callers { $($_callers:literal $asked:ident($($asks:ident: $Asked:ty),*) -> $Known:ty;)* }
        shared { $($_shared:literal $shared:ident($($shares:ident: $Shared:ty),*) -> $Answer:ty;)* }
    ) => {
        impl bindings::exports::rollcall::stats::collector::Guest for Collector {
            /// Over HTTP, hits come to `/collect`.
            async fn record(hits: Vec<RawHit>, batch_id: Option<String>) -> Result<Receipt, Failure> {
                Service::open_to_record().await?.record_raw(hits, batch_id).await
            }

            $(async fn $name($($argument: <$Type as ToOwned>::Owned),*) -> Result<$Result, Failure> {
                Service::open().await?.$name($($argument),*).await
            })*
        }

        impl bindings::exports::rollcall::stats::callers::Guest for Collector {
            $(async fn $asked($($asks: <$Asked as ToOwned>::Owned),*) -> Result<$Known, Failure> {
                Service::open().await?.$asked($($asks),*).await
            })*
        }

        impl bindings::exports::rollcall::stats::shared::Guest for Collector {
            $(async fn $shared($($shares: <$Shared as ToOwned>::Owned),*) -> Result<$Answer, Failure> {
                Service::open().await?.$shared($($shares),*).await
            })*
        }
    };
}

collector_functions!(exports);

#[allow(unsafe_code, reason = "made by wit-bindgen")]
mod exported {
    use super::{Collector, bindings};

    bindings::export!(Collector with_types_in bindings);
}
