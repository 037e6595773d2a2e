//! The address that a request was sent to, and redirects within this app.
//!
//! A client can send any header, also the headers that Spin adds. So the address comes from the
//! request's URI, which the host makes. Only `X-Forwarded-Proto` is believed: a client that forges
//! it gets a cookie that a browser would not keep, and hurts nobody else.

use http::header::LOCATION;
use http::{HeaderValue, Request, StatusCode, Uri};
use rollcall_web::{Reply, reply};

/// The first page.
pub const HOME: &str = "/admin/";
pub const SIGN_IN: &str = "/admin/sign-in";
/// The path of the metrics.
pub const METRICS: &str = "/admin/metrics";

/// Whether the client speaks HTTPS, to the app or to a proxy before it.
pub fn is_https<B>(request: &Request<B>) -> bool {
    let forwarded = request.headers().get("x-forwarded-proto");
    let forwarded = forwarded.and_then(|forwarded| forwarded.to_str().ok());
    // Each proxy adds its own value. The first value is the client's.
    let first = forwarded.and_then(|forwarded| forwarded.split(',').next());
    let is_forwarded = first.is_some_and(|first| first.trim().eq_ignore_ascii_case("https"));
    is_forwarded || request.uri().scheme_str() == Some("https")
}

/// The host and the port that the client asked for.
pub fn authority<B>(request: &Request<B>) -> Option<&str> {
    request
        .uri()
        .authority()
        .map(|authority| authority.as_str())
}

/// The path and the query of a request.
pub fn path_of<B>(request: &Request<B>) -> String {
    let path = request.uri().path_and_query();
    path.map_or_else(|| HOME.to_owned(), ToString::to_string)
}

/// The path to go to after signing in: `next` if it is under `/admin/`, else the first page.
pub fn next(wanted: &str) -> &str {
    match is_under_admin(wanted) {
        true => wanted,
        false => HOME,
    }
}

fn is_under_admin(path: &str) -> bool {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let before_query = path.split(['?', '#']).next().unwrap_or_default();
    let before_query = before_query.to_ascii_lowercase();
    // Browsers take `%2e` for a dot when they resolve `..`.
    let climbs = before_query.contains("..") || before_query.contains("%2e");
    is_plain && !climbs && path.starts_with(HOME) && path.parse::<Uri>().is_ok()
}

/// The path of a sign-in page that leads back to this path.
pub fn sign_in(wanted: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    match next(wanted) {
        HOME => SIGN_IN.to_owned(),
        next => format!("{SIGN_IN}?{}", query.append_pair("next", next).finish()),
    }
}

/// Redirects to a path of this app. The client follows with a GET if it used another method.
pub fn see_other(path: &str) -> Reply {
    let mut reply = reply::empty(StatusCode::SEE_OTHER);
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(HOME));
    reply.headers_mut().insert(LOCATION, path);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_stays_under_admin() {
        for path in [
            "/admin/",
            "/admin/top-ips?limit=5&ip=192.0.2.0%2F24",
            "/admin/paths?key=GET%20/a..b",
        ] {
            assert_eq!(next(path), path);
        }
        for path in [
            "",
            "/",
            "/collect",
            "/adminx",
            "admin/",
            "//evil.example/admin/",
            "/\\evil.example",
            "https://evil.example/admin/",
            "/admin/\\evil.example",
            "/admin/\r\nSet-Cookie: a=b",
            "/admin/ x",
            "/admin/ü",
            "/admin/../collect",
            "/admin/.%2E/collect",
            "javascript:alert(1)",
        ] {
            assert_eq!(next(path), HOME, "{path}");
        }
    }

    #[test]
    fn the_way_to_the_sign_in_page_says_where_to_go_on() {
        assert_eq!(sign_in("/admin/"), "/admin/sign-in");
        assert_eq!(sign_in("//evil.example"), "/admin/sign-in");
        assert_eq!(
            sign_in("/admin/top-ips?limit=5&ip=::1"),
            "/admin/sign-in?next=%2Fadmin%2Ftop-ips%3Flimit%3D5%26ip%3D%3A%3A1"
        );
    }

    #[test]
    fn https_is_what_the_client_speaks() {
        let check = |uri: &str, forwarded: Option<&str>, expect: bool| {
            let mut request = Request::builder().uri(uri);
            if let Some(forwarded) = forwarded {
                request = request.header("x-forwarded-proto", forwarded);
            }
            let request = request.body(()).unwrap();
            assert_eq!(is_https(&request), expect, "{uri} {forwarded:?}");
        };
        check("https://here/admin/", None, true);
        check("http://here/admin/", None, false);
        check("http://here/admin/", Some("https"), true);
        check("http://here/admin/", Some("HTTPS, http"), true);
        check("http://here/admin/", Some("http, https"), false);
        check("http://here/admin/", Some("https-not"), false);
    }
}
