//! Access: which token or session reaches which path, and how wrong tokens are delayed.

use std::thread;
use std::time::{Duration, Instant};

use rollcall_tests::printing;
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{ADMIN, Answer, App, INGEST, METRICS, VIEWER, questions};
use serde_json::json;

const STATS: &str = "/admin/global-stats";

const PREWARM: &str = "/admin/prewarm";
const SCRAPE: &str = "/admin/metrics";
const SIGN_IN: &str = "/admin/sign-in";
const SIGN_OUT: &str = "/admin/sign-out";
const STYLE: &str = "/admin/assets/sign-in.css";

/// A header that browsers add to a request of our own page.
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const TLS: (&str, &str) = ("x-forwarded-proto", "https");

/// The delay of a wrong token.
const DELAY: Duration = Duration::from_millis(500);

fn start() -> App {
    App::start_with(|config| {
        let viewer = ("viewer_token".to_owned(), VIEWER.to_owned());
        let metrics = ("metrics_token".to_owned(), METRICS.to_owned());
        config.variables.extend([viewer, metrics]);
    })
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn post_sign_in(app: &App, form: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[FORM], headers].concat();
    app.send("POST", SIGN_IN, &headers, form.as_bytes())
}

/// Signs in, and returns the cookie as a browser sends it.
fn session(app: &App, token: &str) -> String {
    let answer = post_sign_in(app, &format!("token={token}"), &[OURS]);
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn each_role_reaches_what_is_its_own_and_nothing_else() {
    let app = start();
    app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}));
    let (admin, viewer) = (session(&app, ADMIN), session(&app, VIEWER));
    let tokens = [ADMIN, VIEWER, INGEST, METRICS].map(bearer);
    let who: [Vec<(&str, &str)>; 7] = [
        vec![],
        vec![("authorization", &tokens[0])],
        vec![("authorization", &tokens[1])],
        vec![("authorization", &tokens[2])],
        vec![("authorization", &tokens[3])],
        vec![("cookie", &admin), OURS],
        vec![("cookie", &viewer), OURS],
    ];
    let check = |method: &str, path: &str, expect: [u16; 7]| {
        let statuses = who.each_ref().map(|headers| {
            let json = ("content-type", "application/json");
            let headers = [&[json], headers.as_slice()].concat();
            let hit = br#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
            let body: &[u8] = if path == "/collect" { hit } else { b"" };
            app.send(method, path, &headers, body).status
        });
        assert_eq!(statuses, expect, "{method} {path}");
    };
    // The statuses are in this order: nobody; then the tokens of admin, viewer, ingest, metrics;
    // then the sessions of admin, viewer.
    for (_, path) in questions() {
        check("GET", &path, [401, 200, 200, 401, 403, 200, 200]);
    }
    check("GET", SCRAPE, [401, 200, 200, 401, 200, 200, 200]);
    check("POST", SCRAPE, [401, 405, 403, 401, 403, 405, 403]);
    check("POST", STATS, [401, 405, 403, 401, 403, 405, 403]);
    check("POST", PREWARM, [401, 200, 403, 401, 403, 200, 403]);
    check("GET", PREWARM, [401, 405, 405, 401, 403, 405, 405]);
    check(
        "GET",
        "/admin/nonsense",
        [401, 404, 404, 401, 403, 404, 404],
    );
    check("POST", "/collect", [401, 401, 401, 202, 401, 401, 401]);
    check("GET", SIGN_IN, [200; 7]);
    check("GET", STYLE, [200; 7]);
    check("DELETE", SIGN_IN, [405; 7]);
    check("GET", SIGN_OUT, [405; 7]);
    check("GET", "/healthz", [200; 7]);
    check("GET", "/", [303; 7]);
    for token in [INGEST, METRICS] {
        let answer = post_sign_in(&app, &format!("token={token}"), &[OURS]);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None));
    }
}

#[test]
fn without_a_viewer_or_metrics_token_nobody_has_one() {
    let app = App::start();
    for token in ["", VIEWER, METRICS] {
        let headers = [("authorization", bearer(token))];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        for path in [STATS, SCRAPE] {
            assert_eq!(app.send("GET", path, &headers, b"").status, 401);
        }
        let answer = post_sign_in(&app, &format!("token={token}"), &[OURS]);
        assert_eq!(answer.status, 401);
        assert!(answer.header("set-cookie").is_none());
    }
}

