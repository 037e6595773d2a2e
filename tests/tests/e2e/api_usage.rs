//! The OpenAPI file of the operator's API: paths count under it, and its usage is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rollcall_tests::App;
use serde_json::{Value, json};
use tempfile::TempDir;

const FILE: &str = "
openapi: 3.0.3
servers: [{url: https://api.example.com/v1}]
paths:
  /users/{name}: {get: {}, put: {}}
  /users/me: {get: {}}
  /users/{name}/orders/{id}: {get: {}}
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn start(files: &TempDir) -> App {
    App::start_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
    })
}

fn record(app: &App, hits: &[(&str, &str, &str)]) {
    let hit =
        |(ip, method, path): &(&str, &str, &str)| json!({"ip": ip, "method": method, "path": path});
    app.record(&hits.iter().map(hit).collect());
}

/// The path keys of a list, with their hits and IPs.
fn list(answer: &Value, name: &str) -> Vec<(String, u64, Option<u64>)> {
    let entries = answer[name].as_array().unwrap().iter();
    let entry = |of: &Value| {
        assert!(of["lastSeen"].is_string(), "{of}");
        let key = of["pathKey"].as_str().unwrap().to_owned();
        (
            key,
            of["totalRequests"].as_u64().unwrap(),
            of["uniqueIPs"].as_u64(),
        )
    };
    entries.map(entry).collect()
}

#[track_caller]
fn check(answer: &Value, name: &str, expect: &[(&str, u64, Option<u64>)]) {
    let expect = expect
        .iter()
        .map(|(key, hits, ips)| ((*key).to_owned(), *hits, *ips));
    assert_eq!(list(answer, name), expect.collect::<Vec<_>>(), "{answer}");
}

#[test]
fn paths_count_under_the_file_and_its_usage_is_told_also_of_hits_from_before() {
    let none = folder(&[]);
    let mut app = start(&none);
    let (ada, bob) = ("192.0.2.1", "192.0.2.2");
    record(
        &app,
        &[
            (ada, "GET", "/v1/users/ada/orders/7"),
            (bob, "GET", "/v1/users/bob/orders/8"),
        ],
    );
    let missing = app.ask("/admin/api-usage");
    assert_eq!(missing.status, 404, "{missing:?}");
    let detail = missing.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("openapi.yaml"), "{detail}");

    let files = folder(&[("openapi.yaml", FILE)]);
    app.restart_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
    });
    record(
        &app,
        &[
            (ada, "GET", "/v1/users/ada/orders/9?x=1"),
            (ada, "GET", "/v1/users/ada"),
            (bob, "GET", "/v1/users/ada"),
            (bob, "GET", "/v1/users/bob"),
            (bob, "GET", "/v1/users/me"),
            (bob, "DELETE", "/v1/users/bob"),
            (ada, "GET", "/.env"),
            (bob, "GET", "/.env"),
        ],
    );
    let top = app.json("/admin/top-paths?timeRange=all&limit=100");
    let mut keys: Vec<_> = list(&top, "paths")
        .into_iter()
        .map(|(key, ..)| key)
        .collect();
    keys.sort();
    let expect = [
        "DELETE /v1/users/{name}",
        "GET /.env",
        "GET /v1/users/ada/orders/7",
        "GET /v1/users/bob/orders/8",
        "GET /v1/users/me",
        "GET /v1/users/{name}",
        "GET /v1/users/{name}/orders/{id}",
    ];
    assert_eq!(keys, expect);

    for via in ["", "&via=ips"] {
        let usage = app.json(&format!("/admin/api-usage?timeRange=all&limit=1{via}"));
        check(
            &usage,
            "called",
            &[
                ("GET /v1/users/{name}", 3, Some(2)),
                ("GET /v1/users/{name}/orders/{id}", 3, None),
                ("GET /v1/users/me", 1, Some(1)),
            ],
        );
        assert_eq!(usage["uncalled"], json!(["PUT /v1/users/{name}"]));
        assert_eq!(usage["calledByOne"], json!(["GET /v1/users/me"]));
        assert_eq!(usage["calledByOneOperations"], 1);
        check(&usage, "unknown", &[("GET /.env", 2, Some(2))]);
        let numbers = [
            "calledOperations",
            "uncalledOperations",
            "unknownPaths",
            "unknownRequests",
        ];
        assert_eq!(
            numbers.map(|name| usage[name].as_u64().unwrap()),
            [3, 1, 2, 3]
        );
        assert_eq!(usage["warnings"], json!([]));
    }
    let of_bob = app.json("/admin/api-usage?timeRange=all&ip=192.0.2.2&method=GET");
    check(
        &of_bob,
        "called",
        &[
            ("GET /v1/users/{name}", 2, Some(1)),
            ("GET /v1/users/me", 1, Some(1)),
            ("GET /v1/users/{name}/orders/{id}", 1, Some(1)),
        ],
    );
    assert_eq!(of_bob["uncalledOperations"], 0);

    let page = app
        .ask("/admin/dashboard/api-usage?timeRange=all&limit=100")
        .text();
    for text in [
        "PUT /v1/users/{name}",
        "GET /.env",
        "one IP alone called: 1",
        "nobody called: 1",
        "not in the file: 2",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let paths = app.ask("/admin/dashboard/top-paths").text();
    assert!(paths.contains("/admin/dashboard/api-usage?"), "{paths}");
}

