//! Who is asking, and what they may do.
//!
//! | who | proof | may |
//! |---|---|---|
//! | admin | one of `admin_token`, or a session that began with it | all |
//! | viewer | one of `viewer_token`, or a session that began with it | read: `GET` and `HEAD` |
//! | metrics | one of `metrics_token` | read `/admin/metrics`, and nothing else |
//!
//! Refuses a request that changes something and carries a session, unless it comes from a page of our own: a browser sends the cookie
//! along with what other pages make it send.

use http::header::{ACCEPT, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use rollcall_web::auth::{Tokens, bearer};
use rollcall_web::{Problem, Reply};

use crate::clock::now_s;
use crate::{local, session, slow_down};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the metrics. Always a program: there are no such sessions.
    Metrics,
    /// Reads.
    Viewer,
    /// Reads, and changes what can be changed.
    Admin,
}

/// Somebody who was let in, and may do what the request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub role: Role,
    /// A person in a browser, with a session; else a program with a token.
    pub by_cookie: bool,
}

/// Why somebody was not. Becomes the answer: a redirect or a problem.
#[derive(Debug)]
pub enum Denied {
    /// A browser without a session, which is sent to sign in, and comes back to this path.
    SignIn {
        next: String,
    },
    Problem(Problem),
}

/// Who is asking. Takes its time over a wrong token.
pub async fn visitor<B>(request: &Request<B>) -> Result<Visitor, Denied> {
    let keys = Keys::configured().await;
    match admit(request, &keys, now_s()) {
        Err(Refusal::WrongToken) => Err(slow_down::wrong_token().await.into()),
        Err(Refusal::Anonymous) if is_navigation(request) => Err(Denied::SignIn {
            next: local::path_of(request),
        }),
        Err(Refusal::Anonymous) => Err(Problem::unauthorized().into()),
        Err(Refusal::Forbidden(why)) => Err(Problem::new(StatusCode::FORBIDDEN, why).into()),
        Ok(visitor) => Ok(visitor),
    }
}

/// A request that was made by a page of our own, or else a 403. For what is done before anybody is let in.
pub fn same_origin<B>(request: &Request<B>) -> Result<(), Problem> {
    match is_same_origin(request) {
        true => Ok(()),
        false => Err(Problem::new(StatusCode::FORBIDDEN, CROSS_SITE)),
    }
}

/// The tokens that let in to the admin side, by role.
pub struct Keys {
    pub admin: Tokens,
    pub viewer: Tokens,
    pub metrics: Tokens,
}

impl Keys {
    pub async fn configured() -> Self {
        Self {
            admin: Tokens::configured("admin_token").await,
            viewer: Tokens::configured("viewer_token").await,
            metrics: Tokens::configured("metrics_token").await,
        }
    }

    /// What a token is good for. One that is in several lists is good for the most of it.
    pub fn role(&self, token: &str) -> Option<Role> {
        let (admin, viewer) = (self.admin.contain(token), self.viewer.contain(token));
        match (admin, viewer, self.metrics.contain(token)) {
            (true, _, _) => Some(Role::Admin),
            (false, true, _) => Some(Role::Viewer),
            (false, false, true) => Some(Role::Metrics),
            (false, false, false) => None,
        }
    }

    /// The tokens of a role.
    pub fn of(&self, role: Role) -> &Tokens {
        match role {
            Role::Admin => &self.admin,
            Role::Viewer => &self.viewer,
            Role::Metrics => &self.metrics,
        }
    }
}

const READS_ONLY: &str = "This token reads only.";
const METRICS_ONLY: &str = "This token reads the metrics only.";
const CROSS_SITE: &str = "The request does not come from a page of this server.";

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// There is a token, and it is not known.
    WrongToken,
    /// There is no token, and no session, or one that is over.
    Anonymous,
    Forbidden(&'static str),
}

