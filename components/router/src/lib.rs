//! The router: the only component that clients reach.
//!
//! | path | question |
//! |---|---|
//! | `POST /collect` | none: hits for the collector, see [`collect`] |
//! | `GET /collect/beacon` | none: a visit of a web page, see [`beacon`] |
//! | `GET /admin/…` | the question of this path: `tally` has all questions |
//! | `DELETE /admin/ips/{ip}`, `GET /admin/ips/{ip}/data` | none: for the collector, see [`of_ip`] |
//! | `GET /admin/batches/{number}` | none: for the collector, see [`batch`] |
//! | `GET /admin/metrics` | none: see [`metrics`] |
//! | `POST /admin/prewarm` | none: has the answers computed that are asked for most |
//! | `POST /admin/verify` | none: compares the sums over all IPs with what the IPs tell |
//! | `POST /admin/check-alerts` | none: has the alerts checked |
//! | `GET /admin/`, `/admin/live`, `/admin/dashboard/…` | some: pages for people, see [`dashboard`] |
//! | `GET /admin/assets/…` | none: their style and script |
//! | `GET /admin/openapi.json`, `/admin/docs` | none: the description of all this, see [`assets`] |
//! | `/admin/sign-in`, `/admin/sign-out` | none: people's sessions, see [`sign_in`] |
//! | `POST /admin/language` | none: the language of the pages, see [`language`] |
//! | `/` | none: leads to `/admin/` |
//! | `/healthz` | none: `ok`, and touches nothing |
//!
//! The router refuses clients that may not ask (see [`access`]), and bad parameters. It hands every
//! other request on. It has no key-value store: all that it says of the traffic comes from the
//! aggregator.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

#[macro_use]
mod texts;

mod access;
mod aggregator;
mod alerts;
mod assets;
mod backup;
mod batch;
mod beacon;
mod clock;
mod collect;
mod dashboard;
mod documents;
mod form;
mod headers;
mod keys;
mod language;
mod local;
mod metrics;
mod of_ip;
mod route;
mod send;
mod session;
mod sign_in;
mod throttle;

use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header};
use rollcall_web::trailer::{self, WithTrailer};
use rollcall_web::{Problem, Reply, call, reply};
use spin_sdk::http::{EmptyBody, FullBody, Request, box_body};
use spin_sdk::http_service;

use headers::some_of;
use route::Route;

/// The headers of a question that are handed on to the aggregator.
const HANDED_ON: [HeaderName; 2] = [header::CACHE_CONTROL, header::IF_NONE_MATCH];
/// The headers of the aggregator's answer that are handed back to the client.
const HANDED_BACK: [HeaderName; 10] = [
    header::AGE,
    HeaderName::from_static("cache-status"),
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::ETAG,
    header::EXPIRES,
    trailer::EXPORT_LACKS,
    header::RETRY_AFTER,
    header::TRAILER,
];

#[http_service]
async fn handle(mut request: Request) -> Reply {
    let is_https = local::is_https(&request);
    // The answer to a HEAD is that to a GET, without the body.
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
    }
    let answer = match request.uri().path() {
        // For Spin, an exact route is the same with a slash at its end. So both paths come here.
        "/collect" | "/collect/" => collect::collect(request).await,
        "/collect/beacon" | "/collect/beacon/" => beacon::beacon(&request).await,
        "/healthz" | "/healthz/" => {
            route::reads(&request).map(|()| reply::full(StatusCode::OK, "text/plain", "ok"))
        }
        "/" | "/admin" => route::reads(&request).map(|()| local::see_other(local::HOME)),
        local::SIGN_IN => sign_in::sign_in(request).await,
        language::PATH => language::choose(request).await,
        "/admin/sign-out" => sign_in::sign_out(&request),
        path => match assets::open(path) {
            Some(asset) => asset.serve(&request),
            None => answer(request).await,
        },
    };
    let mut reply = answer.unwrap_or_else(Problem::into);
    headers::protect(&mut reply, is_https);
    if is_head {
        return reply.map(|_| box_body(EmptyBody::new()));
    }
    send::at_once(&mut reply).await;
    reply
}

async fn answer(request: Request) -> Result<Reply, Problem> {
    let visitor = match access::visitor(&request).await {
        Ok(visitor) => visitor,
        Err(denied) => return Ok(denied.into()),
    };
    if dashboard::page_at(request.uri().path()).is_some() {
        return dashboard::show(request, visitor).await;
    }
    if let Some(document) = assets::document(request.uri().path()) {
        return document.serve(&request);
    }
    let headers = some_of(request.headers(), HANDED_ON);
    let answer = match Route::of(&request)? {
        Route::Question(question) => aggregator::ask(&question, headers).await?,
        Route::StoredIp(ip) => return of_ip::stored(ip).await,
        Route::Erase(ip) => return of_ip::erase(ip).await,
        Route::Batch(number) => return batch::receipt(number).await,
        Route::Backup => return backup::backup().await,
        Route::Restore { backup, replace } => return backup::begin(backup, replace, request).await,
        Route::RestorePart {
            backup,
            number,
            is_last,
        } => return backup::restore(backup, number, is_last, request).await,
        Route::Documents(kind) => return documents::list(kind).await,
        Route::PutDocument(kind, name) => return documents::put(kind, name, request).await,
        Route::DeleteDocument(kind, name) => return documents::delete(kind, &name).await,
        Route::TestRule(name) => {
            aggregator::exchange("/test-rule", headers, call::encode(&name)?).await?
        }
        Route::List(name, format) => {
            aggregator::exchange("/list", headers, call::encode(&(name, format))?).await?
        }
        Route::Report(format) => {
            aggregator::exchange("/report", headers, call::encode(&format)?).await?
        }
        Route::SendReport => aggregator::exchange("/send-report", headers, Bytes::new()).await?,
        Route::Metrics => return metrics::metrics().await,
        Route::Prewarm => aggregator::exchange("/prewarm", headers, Bytes::new()).await?,
        Route::Verify => aggregator::exchange("/verify", headers, Bytes::new()).await?,
        Route::CheckAlerts => aggregator::exchange("/check-alerts", headers, Bytes::new()).await?,
    };
    let (head, body) = answer.into_parts();
    let mut reply = Reply::new(match trailer::is_announced(&head.headers) {
        true => box_body(WithTrailer::new(body)),
        false => box_body(FullBody::new(aggregator::whole(body).await?)),
    });
    *reply.status_mut() = head.status;
    *reply.headers_mut() = some_of(&head.headers, HANDED_BACK);
    Ok(reply)
}