#[test]
fn a_browser_is_led_to_sign_in_and_back() {
    let app = start();
    let wanted = "/admin/top-ips?limit=5";
    let answer = app.send("GET", wanted, &[BROWSER], b"");
    assert_eq!(answer.status, 303, "{answer:?}");
    let sign_in = "/admin/sign-in?next=%2Fadmin%2Ftop-ips%3Flimit%3D5";
    assert_eq!(answer.header("location"), Some(sign_in));

    let page = app.send("GET", sign_in, &[BROWSER], b"");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text().contains(&format!("value=\"{wanted}\"")),
        "{}",
        page.text()
    );
    assert!(page.text().contains(STYLE), "{}", page.text());
    let style = app.send("GET", STYLE, &[], b"");
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );

    let form = format!("token=+{VIEWER}%0A&next=%2Fadmin%2Ftop-ips%3Flimit%3D5");
    let answer = post_sign_in(&app, &form, &[BROWSER, OURS]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(wanted))
    );
    let cookie = answer.header("set-cookie").unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"
    );
    assert!(value.starts_with("rollcall_session=viewer."), "{value}");
    assert!(!value.contains(VIEWER), "{value}");
    let answer = app.send("GET", wanted, &[BROWSER, ("cookie", value)], b"");
    assert_eq!(answer.status, 200, "{answer:?}");

    let bare = app.send("GET", "/admin/", &[BROWSER], b"");
    assert_eq!(bare.header("location"), Some(SIGN_IN));
    let program = app.send("GET", wanted, &[("accept", "application/json")], b"");
    assert_eq!(program.status, 401);
    let token = bearer("wrong");
    let program = app.send("GET", wanted, &[BROWSER, ("authorization", &token)], b"");
    assert_eq!(program.status, 401, "a token is a program's");
    let form = app.send("POST", PREWARM, &[BROWSER, OURS], b"");
    assert_eq!(form.status, 401, "only pages are come back to");
}

#[test]
fn signing_in_leads_nowhere_else() {
    let app = start();
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example",
        "/admin/%5C..%5C..",
        "/collect",
        "/admin/../collect",
        "/admin/%0d%0aSet-Cookie:a=b",
        "",
    ] {
        let form = format!("token={ADMIN}&next={next}");
        let answer = post_sign_in(&app, &form, &[OURS]);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/admin/")),
            "{next}"
        );
        let page = app.send("GET", &format!("{SIGN_IN}?next={next}"), &[], b"");
        assert!(page.text().contains("value=\"/admin/\""), "{}", page.text());
    }
    let home = app.send("GET", "/", &[], b"");
    assert_eq!(
        (home.status, home.header("location")),
        (303, Some("/admin/"))
    );
}

#[test]
fn over_https_the_cookie_is_for_https_alone() {
    let app = start();
    let answer = post_sign_in(&app, &format!("token={ADMIN}"), &[OURS, TLS]);
    let cookie = answer.header("set-cookie").unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert!(
        value.starts_with("__Host-rollcall_session=admin."),
        "{value}"
    );
    let is_secure = attributes
        .split("; ")
        .any(|attribute| attribute == "Secure");
    assert!(is_secure, "{attributes}");
    let ask = |headers: &[(&str, &str)]| app.send("GET", STATS, headers, b"").status;
    assert_eq!(ask(&[("cookie", value), TLS]), 200);
    let unprefixed = value.trim_start_matches("__Host-");
    assert_eq!(ask(&[("cookie", unprefixed), TLS]), 401);
}

#[test]
fn a_session_ends_with_signing_out_and_cannot_be_made_up() {
    let app = start();
    let cookie = session(&app, VIEWER);
    let answer = app.send("POST", SIGN_OUT, &[("cookie", &cookie), OURS], b"");
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(SIGN_IN))
    );
    assert_eq!(
        answer.header("set-cookie"),
        Some("rollcall_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
    );
    for forged in [
        cookie.replace("viewer", "admin"),
        cookie.replace("=viewer.1", "=viewer.9"),
        cookie[..cookie.len() - 1].to_owned(),
        "rollcall_session=".to_owned(),
    ] {
        let answer = app.send("GET", STATS, &[("cookie", &forged)], b"");
        assert_eq!(answer.status, 401, "{forged}");
    }
}

