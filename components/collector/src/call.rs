//! The functions of `rollcall:stats/collector` and `shared` over HTTP: the arguments, and the result or the failure, as postcard.

use http::StatusCode;
use rollcall_tally::{Count, Failure, KeptAnswer};
use rollcall_web::{Problem, Reply, body, reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;

use crate::route::Function;
use crate::service::Service;
use crate::shared;

/// The longest list of arguments: an answer to be kept, with its question.
const ARGUMENT_BYTES_MAX: usize = shared::BODY_BYTES_MAX + 64 * 1024;

/// Calls a function. A failure of it is no problem of HTTP's: it is answered as what it is.
pub async fn call(function: Function, request: Request) -> Result<Reply, Problem> {
    let argument = body::read(request, ARGUMENT_BYTES_MAX).await?;
    Ok(answer(function, &argument).await.unwrap_or_else(|failure| {
        let status = match failure {
            Failure::Invalid(_) => StatusCode::BAD_REQUEST,
            Failure::Unavailable(_) | Failure::Behind(_) => StatusCode::SERVICE_UNAVAILABLE,
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
        Function::Recall => {
            let (question, newer_than_ms): (String, u64) = read(argument)?;
            ok(service.recall(&question, newer_than_ms).await?)
        }
        Function::Claim => {
            let (question, generation): (String, u64) = read(argument)?;
            ok(service.claim(&question, generation).await?)
        }
        Function::RenewClaim => {
            let question: String = read(argument)?;
            ok(service.renew_claim(&question).await?)
        }
        Function::EndClaim => {
            let (question, generation): (String, u64) = read(argument)?;
            ok(service.end_claim(&question, generation).await?)
        }
        Function::Keep => {
            let (answer, generation): (KeptAnswer, u64) = read(argument)?;
            ok(service.keep(&answer, generation).await?)
        }
        Function::Sweep => ok(service.sweep().await?),
        Function::CountUp => {
            let counts: Vec<Count> = read(argument)?;
            ok(service.count_up(&counts).await?)
        }
    }
}

fn ok(result: impl Serialize) -> Result<Reply, Failure> {
    Ok(reply::postcard(StatusCode::OK, &result))
}

fn read<T: DeserializeOwned>(argument: &[u8]) -> Result<T, Failure> {
    postcard::from_bytes(argument).map_err(|error| Failure::Invalid(error.to_string()))
}
