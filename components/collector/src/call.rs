//! The functions of `rollcall:stats/collector` over HTTP: the arguments, and the result or the failure, as postcard.

use http::StatusCode;
use rollcall_tally::Failure;
use rollcall_web::{Problem, Reply, body, reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;

use crate::route::Function;
use crate::service::Service;

/// The longest list of arguments: a batch of the most IPs, twice over.
const ARGUMENT_BYTES_MAX: usize = 256 * 1024;

/// Calls a function. A failure of it is no problem of HTTP's: it is answered as what it is.
pub async fn call(function: Function, request: Request) -> Result<Reply, Problem> {
    let argument = body::read(request, ARGUMENT_BYTES_MAX).await?;
    Ok(answer(function, &argument).await.unwrap_or_else(|failure| {
        let status = match failure {
            Failure::Invalid(_) => StatusCode::BAD_REQUEST,
            Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::NotFound(_) => StatusCode::NOT_FOUND,
            Failure::Gone => StatusCode::GONE,
            Failure::Corrupt(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        reply::postcard(status, &failure)
    }))
}

async fn answer(function: Function, argument: &[u8]) -> Result<Reply, Failure> {
    let service = Service::open().await?;
    match function {
        Function::TakeSnapshot => ok(service.take_snapshot().await?),
        Function::ListIps => ok(service.list_ips(read(argument)?).await?),
        Function::Summarize => ok(service.summarize(read(argument)?).await?),
        Function::Rows => ok(service.rows(read(argument)?).await?),
        Function::Status => ok(service.status().await?),
    }
}

fn ok(result: impl Serialize) -> Result<Reply, Failure> {
    Ok(reply::postcard(StatusCode::OK, &result))
}

fn read<T: DeserializeOwned>(argument: &[u8]) -> Result<T, Failure> {
    postcard::from_bytes(argument).map_err(|error| Failure::Invalid(error.to_string()))
}