#[test]
fn tokens_are_rotated_one_beside_the_other() {
    let tokens = |list: &str| ("admin_token".to_owned(), list.to_owned());
    let mut app = App::start_with(|config| config.variables.extend([tokens("old-one, new-one")]));
    let (old, new) = (session(&app, "old-one"), session(&app, "new-one"));
    let ask = |app: &App, headers: &[(&str, &str)]| app.send("GET", STATS, headers, b"").status;
    let each = |app: &App| {
        [
            ask(app, &[("authorization", "Bearer old-one")]),
            ask(app, &[("authorization", "Bearer new-one")]),
            ask(app, &[("cookie", &old)]),
            ask(app, &[("cookie", &new)]),
            ask(app, &[("authorization", "Bearer old-one, new-one")]),
        ]
    };
    assert_eq!(each(&app), [200, 200, 200, 200, 401]);
    app.restart_with(|config| config.variables.extend([tokens("new-one")]));
    assert_eq!(each(&app), [401, 200, 401, 200, 401]);
}

#[test]
fn another_site_changes_nothing_with_a_persons_session() {
    let app = start();
    let cookie = session(&app, ADMIN);
    let form = format!("token={ADMIN}");
    let own = app.url("");
    let check = |headers: &[(&str, &str)], lets_in: bool| {
        let with_cookie = [&[("cookie", cookie.as_str())], headers].concat();
        let answers = [
            app.send("POST", PREWARM, &with_cookie, b""),
            post_sign_in(&app, &form, headers),
            app.send("POST", SIGN_OUT, &with_cookie, b""),
        ];
        let statuses = answers.each_ref().map(|answer| answer.status);
        let expect = if lets_in { [200, 303, 303] } else { [403; 3] };
        assert_eq!(statuses, expect, "{headers:?}");
        for answer in &answers[1..] {
            assert_eq!(
                answer.header("set-cookie").is_some(),
                lets_in,
                "{headers:?}"
            );
        }
    };
    check(&[OURS], true);
    check(&[("origin", &own)], true);
    check(&[], false);
    for site in ["cross-site", "same-site", "none"] {
        check(&[("sec-fetch-site", site), ("origin", &own)], false);
    }
    for origin in ["null", "http://evil.example", "http://127.0.0.1"] {
        check(&[("origin", origin)], false);
    }
    // No browser adds a token by itself.
    let token = bearer(ADMIN);
    let headers = [
        ("authorization", token.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(app.send("POST", PREWARM, &headers, b"").status, 200);
}

#[test]
fn every_kind_of_answer_is_protected() {
    let app = start();
    app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}));
    let check = |kind: &str, answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{kind}: {answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
        ] {
            assert_eq!(answer.header(name), Some(value), "{kind}");
        }
        assert!(answer.header("permissions-policy").is_some(), "{kind}");
        assert!(answer.header("cache-control").is_some(), "{kind}");
        assert!(
            answer.header("strict-transport-security").is_none(),
            "{kind}"
        );
    };
    let answer = app.ask(STATS);
    check("an answer", &answer, 200);
    let etag = answer.header("etag").unwrap();
    let known = app.ask_with(STATS, &[("if-none-match", etag)]);
    check("nothing new", &known, 304);
    check("an export", &app.ask("/admin/export?format=csv"), 200);
    check("a bad parameter", &app.ask("/admin/top-ips?limit=0"), 400);
    check("no token", &app.send("GET", STATS, &[], b""), 401);
    check("no such path", &app.ask("/admin/nonsense"), 404);
    check("another method", &app.ask(PREWARM), 405);
    check("hits", &app.collect("application/json", "[", &[]), 400);
    check("a page", &app.send("GET", SIGN_IN, &[], b""), 200);
    check("a style", &app.send("GET", STYLE, &[], b""), 200);
    check(
        "a refused form",
        &post_sign_in(&app, "token=x", &[OURS]),
        401,
    );
    check("a form of another site", &post_sign_in(&app, "", &[]), 403);
    let long = format!("token={}", "x".repeat(20_000));
    check("a form too long", &post_sign_in(&app, &long, &[OURS]), 413);
    check("the way home", &app.send("GET", "/", &[], b""), 303);
    check("health", &app.send("GET", "/healthz", &[], b""), 200);

    let hsts = |answer: Answer| {
        answer
            .header("strict-transport-security")
            .map(str::to_owned)
    };
    let expect = Some("max-age=31536000".to_owned());
    assert_eq!(hsts(app.ask_with(STATS, &[TLS])), expect);
    assert_eq!(hsts(app.send("GET", SIGN_IN, &[TLS], b"")), expect);
}

