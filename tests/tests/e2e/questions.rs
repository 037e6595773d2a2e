//! Every request of `docs/questions.md` has an answer.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use rollcall_tests::App;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::mmdb::{self, Writer, map, text};

const PAGE: &str = include_str!("../../../docs/questions.md");

/// An app with a file of networks and an OpenAPI file.
fn app(files: &TempDir) -> App {
    let network = map([
        ("autonomous_system_number", mmdb::Value::Number(64_496)),
        ("autonomous_system_organization", text("Example")),
    ]);
    let networks = Writer::new(6, 24).add("192.0.2.0/24", network);
    fs::write(files.path().join("asn.mmdb"), networks.write()).unwrap();
    let api = json!({
        "openapi": "3.1.0", "info": {"title": "Shop", "version": "1"},
        "paths": {"/users": {"get": {}}, "/reports": {"get": {}}, "/forgotten": {"get": {}}},
    });
    fs::write(files.path().join("openapi.json"), api.to_string()).unwrap();
    App::start_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
    })
}

/// Hits of today, of yesterday and of a week ago. Something of every kind is in them.
fn record(app: &App) {
    let mut hits = Vec::new();
    let mut add = |hours: i64, count: usize, method: &str, path: &str, status: u16, ms: u32| {
        let at = (Timestamp::now() - SignedDuration::from_hours(hours)).to_string();
        let hit = json!({
            "ip": "192.0.2.1", "method": method, "path": path, "status": status,
            "responseTimeMs": ms, "bytes": 100, "timestamp": at, "country": "DE",
            "host": "api.example", "consumer": "partner X", "protocol": "HTTP/2",
            "referrer": "https://news.example/", "userAgent": "GPTBot/1.0",
        });
        hits.extend(vec![hit; count]);
    };
    add(1, 50, "GET", "/users", 200, 10);
    add(1, 40, "GET", "/healthz", 200, 1);
    add(1, 20, "POST", "/orders", 503, 40);
    add(30, 20, "POST", "/orders", 200, 10);
    add(1, 20, "GET", "/reports", 200, 900);
    add(30, 20, "GET", "/reports", 200, 100);
    add(30, 40, "GET", "/gone", 200, 10);
    add(1, 5, "GET", "/login", 429, 1);
    add(1, 5, "GET", "/wp-login.php", 404, 1);
    add(24 * 7 + 1, 5, "GET", "/users", 200, 10);
    hits.push(json!({"ip": "198.51.100.1", "method": "GET", "path": "/users", "status": 200}));
    app.record(&hits.into());
    // Callers that are new in the first interval of a week, also if the next one begins meanwhile.
    let week = app.ask("/admin/timeseries?timeRange=7d").json();
    let mut hits = Vec::new();
    for (bucket, ip) in [(0, "198.51.100.2"), (1, "198.51.100.3")] {
        let at = &week["buckets"][bucket]["start"];
        hits.push(json!({"ip": ip, "method": "GET", "path": "/users", "timestamp": at}));
    }
    app.record(&hits.into());
}

/// The question, the request and the field of each row.
fn rows() -> Vec<[&'static str; 3]> {
    let cells = |line: &'static str| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<&str> = cells.split(" | ").collect();
        let [question, request, field] = cells.try_into().ok()?;
        request.starts_with("`/").then(|| {
            let bare = |cell: &'static str| cell.trim_matches('`');
            [question, bare(request), bare(field)]
        })
    };
    PAGE.lines().filter_map(cells).collect()
}

#[test]
fn every_question_of_the_page_has_an_answer() {
    let files = TempDir::new().unwrap();
    let app = app(&files);
    record(&app);
    let rows = rows();
    assert!(rows.len() >= 30, "{}", rows.len());
    for [question, request, field] in rows {
        assert!(question.ends_with('?'), "{question}");
        let answer = app.ask(request);
        assert_eq!(answer.status, 200, "{request}");
        let is_told = match field {
            "text" => !answer.text().is_empty(),
            _ => match answer.json().pointer(&format!("/{field}")) {
                Some(Value::Array(list)) => !list.is_empty(),
                Some(Value::Object(fields)) => !fields.is_empty(),
                Some(Value::Number(number)) => number.as_f64() != Some(0.0),
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Bool(_) | Value::Null) | None => false,
            },
        };
        assert!(is_told, "{question} {request}: no {field}");
    }
}

#[test]
fn every_question_of_the_api_is_asked_on_the_page() {
    for question in rollcall_tally::question::Question::every() {
        let path = question.about().path;
        let path = path.split('{').next().unwrap();
        // The tables of paths, IPs and countries are breakdowns, too.
        if ["/admin/top-paths", "/admin/top-ips", "/admin/countries"].contains(&path) {
            continue;
        }
        assert!(PAGE.contains(&format!("| `{path}")), "{path}");
    }
}
