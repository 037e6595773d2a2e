//! The functions of `rollcall:stats/collector`, `callers` and `shared` over HTTP. The arguments, the
//! result and the failure are postcard.

use http::StatusCode;
use rollcall_tally::backup::PART_BYTES_MAX;
use rollcall_tally::contract::*;
use rollcall_web::{Problem, Reply, body, collector_functions, reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;

use crate::service::Service;
use crate::shared;

/// The most bytes of the arguments: a part of a backup, or an answer to be kept, which is shorter.
const ARGUMENT_BYTES_MAX: usize = PART_BYTES_MAX + 64 * 1024;
const _: () = assert!(shared::BODY_BYTES_MAX < PART_BYTES_MAX);

/// Calls a function. If the function fails, the response has this failure, not a problem of HTTP.
pub async fn call(function: &str, request: Request) -> Result<Reply, Problem> {
    let argument = body::read(request, ARGUMENT_BYTES_MAX).await?;
    Ok(answer(function, &argument).await.unwrap_or_else(|failure| {
        let status = match failure {
            Failure::Invalid(_) => StatusCode::BAD_REQUEST,
            Failure::Unavailable(_) | Failure::Behind(_) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::NotFound(_) => StatusCode::NOT_FOUND,
            Failure::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Failure::Gone => StatusCode::GONE,
            Failure::Corrupt(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        reply::postcard(status, &failure)
    }))
}

macro_rules! dispatch {
    ($($interface:ident {
        $($path:literal $name:ident($($argument:ident: $Type:ty),*) -> $Result:ty;)*
    })*) => {
        /// The functions, by their names over HTTP.
        pub const FUNCTIONS: &[&str] = &[$($($path,)*)*];

        async fn answer(function: &str, argument: &[u8]) -> Result<Reply, Failure> {
            let service = Service::open().await?;
            match function {
                $($(
                    $path => {
                        let ($($argument,)*): ($(<$Type as ToOwned>::Owned,)*) = read(argument)?;
                        ok(service.$name($($argument),*).await?)
                    }
                )*)*
                _ => Err(Failure::Invalid(format!("there is no function {function}"))),
            }
        }
    };
}

collector_functions!(dispatch);

fn ok(result: impl Serialize) -> Result<Reply, Failure> {
    Ok(reply::postcard(StatusCode::OK, &result))
}

fn read<T: DeserializeOwned>(argument: &[u8]) -> Result<T, Failure> {
    postcard::from_bytes(argument).map_err(|error| Failure::Invalid(error.to_string()))
}