/// Operations, each with the IPs that call it: by any IP, by one, by none.
#[test]
fn what_one_ip_alone_calls_is_that_of_a_plain_count_and_its_page_names_the_ip() {
    const OPERATIONS: u64 = 60;
    let operations = (0..OPERATIONS).map(|n| format!("  /op{n}/{{id}}: {{get: {{}}}}\n"));
    let file = format!("openapi: 3.0.3\npaths:\n{}", operations.collect::<String>());
    let files = folder(&[("openapi.yaml", &file)]);
    let app = start(&files);
    let mut callers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut hits = Vec::new();
    for n in 0..OPERATIONS * 7 {
        let (operation, ip) = (n * n % OPERATIONS, format!("192.0.2.{}", n % (1 + n % 3)));
        hits.push(json!({"ip": ip, "method": "GET", "path": format!("/op{operation}/{n}")}));
        callers
            .entry(format!("GET /op{operation}/{{id}}"))
            .or_default()
            .insert(ip);
    }
    app.record(&hits.into());
    let mut expect: Vec<&String> = callers
        .iter()
        .filter(|(_, ips)| ips.len() == 1)
        .map(|(key, _)| key)
        .collect();
    assert!(!expect.is_empty() && expect.len() < callers.len());
    expect.sort();
    for via in ["", "&via=ips"] {
        let usage = app.json(&format!("/admin/api-usage?timeRange=24h{via}"));
        let keys = usage["calledByOne"].as_array().unwrap().iter();
        let mut keys: Vec<_> = keys.map(|key| key.as_str().unwrap()).collect();
        keys.sort_unstable();
        assert_eq!(keys, expect, "{usage}");
        assert_eq!(usage["calledByOneOperations"], expect.len());
    }
    let (key, ips) = callers.iter().find(|(_, ips)| ips.len() == 1).unwrap();
    let named = app.json(&format!(
        "/admin/retirement?key={}",
        key.replace(' ', "%20")
            .replace('{', "%7B")
            .replace('}', "%7D")
    ));
    assert_eq!(named["callers"][0]["ip"], *ips.first().unwrap());
    assert_eq!(named["totalCallers"], 1);
}

#[test]
fn a_file_that_cannot_be_used_stops_recording_and_says_why() {
    for files in [
        &[("openapi.json", "openapi: 3.0.3")][..],
        &[(
            "openapi.yaml",
            "openapi: 3.0.3\npaths: {/a: {$ref: a.yaml}}",
        )],
        &[("openapi.yaml", FILE), ("openapi.yml", FILE)],
    ] {
        let folder = folder(files);
        let app = start(&folder);
        let hit = json!({"ip": "192.0.2.1", "path": "/"}).to_string();
        let refused = app.collect("application/json", &hit, &[]);
        assert_eq!(refused.status, 503, "{files:?}");
        assert_eq!(app.json("/admin/global-stats")["totalRequests"], 0);
        let usage = app.ask("/admin/api-usage");
        assert_eq!(usage.status, 404);
        assert!(usage.text().contains("cannot be used"), "{usage:?}");
    }
}

#[test]
fn the_rules_for_letters_and_slashes_apply_to_the_file() {
    let file =
        json!({"swagger": "2.0", "basePath": "/V1/", "paths": {"/Users/{userId}/": {"get": {}}}});
    let files = folder(&[("openapi.json", &file.to_string())]);
    let app = App::start_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
        for name in ["path_ignore_case", "path_ignore_trailing_slash"] {
            config.variables.insert(name.into(), "true".into());
        }
    });
    let ip = "192.0.2.1";
    record(
        &app,
        &[(ip, "GET", "/v1/users/7"), (ip, "GET", "/V1/USERS/8/")],
    );
    let usage = app.json("/admin/api-usage");
    check(&usage, "called", &[("GET /V1/Users/{userId}", 2, Some(1))]);
}
