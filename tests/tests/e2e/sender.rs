//! Hits that Rollcall sees itself: those without an address, and the visits of web pages.

use std::net::Ipv6Addr;

use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{Answer, App};
use serde_json::{Value, json};

const BEACON: &str = "/collect/beacon";
/// Headers with which a client claims to be another.
const FORGED: [(&str, &str); 4] = [
    ("spin-client-addr", "203.0.113.6:6"),
    ("x-forwarded-for", "203.0.113.7"),
    ("forwarded", "for=203.0.113.8"),
    ("rollcall-sender", "203.0.113.9"),
];

fn with(variables: &[(&str, &str)]) -> App {
    App::start_with(|config| {
        for (name, value) in variables {
            config.variables.insert((*name).into(), (*value).into());
        }
    })
}

/// A hit without an address.
fn own(path: &str) -> String {
    json!({"method": "GET", "path": path}).to_string()
}

/// The requests of each IP, by its address.
fn ips(app: &App) -> Vec<(String, u64)> {
    counts(&app.json("/admin/top-ips")["ips"], "ip")
}

fn paths(app: &App) -> Vec<(String, u64)> {
    counts(&app.json("/admin/top-paths")["paths"], "pathKey")
}

fn counts(list: &Value, name: &str) -> Vec<(String, u64)> {
    let entries = list.as_array().unwrap().iter();
    let counts = entries.map(|of| {
        let count = of["totalRequests"].as_u64().unwrap();
        (of[name].as_str().unwrap().to_owned(), count)
    });
    let mut counts: Vec<_> = counts.collect();
    counts.sort();
    counts
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> Vec<(String, u64)> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

fn look(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    app.send("GET", path, headers, b"")
}

fn assert_image(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body.len(), 43);
    assert!(answer.body.starts_with(b"GIF89a"));
    for (name, value) in [
        ("content-type", "image/gif"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
}

#[test]
fn a_hit_without_an_address_is_that_of_the_client_which_cannot_claim_to_be_another() {
    let app = with(&[("beacon", "true")]);
    let send = |headers: &[(&str, &str)]| app.collect("application/json", &own("/a"), headers);
    assert_eq!(send(&[]).status, 202);
    assert_eq!(send(&FORGED).status, 202);
    for forged in FORGED {
        assert_eq!(send(&[forged, forged]).status, 202);
        assert_image(&look(&app, BEACON, &[forged]));
    }
    assert_image(&look(&app, BEACON, &FORGED));
    assert_eq!(ips(&app), expected([("127.0.0.1", 11)]));
}

#[test]
fn a_trusted_proxy_says_who_the_client_is() {
    let app = with(&[
        ("beacon", "true"),
        ("trusted_proxies", "127.0.0.1 10.0.0.0/8"),
    ]);
    let forwarded = |value: &'static str| vec![("forwarded", value)];
    let forwarded_for = |value: &'static str| vec![("x-forwarded-for", value)];
    for headers in [
        forwarded_for("203.0.113.7, 192.0.2.1"),
        forwarded_for("203.0.113.7, 192.0.2.1:4711, 10.0.0.1"),
        forwarded("for=203.0.113.7, for=192.0.2.1;proto=https"),
        [forwarded("for=192.0.2.1"), forwarded_for("192.0.2.1")].concat(),
        vec![
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", "192.0.2.1"),
        ],
    ] {
        let answer = app.collect("application/json", &own("/a"), &headers);
        assert_eq!(answer.status, 202, "{headers:?}: {answer:?}");
        assert_image(&look(&app, BEACON, &headers));
    }
    let v6 = forwarded("for=\"[2001:db8::1]:4711\"");
    assert_image(&look(&app, BEACON, &v6));
    // The proxy wrote one of them, and the client the other.
    let both = [forwarded("for=203.0.113.7"), forwarded_for("192.0.2.9")].concat();
    assert_image(&look(&app, BEACON, &both));
    let seen = [("127.0.0.1", 1), ("192.0.2.1", 10), ("2001:db8::1", 1)];
    assert_eq!(ips(&app), expected(seen));
}

#[test]
fn a_client_of_ipv6_counts_without_its_port() {
    let app = App::start_with(|config| config.listen = (Ipv6Addr::LOCALHOST, 0).into());
    for _ in 0..3 {
        let answer = app.collect("application/json", &own("/a"), &FORGED);
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    assert_eq!(ips(&app), expected([("::1", 3)]));
}

#[test]
fn a_bad_address_and_a_line_of_a_log_without_one_are_refused_as_ever() {
    let app = App::start();
    let check = |content_type: &str, body: &str| {
        let answer = app.collect(content_type, body, &[]);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.json()["rejections"][0]["field"], "ip", "{answer:?}");
    };
    check("application/x-ndjson", &own("/a"));
    check("text/plain", &own("/a"));
    for ip in [json!(null), json!(""), json!("no"), json!(1)] {
        let hit = json!({"ip": ip, "method": "GET", "path": "/a"});
        check("application/json", &hit.to_string());
    }
    // A line of a log, with its address under a name that Rollcall does not know.
    let line = json!({"client": "192.0.2.1", "method": "GET", "path": "/a"});
    check("application/json", &line.to_string());
    assert_eq!(ips(&app), []);
}

#[test]
fn a_visit_counts_under_the_path_that_the_page_tells() {
    let app = with(&[("beacon", "true"), ("exclude_paths", "/private/*")]);
    let agent = ("user-agent", "Mozilla/5.0 (beacon)");
    assert_image(&look(&app, "/collect/beacon?path=/a%3Fb=c", &[agent]));
    assert_image(&look(&app, "/collect/beacon/?path=/a", &[agent]));
    let page = ("referer", "https://example.com/b?c=d");
    assert_image(&look(&app, BEACON, &[page]));
    assert_image(&look(&app, "/collect/beacon?path=/a", &[page]));
    assert_image(&look(&app, BEACON, &[]));
    assert_image(&look(&app, "/collect/beacon?path=/private/x", &[]));
    let head = app.send("HEAD", "/collect/beacon?path=/a", &[agent], b"");
    assert_eq!((head.status, head.body.len()), (200, 0), "{head:?}");
    assert_eq!(head.header("content-type"), Some("image/gif"));
    let seen = [("GET (unknown)", 1), ("GET /a", 4), ("GET /b", 1)];
    assert_eq!(paths(&app), expected(seen));
    let visitor = app.json("/admin/ips/127.0.0.1").to_string();
    assert!(visitor.contains("Mozilla/5.0 (beacon)"), "{visitor}");
}

#[test]
fn a_bad_request_to_the_beacon_counts_nothing() {
    let app = with(&[("beacon", "true")]);
    let long = format!("{BEACON}?path=/{}", "x".repeat(2_048));
    for path in [
        "/collect/beacon?path=a",
        "/collect/beacon?path=",
        "/collect/beacon?path=/a&path=/b",
        "/collect/beacon?pth=/a",
        &long,
    ] {
        let answer = look(&app, path, &[]);
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        assert!(answer.json()["invalidParams"][0]["reason"].is_string());
    }
    assert_eq!(app.send("POST", BEACON, &[], b"").status, 405);
    assert_eq!(paths(&app), []);
    assert_image(&look(&app, long.trim_end_matches("x"), &[]));
    assert_image(&look(&app, long.strip_suffix('x').unwrap(), &[]));
    assert_eq!(paths(&app).len(), 2);
}

#[test]
fn the_beacon_is_off_unless_it_was_switched_on() {
    for value in ["false", "", "on"] {
        let app = with(&[("beacon", value)]);
        for method in ["GET", "POST"] {
            let answer = app.send(method, "/collect/beacon?path=/a", &[], b"");
            assert_eq!(answer.status, 404, "{value:?}: {answer:?}");
        }
        assert_eq!(paths(&app), []);
    }
}

#[test]
fn a_visit_that_is_not_durable_gets_no_image() {
    let store = Moody::default();
    let app = App::start_with(|config| {
        config.variables.insert("beacon".into(), "true".into());
        config.store_layer = Some(store.layer());
    });
    store.set_mood(Mood::Down);
    let answer = look(&app, "/collect/beacon?path=/a", &[]);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("2"));
    let problem = "application/problem+json";
    assert_eq!(answer.header("content-type"), Some(problem));
    store.set_mood(Mood::Fine);
    assert_image(&look(&app, "/collect/beacon?path=/a", &[]));
    assert_eq!(paths(&app), expected([("GET /a", 1)]));
}
