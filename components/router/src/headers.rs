//! The headers that every answer has, whatever it answers.

use http::header::{self, HeaderName, HeaderValue};
use rollcall_web::Reply;

/// What a browser may make of an answer: a page of ours loads only what is ours and runs no script that stands in it, nobody frames it,
/// and nobody takes one thing for another. Other pages learn nothing of ours. `same-origin`, not `no-referrer`: with that, a browser would
/// say of our own forms that their origin is `null`.
const PROTECTION: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// For a year, a browser that came by HTTPS comes by nothing else.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Gives an answer the headers that it must have.
pub fn protect(reply: &mut Reply, is_https: bool) {
    let headers = reply.headers_mut();
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    // Answers name IPs: no cache on the way may keep them, only the client's own, which asks whether they are still right.
    let cache_control = match headers.contains_key(header::ETAG) {
        true => "private, no-cache",
        false => "no-store",
    };
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(cache_control));
}
