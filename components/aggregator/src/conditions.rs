//! The HTTP headers of a kept answer: its age, its source, and whether the client has it already.

use http::header::{AGE, CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rollcall_web::{Reply, etag, reply};

use crate::clock::now_ms;
use crate::memory::Entry;
use crate::serve::{Served, Source};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Whether the client wants an answer whose computation begins now.
pub fn is_no_cache(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let mut directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

/// The answer. If the client has it already: 304.
pub fn reply(asked: &HeaderMap, served: Served, forced: bool) -> Reply {
    let cache_status = cache_status(&served, forced, now_ms());
    with_headers(asked, &served.entry, cache_status)
}

/// An answer that is not kept.
pub fn reply_unkept(asked: &HeaderMap, body: Vec<u8>) -> Reply {
    let entry = Entry::new(body, now_ms(), 0);
    with_headers(asked, &entry, "rollcall; fwd=bypass".to_owned())
}

fn with_headers(asked: &HeaderMap, entry: &Entry, cache_status: String) -> Reply {
    let mut reply = match etag::is_known(asked, &entry.etag) {
        true => reply::empty(StatusCode::NOT_MODIFIED),
        false => reply::full(StatusCode::OK, "application/json", entry.body.clone()),
    };
    let set = [
        (ETAG, entry.etag.clone()),
        (AGE, (entry.age_ms(now_ms()) / 1_000).to_string()),
        (CACHE_STATUS, cache_status),
    ];
    for (name, value) in set {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

fn cache_status(served: &Served, forced: bool, now_ms: u64) -> String {
    let entry = &served.entry;
    let how = match served.source {
        Source::Memory => "hit; detail=memory",
        Source::Store => "hit; detail=store",
        Source::Stale => "hit; detail=stale",
        Source::Computed if forced => "fwd=request; stored",
        Source::Computed => "fwd=miss; stored",
        Source::Collapsed if forced => "fwd=request; collapsed",
        Source::Collapsed => "fwd=miss; collapsed",
    };
    // In seconds. Negative if the answer is not fresh any more.
    let left_ms = entry.ttl_ms as i64 - entry.age_ms(now_ms) as i64;
    format!("rollcall; {how}; ttl={}", left_ms.div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let check = |values: &[&'static str], expect: bool| {
            let values = values.iter().copied().map(HeaderValue::from_static);
            let headers: HeaderMap = values.map(|value| (CACHE_CONTROL, value)).collect();
            assert_eq!(is_no_cache(&headers), expect, "{headers:?}");
        };
        check(&[], false);
        check(&["no-cache"], true);
        check(&["max-age=0, No-Cache"], true);
        check(&["max-age=0", "no-cache"], true);
        check(&["no-cache-at-all, no-store"], false);
    }
}