#[test]
fn health_asks_the_store_nothing() {
    let moody = Moody::default();
    let app = App::start_with(|config| config.store_layer = Some(moody.layer()));
    moody.set_mood(Mood::Down);
    let before = moody.calls();
    let answer = app.send("GET", "/healthz", &[], b"");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert_eq!(moody.calls(), before);
}

#[test]
fn an_answer_in_memory_tells_its_length_and_a_streamed_one_does_not() {
    let app = start();
    let admin = bearer(ADMIN);
    let admin = ("authorization", admin.as_str());
    for path in [
        "/healthz",
        "/",
        "/admin/",
        "/admin/docs",
        "/admin/unknown",
        SIGN_IN,
        STATS,
    ] {
        let answer = app.send("GET", path, &[admin], b"");
        let length = answer.body.len().to_string();
        assert_eq!(
            answer.header("content-length"),
            Some(length.as_str()),
            "{path}"
        );
    }
    let path = "/admin/export?format=csv";
    let answer = app.send("GET", path, &[admin], b"");
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (200, None)
    );
}

#[test]
fn a_wrong_token_costs_time_and_a_missing_one_does_not() {
    let app = start();
    let took = |headers: &[(&str, &str)]| {
        let begin = Instant::now();
        let status = app.send("GET", STATS, headers, b"").status;
        assert_eq!(status, 401);
        begin.elapsed()
    };
    took(&[]);
    let (missing, wrong) = (took(&[]), took(&[("authorization", "Bearer wrong")]));
    assert!(missing < DELAY, "{missing:?}");
    assert!(wrong >= DELAY, "{wrong:?}");
    let begin = Instant::now();
    let answer = post_sign_in(&app, "token=wrong", &[BROWSER, OURS]);
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("This token is not known."));
    assert!(
        !answer.text().contains("wrong"),
        "what was typed is not shown"
    );
    assert!(begin.elapsed() >= DELAY);
    denied_comes_to(&app, 2);
}

#[test]
fn a_flood_of_wrong_tokens_is_refused_in_part_and_keeps_nobody_else_waiting() {
    const FLOOD: u64 = 200;
    let app = start();
    app.ask(STATS);
    let begin = Instant::now();
    let (statuses, right) = thread::scope(|scope| {
        let wrong = |_| {
            let client = app.client(Duration::from_secs(30));
            scope.spawn(move || client.ask_as("wrong", STATS).unwrap())
        };
        let flood: Vec<_> = (0..FLOOD).map(wrong).collect();
        let right = scope.spawn(|| {
            let begin = Instant::now();
            assert_eq!(app.ask(STATS).status, 200);
            begin.elapsed()
        });
        let answers = flood.into_iter().map(|wrong| wrong.join().unwrap());
        let statuses: Vec<u16> = answers
            .map(|answer| {
                let retry_after = answer.header("retry-after").is_some();
                assert_eq!(retry_after, answer.status == 429, "{answer:?}");
                answer.status
            })
            .collect();
        (statuses, right.join().unwrap())
    });
    let count = |status: u16| statuses.iter().filter(|s| **s == status).count();
    let (waited, refused) = (count(401), count(429));
    println!(
        "{waited} waited, {refused} were refused, {right:?} for the right one, {:?} in all",
        begin.elapsed()
    );
    assert_eq!(waited + refused, statuses.len());
    assert!(
        waited > 0 && refused > 0,
        "{waited} waited, {refused} were refused"
    );
    assert!(right < Duration::from_secs(3), "{right:?}");
    denied_comes_to(&app, FLOOD);
}

