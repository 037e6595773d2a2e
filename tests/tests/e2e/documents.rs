//! Labels, notes and views: written by admins, durable, the same for all, and of use.

use rollcall_tests::{ADMIN, Answer, App, VIEWER};
use serde_json::{Value, json};

pub fn send(app: &App, method: &str, path: &str, body: &str) -> Answer {
    let token = format!("Bearer {ADMIN}");
    app.send(method, path, &[("authorization", &token)], body.as_bytes())
}

#[track_caller]
pub fn put(app: &App, path: &str, body: &Value) -> Value {
    let answer = send(app, "PUT", path, &body.to_string());
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

fn hits(count: usize, ip: &str, path: &str, consumer: Option<&str>) -> Vec<Value> {
    let mut hit = json!({"ip": ip, "method": "GET", "path": path});
    if let Some(consumer) = consumer {
        hit["consumer"] = json!(consumer);
    }
    vec![hit; count]
}

fn filled() -> App {
    let app = App::start();
    let all = [
        hits(3, "192.0.2.1", "/a", Some("key a")),
        hits(2, "192.0.2.2", "/b", Some("key b")),
        hits(5, "198.51.100.1", "/healthz", None),
        hits(1, "2001:db8::1", "/a", Some("key a")),
    ];
    app.record(&json!(all.concat()));
    app
}

/// The IPs of a question, with their hits and labels.
fn ips(app: &App, query: &str) -> Vec<(String, u64, Value)> {
    let answer = app.json(&format!("/admin/top-ips?{query}"));
    let ips = answer["ips"].as_array().unwrap().iter();
    let told = ips.map(|of| {
        let ip = of["ip"].as_str().unwrap().to_owned();
        (
            ip,
            of["totalRequests"].as_u64().unwrap(),
            of["labels"].clone(),
        )
    });
    told.collect()
}

#[test]
fn a_label_is_shown_and_filters_and_is_there_after_a_restart() {
    let mut app = filled();
    let total = |app: &App, query: &str| {
        app.json(&format!("/admin/global-stats?{query}"))["totalRequests"].clone()
    };
    assert_eq!(total(&app, ""), 11);
    let label = json!({"ips": ["192.0.2.9/24"], "consumers": ["key a"], "about": "ours"});
    let saved = put(&app, "/admin/labels/office%20A", &label);
    let expect = json!({
        "ips": ["192.0.2.0/24"], "networks": [], "consumers": ["key a"], "leftOut": false, "about": "ours"
    });
    assert_eq!(saved, expect);
    // Another instance may know it two seconds later.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    for restarts in [false, true] {
        if restarts {
            app.restart();
        }
        let all = app.json("/admin/labels");
        assert_eq!(all["labels"][0]["name"], "office A");
        assert_eq!(all["labels"][0]["ips"], json!(["192.0.2.0/24"]));
        let of = |ip: &str, requests, labels: Value| (ip.to_owned(), requests, labels);
        let office = json!(["office A"]);
        assert_eq!(
            ips(&app, "label=office%20A"),
            [
                of("192.0.2.1", 3, office.clone()),
                of("192.0.2.2", 2, office.clone())
            ]
        );
        assert_eq!(
            ips(&app, "label=!office%20A"),
            [
                of("198.51.100.1", 5, Value::Null),
                of("2001:db8::1", 1, Value::Null)
            ]
        );
        assert_eq!(total(&app, "label=office%20A"), 5);
        let answer = app.json("/admin/overview?label=office%20A");
        assert_eq!(
            answer["filter"],
            json!({"label": "office A", "ip": "192.0.2.0/24"})
        );
        let keys = app.json("/admin/breakdown?by=consumer");
        let labels = keys["groups"].as_array().unwrap().iter();
        let labels: Vec<_> = labels
            .map(|of| (of["name"].clone(), of["labels"].clone()))
            .collect();
        let expect = [
            (json!("key a"), office.clone()),
            (json!("key b"), Value::Null),
        ];
        assert_eq!(labels, expect);
        assert_eq!(app.json("/admin/ips/192.0.2.1")["labels"], office);
        let retired = app.json("/admin/retirement?key=GET%20/b");
        assert_eq!(retired["callers"][0]["labels"], office);
        let exported = app
            .ask("/admin/export?format=ndjson&label=office%20A")
            .text();
        assert_eq!(exported.lines().count(), 2, "{exported}");
    }
    assert_eq!(
        send(&app, "DELETE", "/admin/labels/office%20A", "").status,
        204
    );
    assert_eq!(app.json("/admin/labels"), json!({"labels": []}));
    assert_eq!(
        send(&app, "DELETE", "/admin/labels/office%20A", "").status,
        404
    );
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert_eq!(app.ask("/admin/overview?label=office%20A").status, 400);
    assert_eq!(app.json("/admin/ips/192.0.2.1")["labels"], Value::Null);
}

