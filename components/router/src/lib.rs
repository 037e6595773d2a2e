//! The router: the only component that clients reach.
//!
//! | path | question |
//! |---|---|
//! | `POST /collect` | none: hits for the collector, see [`collect`] |
//! | `GET /admin/global-stats` | `global-stats` |
//! | `GET /admin/top-paths` | `top-paths` |
//! | `GET /admin/top-ips` | `top-ips` |
//! | `GET /admin/timeseries` | `timeseries` |
//! | `GET /admin/ips/{ip}` | `ips/{ip}` |
//! | `GET /admin/paths?key=` | `paths` |
//! | `GET /admin/export` | `export-data` |
//! | `GET /admin/aggregator-status` | `status` |
//! | `POST /admin/prewarm` | none: has those computed that are asked for most |
//!
//! Lets in whoever has the admin token, refuses parameters that are not as they must be, and hands the rest to the aggregator.
//! Has no key-value store; what it answers with, the aggregator said.

mod collect;
mod route;

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use rollcall_tally::Failure;
use rollcall_web::whole::{self, Whole};
use rollcall_web::{Problem, Reply, auth, call, variable};
use spin_sdk::http::{Request, box_body};
use spin_sdk::http_service;

use route::Route;

/// The headers of a question that go to the aggregator.
const HANDED_ON: [HeaderName; 2] = [header::CACHE_CONTROL, header::IF_NONE_MATCH];
/// The headers of its answer that go to the client.
const HANDED_BACK: [HeaderName; 8] = [
    header::AGE,
    HeaderName::from_static("cache-status"),
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::ETAG,
    header::RETRY_AFTER,
    header::TRAILER,
];

/// How often a question is put to the aggregator that gets no answer of its own.
const TRIES: usize = 2;

#[http_service]
async fn handle(request: Request) -> Reply {
    let answer = match request.uri().path() {
        // A trailing slash does not matter to Spin, which sends both here.
        "/collect" | "/collect/" => collect::collect(request).await,
        _ => answer(&request).await,
    };
    let mut reply = answer.unwrap_or_else(Problem::into);
    let headers = reply.headers_mut();
    // Answers name IPs: no cache on the way may keep them, only the client's own, which asks whether they are still right; no page
    // may frame or sniff them.
    let cache_control = match headers.contains_key(header::ETAG) {
        true => "private, no-cache",
        false => "no-store",
    };
    headers.insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static(cache_control),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        http::HeaderValue::from_static("nosniff"),
    );
    reply
}

async fn answer(request: &Request) -> Result<Reply, Problem> {
    let token = variable::text("admin_token").await;
    if !auth::is_authorized(request.headers(), &token) {
        return Err(Problem::unauthorized());
    }
    let (method, path) = match Route::of(request)? {
        Route::Question(question) => (Method::GET, format!("/{}", question.write())),
        Route::Prewarm => (Method::POST, "/prewarm".to_owned()),
    };
    ask(method, &path, some_of(request.headers(), HANDED_ON)).await
}

/// Asks the aggregator, and once more if it died: another request may have been the cause. Its answers and its problems are for clients;
/// anything else is not.
async fn ask(method: Method, path: &str, headers: HeaderMap) -> Result<Reply, Problem> {
    for _ in 0..TRIES {
        let (method, headers) = (method.clone(), headers.clone());
        let answer = call::request("aggregator", method, path, headers, "").await?;
        let (head, body) = answer.into_parts();
        let is_answer = matches!(head.status, StatusCode::OK | StatusCode::NOT_MODIFIED);
        if is_answer || route::is_problem(&head.headers) {
            let mut reply = Reply::new(match whole::is_announced(&head.headers) {
                true => box_body(Whole::new(body)),
                false => box_body(body),
            });
            *reply.status_mut() = head.status;
            *reply.headers_mut() = some_of(&head.headers, HANDED_BACK);
            return Ok(reply);
        }
        eprintln!("the aggregator answered {} to {path}", head.status);
    }
    Err(Failure::Unavailable("the aggregator failed".to_owned()).into())
}

/// Those of some headers that are there.
fn some_of<const N: usize>(headers: &HeaderMap, names: [HeaderName; N]) -> HeaderMap {
    let found = names.into_iter().filter_map(|name| {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    });
    found.collect()
}
