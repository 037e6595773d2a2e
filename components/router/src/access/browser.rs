//! Reads from a request whether a page of our own made it, and whether a person opens a page.

use http::header::{ACCEPT, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use rollcall_web::Problem;

use crate::local;

pub const CROSS_SITE: &str = "The request does not come from a page of this server.";

/// Refuses with a 403 a request that no page of our own made. Needed where nobody is let in yet.
pub fn same_origin<B>(request: &Request<B>) -> Result<(), Problem> {
    match is_same_origin(request) {
        true => Ok(()),
        false => Err(Problem::new(StatusCode::FORBIDDEN, CROSS_SITE)),
    }
}

/// Whether a page of our own made the request. A browser says so in a header made for this, but not
/// to a server that it reaches over plain HTTP. There, the header `Origin` says it.
pub fn is_same_origin<B>(request: &Request<B>) -> bool {
    if let Some(site) = request.headers().get("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = request.headers().get(ORIGIN).and_then(|o| o.to_str().ok());
    let authority = origin.and_then(|origin| {
        let http = origin.strip_prefix("http://");
        http.or_else(|| origin.strip_prefix("https://"))
    });
    authority.is_some() && authority == local::authority(request)
}

/// Whether a person opens a page in a browser: the client asks for HTML first, and sends no token.
pub fn is_navigation<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET && prefers_html(request.headers())
}

/// A browser names HTML first.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_by_what_it_would_rather_have() {
        let check = |accept: Option<&'static str>, expect: bool| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, http::HeaderValue::from_static(accept));
            }
            assert_eq!(prefers_html(&headers), expect, "{accept:?}");
        };
        check(
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            true,
        );
        check(Some("text/html;q=0.9"), true);
        check(Some("application/json, text/html"), false);
        check(Some("*/*"), false);
        check(None, false);
    }
}