#[test]
fn a_label_leaves_its_hits_out_unless_they_are_asked_for() {
    let app = filled();
    put(
        &app,
        "/admin/labels/monitors",
        &json!({"ips": ["198.51.100.1"], "leftOut": true}),
    );
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let total =
        |query: &str| app.json(&format!("/admin/overview?{query}"))["totalRequests"].clone();
    assert_eq!(total(""), 6);
    assert_eq!(total("label=*"), 11);
    assert_eq!(total("label=monitors"), 5);
    assert_eq!(total("ip=198.51.100.0/24"), 5);
    assert_eq!(app.json("/admin/ips/198.51.100.1")["totalRequests"], 5);
    let paths = app.json("/admin/top-paths");
    let paths = paths["paths"].as_array().unwrap().iter();
    let paths: Vec<_> = paths.map(|of| of["pathKey"].as_str().unwrap()).collect();
    assert_eq!(paths, ["GET /a", "GET /b"]);
    // Hits by consumer are counted over all IPs alone. So this answer has all, and says so.
    let keys = app.json("/admin/breakdown?by=consumer");
    assert_eq!(keys["totalRequests"], 11);
    assert!(
        keys["warnings"][0].as_str().unwrap().contains("monitors"),
        "{keys}"
    );
    assert_eq!(app.json("/admin/breakdown?by=path")["warnings"], json!([]));
}

