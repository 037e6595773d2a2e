//! Asks the aggregator.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use rollcall_tally::Failure;
use rollcall_tally::question::Question;
use rollcall_web::{Problem, call, log};
use spin_sdk::http::Response;

use crate::route;

/// The time that an answer may take. The aggregator has a deadline of its own, of a minute at most.
/// If it takes longer than this, it hangs.
pub const DEADLINE: Duration = Duration::from_secs(70);
/// How often a question is put to the aggregator if the aggregator gives no answer.
const TRIES: usize = 2;

/// Puts a question to the aggregator.
pub async fn ask(question: &Question, headers: HeaderMap) -> Result<Response, Problem> {
    exchange("/answer", headers, call::encode(question)?).await
}

/// Asks the aggregator. If the aggregator dies, it is asked once more, because another request may
/// have killed it. Only its answers and its problems go to the client.
pub async fn exchange(path: &str, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    for _ in 0..TRIES {
        let (headers, body) = (headers.clone(), body.clone());
        let answer = call::request("aggregator", Method::POST, path, headers, body);
        let hangs = || Failure::Unavailable("the aggregator hangs".to_owned());
        let answer = call::within(DEADLINE, answer).await.ok_or_else(hangs)??;
        let status = answer.status();
        let is_answer = matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED);
        if is_answer || route::is_problem(answer.headers()) {
            return Ok(answer);
        }
        log!(
            Warn,
            "aggregator-failed",
            status = status.as_u16(),
            path = path
        );
    }
    Err(Failure::Unavailable("the aggregator failed".to_owned()).into())
}

/// Reads the whole body of an answer. It is small enough: the aggregator has it in memory, too.
pub async fn whole<B: Body<Error: Display>>(body: B) -> Result<Bytes, Failure> {
    match call::within(DEADLINE, body.collect()).await {
        Some(Ok(body)) => Ok(body.to_bytes()),
        Some(Err(error)) => Err(Failure::Unavailable(format!(
            "the aggregator's answer: {error}"
        ))),
        None => Err(Failure::Unavailable("the aggregator hangs".to_owned())),
    }
}
