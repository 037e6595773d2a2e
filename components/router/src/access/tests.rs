use proptest::prelude::*;
use rollcall_web::auth::Tokens;

use super::*;

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
    let admitted = admit(&request.body(()).unwrap(), &keys(), None, NOW_S);
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
    // On HTTPS, a cookie that a page on plain HTTP could have set is no session.
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
        let admitted = admit(&request.body(()).unwrap(), &keys(), None, NOW_S);
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

/// A text that is nearly a cookie of ours.
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
        let admitted = admit(&request.body(()).unwrap(), &keys(), None, NOW_S);
        prop_assert!(admitted.is_err(), "{:?}", admitted);
    }
}