#[test]
fn only_admins_write_and_bad_documents_change_nothing() {
    let app = App::start_with(|config| {
        let viewer = ("viewer_token".to_owned(), VIEWER.to_owned());
        config.variables.extend([viewer]);
    });
    put(
        &app,
        "/admin/notes/deploy-1",
        &json!({"at": "2026-11-28T10:00:00+01:00", "text": "1.2"}),
    );
    put(
        &app,
        "/admin/views/errors",
        &json!({"path": "/admin/?status=5xx"}),
    );
    let notes = app.json("/admin/notes");
    assert_eq!(notes["notes"][0]["at"], "2026-11-28T09:00:00.000Z");
    for (path, body, field) in [
        (
            "/admin/notes/deploy-1",
            r#"{"at": "x", "text": "1.2"}"#,
            "at",
        ),
        ("/admin/notes/deploy-1", "{", "body"),
        ("/admin/labels/a", "{}", "ips"),
        ("/admin/labels/a%2Fb", r#"{"ips": ["::1"]}"#, "name"),
        ("/admin/labels/*", r#"{"ips": ["::1"]}"#, "name"),
        (
            "/admin/views/errors",
            r#"{"path": "https://example.com/"}"#,
            "path",
        ),
    ] {
        let answer = send(&app, "PUT", path, body);
        assert_eq!(answer.status, 400, "{path} {body}: {answer:?}");
        assert_eq!(
            answer.json()["invalidParams"][0]["name"],
            field,
            "{path} {body}"
        );
    }
    let long = "x".repeat(70 * 1024);
    assert_eq!(
        send(&app, "PUT", "/admin/notes/deploy-1", &long).status,
        413
    );
    let viewer = format!("Bearer {VIEWER}");
    for (method, path) in [
        ("PUT", "/admin/notes/deploy-1"),
        ("DELETE", "/admin/notes/deploy-1"),
    ] {
        let headers = [("authorization", viewer.as_str())];
        assert_eq!(
            app.send(method, path, &headers, b"{}").status,
            403,
            "{method}"
        );
        assert_eq!(app.send(method, path, &[], b"{}").status, 401, "{method}");
    }
    assert_eq!(app.json("/admin/notes"), notes);
    assert_eq!(
        app.json("/admin/views")["views"][0]["path"],
        "/admin/?status=5xx"
    );
    assert_eq!(app.json("/admin/labels"), json!({"labels": []}));
}

#[test]
fn there_are_at_most_so_many_labels() {
    let app = App::start();
    for n in 0..100 {
        put(
            &app,
            &format!("/admin/labels/{n}"),
            &json!({"ips": [format!("10.0.0.{n}")]}),
        );
    }
    let more = send(&app, "PUT", "/admin/labels/more", r#"{"ips": ["::1"]}"#);
    assert_eq!(more.status, 400, "{more:?}");
    assert!(more.text().contains("100 labels"), "{more:?}");
    put(&app, "/admin/labels/7", &json!({"ips": ["::1"]}));
    assert_eq!(send(&app, "DELETE", "/admin/labels/8", "").status, 204);
    put(&app, "/admin/labels/more", &json!({"ips": ["::1"]}));
    assert_eq!(
        app.json("/admin/labels")["labels"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
}

fn submit(app: &App, form: &str) -> Answer {
    send(app, "POST", "/admin/dashboard/settings", form)
}

#[test]
fn the_page_of_names_and_rules_saves_deletes_and_tests_without_a_script() {
    let app = filled();
    let saved = submit(
        &app,
        "kind=labels&do=save&name=office&ips=192.0.2.0%2F24%0D%0A&networks=&consumers=key+a&about=ours",
    );
    assert_eq!(saved.status, 200, "{saved:?}");
    assert!(saved.text().contains("office is saved."), "{saved:?}");
    assert_eq!(
        app.json("/admin/labels")["labels"][0]["consumers"],
        json!(["key a"])
    );
    let rule =
        "kind=rules&do=save&name=scan&metric=requests&by=ip&threshold=3&filter=path%3D%252Fa";
    assert_eq!(submit(&app, rule).status, 200);
    let tested = submit(&app, "kind=rules&do=test&name=scan").text();
    assert!(
        tested.contains("Its value is 3, its limit is 3."),
        "{tested}"
    );
    assert!(tested.contains("192.0.2.1: 3"), "{tested}");
    assert!(tested.contains("/admin/lists/scan"), "{tested}");
    let bad = submit(
        &app,
        "kind=rules&do=save&name=bad&metric=requests&threshold=many",
    );
    assert_eq!(bad.status, 400, "{bad:?}");
    assert!(bad.text().contains("bad is as before."), "{bad:?}");
    let deleted = submit(&app, "kind=labels&do=delete&name=office");
    assert!(deleted.text().contains("office is deleted."), "{deleted:?}");
    assert_eq!(app.json("/admin/labels"), json!({"labels": []}));
    assert_eq!(submit(&app, "kind=nothing&do=save&name=a").status, 404);
}

#[test]
fn pages_show_labels_notes_and_saved_views() {
    let app = filled();
    put(
        &app,
        "/admin/labels/office",
        &json!({"ips": ["192.0.2.0/24"]}),
    );
    let now = jiff::Timestamp::now().to_string();
    put(
        &app,
        "/admin/notes/deploy",
        &json!({"at": now, "text": "Deployed <1.2>"}),
    );
    put(
        &app,
        "/admin/notes/old",
        &json!({"at": "2020-01-01", "text": "Long ago"}),
    );
    put(
        &app,
        "/admin/views/errors",
        &json!({"path": "/admin/?status=5xx&timeRange=7d"}),
    );
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let page = app.ask("/admin/").text();
    assert!(page.contains("Deployed &#60;1.2&#62;"), "{page}");
    assert!(!page.contains("Long ago"), "{page}");
    // In both plots.
    assert_eq!(page.matches("class=\"noted\"").count(), 2, "{page}");
    assert!(
        page.contains("<a href=\"/admin/?status=5xx&#38;timeRange=7d\">errors</a>"),
        "{page}"
    );
    let label = "<span class=\"label\" translate=\"no\">office</span>";
    assert_eq!(page.matches(label).count(), 2, "{page}");
    for path in [
        "ips/192.0.2.1",
        "breakdown?by=ip",
        "retirement?key=GET%20/b",
    ] {
        let page = app.ask(&format!("/admin/dashboard/{path}")).text();
        assert!(page.contains(label), "{path}: {page}");
    }
}