fn admit<B>(request: &Request<B>, keys: &Keys, now_s: u64) -> Result<Visitor, Refusal> {
    let visitor = match bearer(request.headers()) {
        Some(token) => Visitor {
            role: keys.role(token).ok_or(Refusal::WrongToken)?,
            by_cookie: false,
        },
        None => Visitor {
            role: session::of(request, keys, now_s).ok_or(Refusal::Anonymous)?,
            by_cookie: true,
        },
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && visitor.by_cookie && !is_same_origin(request) {
        return Err(Refusal::Forbidden(CROSS_SITE));
    }
    let is_metrics = reads && request.uri().path() == local::METRICS;
    match visitor.role {
        Role::Metrics if !is_metrics => Err(Refusal::Forbidden(METRICS_ONLY)),
        Role::Viewer if !reads => Err(Refusal::Forbidden(READS_ONLY)),
        Role::Metrics | Role::Viewer | Role::Admin => Ok(visitor),
    }
}

/// Whether a page of our own made the request. Browsers say so themselves, but not to a server that they reach over plain HTTP: there
/// the origin tells.
fn is_same_origin<B>(request: &Request<B>) -> bool {
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

/// Whether somebody opens a page in a browser: it would rather have HTML than anything else. A token is a program's.
fn is_navigation<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET && prefers_html(request.headers())
}

/// Browsers name it first.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html"))
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Denied> for Reply {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::SignIn { next } => local::see_other(&local::sign_in(&next)),
            Denied::Problem(problem) => problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_S: u64 = 1_000_000;

    fn keys() -> Keys {
        Keys {
            admin: Tokens::listed("admin-new admin-old both"),
            viewer: Tokens::listed("viewer, both"),
            metrics: Tokens::listed("metrics both"),
        }
    }

    fn check(method: &str, headers: &[(&str, &str)], expect: Result<(Role, bool), Refusal>) {
        let mut request = Request::builder()
            .method(method)
            .uri("http://here:3000/admin/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let admitted = admit(&request.body(()).unwrap(), &keys(), NOW_S);
        let admitted = admitted.map(|visitor| (visitor.role, visitor.by_cookie));
        assert_eq!(admitted, expect, "{method} {headers:?}");
    }

    fn cookie(role: Role, token: &str) -> String {
        let value = session::begin(token, role, NOW_S).unwrap();
        format!("a=b; rollcall_session={value}; c=d")
    }

    #[test]
    fn a_token_gives_its_role() {
        let bearer = |token: &str| format!("Bearer {token}");
        for (token, role) in [
            ("admin-new", Role::Admin),
            ("admin-old", Role::Admin),
            ("both", Role::Admin),
            ("viewer", Role::Viewer),
        ] {
            check(
                "GET",
                &[("authorization", &bearer(token))],
                Ok((role, false)),
            );
        }
        check(
            "GET",
            &[("authorization", "Bearer no")],
            Err(Refusal::WrongToken),
        );
        check(
            "GET",
            &[("authorization", "Bearer ")],
            Err(Refusal::WrongToken),
        );
        check(
            "GET",
            &[("authorization", "Basic viewer")],
            Err(Refusal::Anonymous),
        );
        check("GET", &[], Err(Refusal::Anonymous));
    }

    #[test]
    fn a_session_gives_its_role_but_not_beside_a_wrong_token() {
        let admin = cookie(Role::Admin, "admin-old");
        let viewer = cookie(Role::Viewer, "viewer");
        check("GET", &[("cookie", &admin)], Ok((Role::Admin, true)));
        check("GET", &[("cookie", &viewer)], Ok((Role::Viewer, true)));
        check(
            "GET",
            &[("cookie", &viewer), ("authorization", "Basic x")],
            Ok((Role::Viewer, true)),
        );
        check(
            "GET",
            &[("cookie", &viewer), ("authorization", "Bearer x")],
            Err(Refusal::WrongToken),
        );
        let other_name = viewer.replace("rollcall_session", "rollcall_sessions");
        check("GET", &[("cookie", &other_name)], Err(Refusal::Anonymous));
        // What a page on plain HTTP could have set is no session on HTTPS.
        check(
            "GET",
            &[("cookie", &viewer), ("x-forwarded-proto", "https")],
            Err(Refusal::Anonymous),
        );
        let secure = viewer.replace("rollcall_session", "__Host-rollcall_session");
        check(
            "GET",
            &[("cookie", &secure), ("x-forwarded-proto", "https")],
            Ok((Role::Viewer, true)),
        );
        check("GET", &[("cookie", &secure)], Err(Refusal::Anonymous));
    }

    #[test]
    fn a_metrics_token_reads_the_metrics_and_nothing_else() {
        let check = |method: &str, path: &str, token: &str, expect: Result<Role, Refusal>| {
            let request = Request::builder()
                .method(method)
                .uri(format!("http://here:3000{path}"))
                .header("authorization", format!("Bearer {token}"));
            let admitted = admit(&request.body(()).unwrap(), &keys(), NOW_S);
            let admitted = admitted.map(|visitor| visitor.role);
            assert_eq!(admitted, expect, "{method} {path}");
        };
        let no = || Err(Refusal::Forbidden(METRICS_ONLY));
        for path in ["/admin/metrics", "/admin/metrics?x"] {
            check("GET", path, "metrics", Ok(Role::Metrics));
            check("HEAD", path, "metrics", Ok(Role::Metrics));
            check("POST", path, "metrics", no());
            check("GET", path, "both", Ok(Role::Admin));
            check("GET", path, "viewer", Ok(Role::Viewer));
        }
        for path in [
            "/admin/",
            "/admin/metrics/",
            "/admin/metrics/x",
            "/admin/top-ips",
        ] {
            check("GET", path, "metrics", no());
        }
    }

    #[test]
    fn a_viewer_only_reads() {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            check(
                method,
                &[("authorization", "Bearer viewer")],
                Err(Refusal::Forbidden(READS_ONLY)),
            );
            check(
                method,
                &[("authorization", "Bearer admin-new")],
                Ok((Role::Admin, false)),
            );
        }
        check(
            "HEAD",
            &[("authorization", "Bearer viewer")],
            Ok((Role::Viewer, false)),
        );
        let cookie = cookie(Role::Viewer, "viewer");
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        check("POST", &headers, Err(Refusal::Forbidden(READS_ONLY)));
    }

    #[test]
    fn a_session_changes_something_only_from_a_page_of_our_own() {
        let cookie = cookie(Role::Admin, "admin-new");
        let check = |headers: &[(&str, &str)], lets_in: bool| {
            let headers = [&[("cookie", cookie.as_str())], headers].concat();
            let expect = match lets_in {
                true => Ok((Role::Admin, true)),
                false => Err(Refusal::Forbidden(CROSS_SITE)),
            };
            check("POST", &headers, expect);
        };
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("origin", "http://here:3000")], true);
        for site in ["cross-site", "same-site", "none", ""] {
            check(&[("sec-fetch-site", site)], false);
            check(
                &[("sec-fetch-site", site), ("origin", "http://here:3000")],
                false,
            );
        }
        check(&[], false);
        for origin in [
            "null",
            "",
            "http://",
            "http://here",
            "http://there:3000",
            "ftp://here:3000",
        ] {
            check(&[("origin", origin)], false);
        }
    }

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

    /// What is nearly a cookie of ours.
    fn any_cookie() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("rollcall_session=".to_owned()),
            Just("__Host-rollcall_session=".to_owned()),
            Just("admin.".to_owned()),
            Just("viewer.1001000.".to_owned()),
            "[0-9a-f]{0,64}",
            "[ -~]{0,9}",
            "; ?",
        ];
        prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_made_up_is_let_in(cookie in any_cookie(), authorization: Option<Vec<u8>>, method in "[A-Z]{1,7}", origin in "[ -~]{0,20}") {
            let mut request = Request::builder().method(method.as_str()).uri("http://here/admin/x");
            request = request.header("cookie", cookie).header("origin", origin);
            let values = authorization.iter().flat_map(|bytes| [bytes.clone(), [b"Bearer ", bytes.as_slice()].concat()]);
            for value in values.filter_map(|value| http::HeaderValue::from_bytes(&value).ok()) {
                request = request.header("authorization", value);
            }
            let admitted = admit(&request.body(()).unwrap(), &keys(), NOW_S);
            prop_assert!(admitted.is_err(), "{:?}", admitted);
        }
    }
}
