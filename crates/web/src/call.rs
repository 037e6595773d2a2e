//! Calls from one component to another, in the process (service chaining).
//!
//! A chained request has no timeout, so each call has a deadline. If the callee fails in any way, a
//! trap included, the caller gets a [`Failure`].

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use rollcall_tally::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::{FullBody, IntoRequest, Response};
use spin_sdk::wasip3::http::types::ErrorCode;

/// Calls a function of another component's private API: postcard in, postcard out.
pub async fn function<A: Serialize, T: DeserializeOwned>(
    component: &str,
    function: &str,
    argument: &A,
    deadline: Duration,
) -> Result<T, Failure> {
    let argument = encode(argument)?;
    let path = format!("/{function}");
    let answer = post(component, &path, HeaderMap::new(), argument, deadline).await?;
    let (status, body) = (answer.status(), answer.body());
    match status {
        StatusCode::OK => postcard::from_bytes(body).map_err(|error| broken(component, &error)),
        _ => Err(postcard::from_bytes(body).unwrap_or_else(|_| broken(component, &status))),
    }
}

/// Writes a value as postcard, for another component.
pub fn encode(value: &impl Serialize) -> Result<Bytes, Failure> {
    let unwritable = |error| Failure::Unavailable(format!("a value as postcard: {error}"));
    let bytes = postcard::to_allocvec(value).map_err(unwritable)?;
    Ok(bytes.into())
}

/// Posts to another component and waits for the whole answer.
pub async fn post(
    component: &str,
    path_and_query: &str,
    headers: HeaderMap,
    body: impl Into<Bytes>,
    deadline: Duration,
) -> Result<http::Response<Bytes>, Failure> {
    let exchange = async {
        let answer = request(component, Method::POST, path_and_query, headers, body).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await;
        let body = body.map_err(|error| broken(component, &error))?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    };
    within(deadline, exchange).await.unwrap_or_else(|| {
        let waited_ms = deadline.as_millis();
        Err(Failure::Unavailable(format!(
            "{component} did not answer {path_and_query} within {waited_ms} ms"
        )))
    })
}

/// Sends a request to another component. Returns the answer as soon as its head has come.
pub async fn request(
    component: &str,
    method: Method,
    path_and_query: &str,
    headers: HeaderMap,
    body: impl Into<Bytes>,
) -> Result<Response, Failure> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{component}.spin.internal{path_and_query}"))
        .body(FullBody::new(body.into()))
        .map_err(|error| broken(component, &error))?;
    *request.headers_mut() = headers;
    let answer = send(request).await;
    answer.map_err(|error| broken(component, &error))
}

/// Sends a request to the host in its URI.
pub async fn send(request: impl IntoRequest) -> Result<Response, ErrorCode> {
    with_spawned(spin_sdk::http::send(request)).await
}

/// Runs a future, and polls once more the tasks that it spawns at its beginning. Sending a request
/// spawns a task that writes the body. wit-bindgen 0.57 polls a spawned task only at the next event
/// of the calling task. But that event may be the answer, and the answer waits for the body. So
/// this makes an event.
async fn with_spawned<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut has_spawned = false;
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if polled.is_pending() && !std::mem::replace(&mut has_spawned, true) {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}

/// The value. `None`: it takes longer than the deadline.
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
