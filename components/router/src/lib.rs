//! The router: the only component that clients reach.
//!
//! | path | question |
//! |---|---|
//! | `POST /collect` | none: hits for the collector, see [`collect`] |
//! | `GET /admin/…` | the question of this path: `tally` has all questions |
//! | `GET /admin/metrics` | none: see [`metrics`] |
//! | `POST /admin/prewarm` | none: has the answers computed that are asked for most |
//! | `POST /admin/verify` | none: compares the sums over all IPs with what the IPs tell |
//! | `POST /admin/check-alerts` | none: has the alerts checked |
//! | `GET /admin/`, `/admin/dashboard/…` | some: pages for people, see [`dashboard`] |
//! | `GET /admin/assets/…` | none: their style and script |
//! | `GET /admin/openapi.json`, `/admin/docs` | none: the description of all this, see [`assets`] |
//! | `/admin/sign-in`, `/admin/sign-out` | none: people's sessions, see [`sign_in`] |
//! | `/` | none: leads to `/admin/` |
//! | `/healthz` | none: `ok`, and touches nothing |
//!
//! The router refuses clients that may not ask (see [`access`]), and bad parameters. It hands every
//! other request on. It has no key-value store: all that it says of the traffic comes from the
//! aggregator.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod access;
mod alerts;
mod assets;
mod clock;
mod collect;
mod dashboard;
mod headers;
mod keys;
mod local;
mod metrics;
mod route;
mod send;
mod session;
mod sign_in;
mod throttle;

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use rollcall_tally::Failure;
use rollcall_tally::question::Question;
use rollcall_web::trailer::{self, WithTrailer};
use rollcall_web::{Problem, Reply, call, log, reply};
use spin_sdk::http::{FullBody, Request, Response, box_body};
use spin_sdk::http_service;

use route::Route;

/// The headers of a question that are handed on to the aggregator.
const HANDED_ON: [HeaderName; 2] = [header::CACHE_CONTROL, header::IF_NONE_MATCH];
/// The headers of the aggregator's answer that are handed back to the client.
const HANDED_BACK: [HeaderName; 9] = [
    header::AGE,
    HeaderName::from_static("cache-status"),
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::ETAG,
    trailer::EXPORT_LACKS,
    header::RETRY_AFTER,
    header::TRAILER,
];

/// The time that an answer may take. The aggregator has a deadline of its own, of a minute at most.
/// If it takes longer than this, it hangs.
const DEADLINE: Duration = Duration::from_secs(70);
/// How often a question is put to the aggregator if the aggregator gives no answer.
const TRIES: usize = 2;

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_https = local::is_https(&request);
    let answer = match request.uri().path() {
        // For Spin, an exact route is the same with a slash at its end. So both paths come here.
        "/collect" | "/collect/" => collect::collect(request).await,
        "/healthz" | "/healthz/" => {
            reads(&request).map(|()| reply::full(StatusCode::OK, "text/plain", "ok"))
        }
        "/" | "/admin" => reads(&request).map(|()| local::see_other(local::HOME)),
        local::SIGN_IN => sign_in::sign_in(request).await,
        "/admin/sign-out" => sign_in::sign_out(&request),
        path => match assets::open(path) {
            Some(asset) => asset.serve(&request),
            None => answer(&request).await,
        },
    };
    let mut reply = answer.unwrap_or_else(Problem::into);
    headers::protect(&mut reply, is_https);
    send::at_once(&mut reply).await;
    reply
}

/// Refuses with a 405 a request that does not read. Needed for paths that are open to all.
fn reads(request: &Request) -> Result<(), Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method_not_allowed("GET, HEAD")),
    }
}

async fn answer(request: &Request) -> Result<Reply, Problem> {
    let visitor = match access::visitor(request).await {
        Ok(visitor) => visitor,
        Err(denied) => return Ok(denied.into()),
    };
    if let Some(name) = dashboard::question_of(request.uri().path()) {
        return dashboard::page(request, visitor, name).await;
    }
    if let Some(document) = assets::document(request.uri().path()) {
        return document.serve(request);
    }
    let headers = some_of(request.headers(), HANDED_ON);
    let answer = match Route::of(request)? {
        Route::Question(question) => ask(&question, headers).await?,
        Route::Metrics => return metrics::metrics().await,
        Route::Prewarm => exchange("/prewarm", headers, Bytes::new()).await?,
        Route::Verify => exchange("/verify", headers, Bytes::new()).await?,
        Route::CheckAlerts => exchange("/check-alerts", headers, Bytes::new()).await?,
    };
    let (head, body) = answer.into_parts();
    let mut reply = Reply::new(match trailer::is_announced(&head.headers) {
        true => box_body(WithTrailer::new(body)),
        false => box_body(FullBody::new(whole(body).await?)),
    });
    *reply.status_mut() = head.status;
    *reply.headers_mut() = some_of(&head.headers, HANDED_BACK);
    Ok(reply)
}

/// Puts a question to the aggregator.
async fn ask(question: &Question, headers: HeaderMap) -> Result<Response, Problem> {
    exchange("/answer", headers, call::encode(question)?).await
}

/// Asks the aggregator. If the aggregator dies, it is asked once more, because another request may
/// have killed it. Only its answers and its problems go to the client.
async fn exchange(path: &str, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
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
async fn whole<B: Body<Error: Display>>(body: B) -> Result<Bytes, Failure> {
    match call::within(DEADLINE, body.collect()).await {
        Some(Ok(body)) => Ok(body.to_bytes()),
        Some(Err(error)) => Err(Failure::Unavailable(format!(
            "the aggregator's answer: {error}"
        ))),
        None => Err(Failure::Unavailable("the aggregator hangs".to_owned())),
    }
}

/// Copies the headers with these names.
fn some_of<const N: usize>(headers: &HeaderMap, names: [HeaderName; N]) -> HeaderMap {
    let found = names.into_iter().filter_map(|name| {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    });
    found.collect()
}
