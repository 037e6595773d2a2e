//! `POST /collect`: checks the ingest token, and hands the hits to the collector.
//!
//! The deadline has to be here: while the store hangs, the collector's instances hang, and their
//! timers, too. The deadline begins when the whole body has come, so that a slow client does not
//! use it up.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use rollcall_tally::Failure;
use rollcall_web::auth::{TOKEN_NUMBER, Tokens, bearer};
use rollcall_web::hits_head::{BATCH, HitsHead};
use rollcall_web::{Problem, Reply, body, call, sender};
use spin_sdk::http::{FullBody, Request, box_body};

use crate::headers::some_of;
use crate::{alerts, route, throttle};

/// The time that the collector may take. It is more than the 5 s within which the ledger
/// acknowledges. If the collector takes longer, the answer is a 503, and the hits may still count.
const DEADLINE: Duration = Duration::from_secs(8);

/// The headers of a request that are handed on to the collector.
const HANDED_ON: [HeaderName; 3] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    HeaderName::from_static("idempotency-key"),
];
/// The headers of the collector's answer that are handed back to the client.
const HANDED_BACK: [HeaderName; 3] = [CONTENT_TYPE, RETRY_AFTER, BATCH];

pub async fn collect(request: Request) -> Result<Reply, Problem> {
    let tokens = Tokens::configured("ingest_token").await;
    let number = match bearer(request.headers()) {
        Some(token) => match tokens.number(token) {
            Some(number) => number,
            None => return Err(throttle::wrong_token().await),
        },
        None => return Err(Problem::unauthorized()),
    };
    if request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    // Before the body, which may be large and slow.
    HitsHead::read(request.uri(), request.headers())?;
    let path = match request.uri().query() {
        Some(query) => format!("/collect?{query}"),
        None => "/collect".to_owned(),
    };
    let mut headers = some_of(request.headers(), HANDED_ON);
    sender::hand_on(request.headers(), &mut headers);
    headers.insert(TOKEN_NUMBER, number.into());
    let body = body::read(request, body::COLLECT_BYTES_MAX).await?;
    Ok(reply(hand_on(&path, headers, body).await?))
}

/// Has the collector record hits. Its answer is that the hits are recorded, or a problem.
pub async fn hand_on(
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Bytes>, Problem> {
    let answer = call::post("collector", path, headers, body, DEADLINE).await?;
    if is_recorded(answer.status()) {
        alerts::after_hits();
    } else if !route::is_problem(answer.headers()) {
        let what = format!("the collector answered {} to {path}", answer.status());
        return Err(Failure::Unavailable(what).into());
    }
    Ok(answer)
}

pub fn is_recorded(status: StatusCode) -> bool {
    matches!(status, StatusCode::ACCEPTED | StatusCode::OK)
}

/// Gives the collector's answer to the client.
pub fn reply(answer: Response<Bytes>) -> Reply {
    let (head, body) = answer.into_parts();
    let mut reply = Reply::new(box_body(FullBody::new(body)));
    *reply.status_mut() = head.status;
    *reply.headers_mut() = some_of(&head.headers, HANDED_BACK);
    reply
}
