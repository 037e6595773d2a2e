//! The router: the admin API.
//!
//! | path | question |
//! |---|---|
//! | `GET /admin/global-stats` | `global-stats` |
//! | `GET /admin/top-paths` | `top-paths` |
//! | `GET /admin/top-ips` | `top-ips` |
//! | `GET /admin/timeseries` | `timeseries` |
//! | `GET /admin/ips/{ip}` | `ips/{ip}` |
//! | `GET /admin/paths?key=` | `paths` |
//! | `GET /admin/export` | `export-data` |
//! | `GET /admin/aggregator-status` | `status` |
//!
//! Lets in whoever has the admin token, refuses parameters that are not as they must be, and hands the rest to the aggregator.
//! Has no key-value store; what it answers with, the aggregator said.

mod route;

use http::{HeaderName, Method, StatusCode, header};
use rollcall_tally::question::Question;
use rollcall_web::{Problem, Reply, auth, call, variable};
use spin_sdk::http::{Request, box_body};
use spin_sdk::http_service;

/// The headers of the aggregator's answer that go to the client.
const HANDED_ON: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
];

#[http_service]
async fn handle(request: Request) -> Reply {
    let mut reply = match answer(&request).await {
        Ok(reply) => reply,
        Err(problem) => problem.into(),
    };
    let headers = reply.headers_mut();
    // Answers name IPs: no cache on the way may keep them, no page may frame or sniff them.
    headers.insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
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
    let question = route::question(request)?;
    ask(question).await
}

/// Asks the aggregator. Its answers and its problems are for clients; anything else is not.
async fn ask(question: Question) -> Result<Reply, Problem> {
    let path = format!("/{}", question.write());
    let answer = call::request("aggregator", Method::GET, &path, "").await?;
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK && !route::is_problem(&head.headers) {
        eprintln!("the aggregator answered {} to {path}", head.status);
        return Err(Problem::new(
            StatusCode::BAD_GATEWAY,
            "The answer could not be computed.",
        ));
    }
    let mut reply = Reply::new(box_body(body));
    *reply.status_mut() = head.status;
    for name in HANDED_ON.into_iter().chain([header::RETRY_AFTER]) {
        if let Some(value) = head.headers.get(&name) {
            reply.headers_mut().insert(name, value.clone());
        }
    }
    Ok(reply)
}
