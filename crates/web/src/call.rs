//! Calls from one component to another, in the process (service chaining).
//!
//! Chained requests know no timeout, so each call brings its own deadline. A callee that fails in any way, a trap included, is a
//! [`Failure`] here.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use rollcall_tally::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::{FullBody, Response};

/// Calls a function of another component's private API: postcard in, postcard out.
pub async fn function<A: Serialize, T: DeserializeOwned>(
    component: &str,
    function: &str,
    argument: &A,
    deadline: Duration,
) -> Result<T, Failure> {
    let call = async {
        let body = postcard::to_allocvec(argument).map_err(|error| broken(component, &error))?;
        let path = format!("/{function}");
        let answer = request(component, Method::POST, &path, body).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| broken(component, &error))?.to_bytes();
        match status {
            StatusCode::OK => {
                postcard::from_bytes(&body).map_err(|error| broken(component, &error))
            }
            _ => Err(postcard::from_bytes(&body).unwrap_or_else(|_| broken(component, &status))),
        }
    };
    within(deadline, call).await.unwrap_or_else(|| {
        let waited_ms = deadline.as_millis();
        Err(Failure::Unavailable(format!(
            "{component} did not answer {function} within {waited_ms} ms"
        )))
    })
}

/// Sends a request to another component and hands on its answer as it comes.
pub async fn request(
    component: &str,
    method: Method,
    path_and_query: &str,
    body: impl Into<Bytes>,
) -> Result<Response, Failure> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{component}.spin.internal{path_and_query}"))
        .body(FullBody::new(body.into()))
        .map_err(|error| broken(component, &error))?;
    let answer = spin_sdk::http::send(request).await;
    answer.map_err(|error| broken(component, &error))
}

/// The value, unless it takes longer than that.
pub async fn within<T>(deadline: Duration, value: impl Future<Output = T>) -> Option<T> {
    let value = std::pin::pin!(value);
    let sleep = std::pin::pin!(spin_sdk::time::sleep(deadline));
    match select(value, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn broken(component: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::Unavailable(format!("{component}: {error}"))
}
