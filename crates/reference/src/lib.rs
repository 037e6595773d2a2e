//! A handler that makes the two store calls of an append, and nothing else. It checks no token,
//! reads no hit and folds nothing. `cargo xtask bench` compares recording with it.

use http::StatusCode;
use rollcall_web::{Problem, Reply, body, log, reply};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use bindings::wasi::keyvalue::atomics;
use bindings::wasi::keyvalue::store::{self, Error};

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
        path: "../../wit/deps/wasi-keyvalue-2024-10-17",
        inline: "
            package rollcall:reference;
            world calls {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
            }
        ",
        generate_all,
    });
}

#[http_service]
async fn handle(request: Request) -> Reply {
    match record(request).await {
        Ok(()) => reply::empty(StatusCode::ACCEPTED),
        Err(problem) => problem.into(),
    }
}

async fn record(request: Request) -> Result<(), Problem> {
    let body = body::read(request, body::COLLECT_BYTES_MAX).await?;
    append(&body).map_err(|error| {
        log!(Error, "store-failed", error = format!("{error:?}"));
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The store failed.")
    })
}

fn append(body: &[u8]) -> Result<(), Error> {
    let bucket = store::open("default")?;
    let n = atomics::increment(&bucket, "next", 1)?;
    bucket.set(&format!("log:{n}"), body)
}