#[test]
fn a_proxy_that_signs_people_in_makes_them_viewers_if_it_is_named() {
    const PERSON: (&str, &str) = ("x-forwarded-user", "anna@example.com");
    let start = |header: &str, proxies: &str| {
        App::start_with(|config| {
            let variables = [("identity_header", header), ("identity_proxies", proxies)];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            config.variables.extend(variables);
        })
    };
    let status = |app: &App, method: &str, headers: &[(&str, &str)]| {
        app.send(method, "/admin/aggregator-status", headers, b"")
            .status
    };
    let app = start("X-Forwarded-User", "10.0.0.0/8 127.0.0.1");
    assert_eq!(status(&app, "GET", &[PERSON]), 200);
    assert_eq!(
        app.send("GET", "/admin/", &[PERSON, BROWSER], b"").status,
        200
    );
    assert_eq!(
        app.send("POST", "/admin/prewarm", &[PERSON, OURS], b"")
            .status,
        403
    );
    assert_eq!(
        app.send("DELETE", "/admin/ips/192.0.2.1", &[PERSON, OURS], b"")
            .status,
        403
    );
    assert_eq!(app.send("POST", "/collect", &[PERSON], b"[]").status, 401);
    assert_eq!(status(&app, "GET", &[]), 401);
    assert_eq!(status(&app, "GET", &[("x-forwarded-user", "")]), 401);
    assert_eq!(status(&app, "GET", &[PERSON, PERSON]), 401);
    // A token says more than the proxy, also a wrong one.
    let wrong = bearer("no-such-token");
    assert_eq!(
        status(&app, "GET", &[PERSON, ("authorization", &wrong)]),
        401
    );
    let right = bearer(ADMIN);
    let admin = [PERSON, ("authorization", right.as_str())];
    assert_eq!(
        app.send("POST", "/admin/check-alerts", &admin, b"").status,
        200
    );
    // Off by default, another proxy, and a list that cannot be read.
    for (header, proxies) in [
        ("", ""),
        ("", "127.0.0.1"),
        ("X-Forwarded-User", ""),
        ("X-Forwarded-User", "10.0.0.0/8"),
        ("X-Forwarded-User", "127.0.0.1 proxy.example"),
        ("X-Other", "127.0.0.1"),
    ] {
        let app = start(header, proxies);
        assert_eq!(status(&app, "GET", &[PERSON]), 401, "{header} {proxies}");
        let forged = ("spin-client-addr", "127.0.0.1:1");
        assert_eq!(
            status(&app, "GET", &[forged, PERSON]),
            401,
            "{header} {proxies}"
        );
    }
}

/// Waits until the status counts this many wrong tokens. The count is a moment late.
fn denied_comes_to(app: &App, expect: u64) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let denied = app.json("/admin/aggregator-status")["accessDenied"].as_u64();
        if denied == Some(expect) {
            return;
        }
        assert!(Instant::now() < deadline, "{denied:?} instead of {expect}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn no_token_is_printed_or_put_into_an_answer() {
    if printing::is_here() {
        return every_way_to_use_a_token();
    }
    let printed = printing::of("access::no_token_is_printed_or_put_into_an_answer");
    assert!(printed.contains("[router] "), "{printed}");
    for token in [ADMIN, VIEWER, INGEST, METRICS, "wr0ng-token"] {
        assert!(!printed.contains(token), "{token}: {printed}");
    }
}

fn every_way_to_use_a_token() {
    let moody = Moody::default();
    let app = App::start_with(|config| {
        let viewer = ("viewer_token".to_owned(), VIEWER.to_owned());
        let metrics = ("metrics_token".to_owned(), METRICS.to_owned());
        config.variables.extend([viewer, metrics]);
        config.store_layer = Some(moody.layer());
    });
    let mut answers = Vec::new();
    for mood in [Mood::Fine, Mood::Down] {
        moody.set_mood(mood);
        for token in [ADMIN, VIEWER, INGEST, METRICS, "wr0ng-token"] {
            let authorization = bearer(token);
            let headers = [("authorization", authorization.as_str())];
            for path in ["/admin/global-stats", SCRAPE, "/admin/nonsense", "/collect"] {
                answers.push(app.send("GET", path, &headers, b""));
                answers.push(app.send("POST", path, &headers, b"[]"));
            }
            answers.push(post_sign_in(&app, &format!("token={token}"), &[OURS]));
            answers.push(post_sign_in(&app, &format!("next={token}"), &[OURS]));
        }
    }
    // If wrong tokens cannot be counted, the router writes to the log.
    thread::sleep(Duration::from_secs(3));
    for answer in answers {
        let text = format!("{answer:?} {}", answer.text());
        for token in [ADMIN, VIEWER, INGEST, METRICS] {
            assert!(!text.contains(token), "{text}");
        }
    }
}
