//! The headers that every answer has, and those that are handed on.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use rollcall_web::Reply;

/// A page of ours loads only our own files. It runs no script that is written in it. No other page
/// may frame it or learn of it. `Referrer-Policy` is `same-origin`, not `no-referrer`: with
/// `no-referrer`, a browser would send `null` as the origin of our own forms.
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

/// A browser that came by HTTPS comes only by HTTPS for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers to an answer, but none that the answer has already.
pub fn protect(reply: &mut Reply, is_https: bool) {
    let headers = reply.headers_mut();
    for (name, value) in PROTECTION {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    // Answers name IPs, so no cache on the way may keep them. The client's own cache may, but asks
    // each time if they have changed.
    let cache_control = match headers.contains_key(header::ETAG) {
        true => "private, no-cache",
        false => "no-store",
    };
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(cache_control));
}

/// Copies the headers with these names.
pub fn some_of<const N: usize>(headers: &HeaderMap, names: [HeaderName; N]) -> HeaderMap {
    let found = names.into_iter().filter_map(|name| {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    });
    found.collect()
}
