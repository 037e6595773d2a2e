//! The admin API: access, refused requests, and the shapes of the answers.

use std::time::Duration;

use rollcall_tests::{ADMIN, App, INGEST, questions};
use serde_json::{Value, json};

#[test]
fn only_the_admin_token_gets_in() {
    let app = App::start();
    let ingest = format!("Bearer {INGEST}");
    let others = ["/admin/", "/admin/nonsense"].map(str::to_owned);
    let questions = questions().into_iter().map(|(_, path)| path);
    for path in questions.chain(others) {
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong")],
            vec![("authorization", ingest.as_str())],
        ] {
            let answer = app.send("GET", &path, &headers, b"");
            assert_eq!(answer.status, 401, "{path} with {headers:?}: {answer:?}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
        }
    }
}

#[test]
fn with_no_token_configured_nobody_gets_in() {
    let app = App::start_with(|config| {
        config.variables.insert("admin_token".into(), String::new());
        config
            .variables
            .insert("ingest_token".into(), String::new());
    });
    for token in ["Bearer ", "Bearer", "Bearer x"] {
        assert_eq!(
            app.send(
                "GET",
                "/admin/global-stats",
                &[("authorization", token)],
                b""
            )
            .status,
            401
        );
        let headers = [
            ("authorization", token),
            ("content-type", "application/json"),
        ];
        assert_eq!(app.send("POST", "/collect", &headers, b"{}").status, 401);
    }
}

#[test]
fn every_bad_parameter_is_refused_by_its_name() {
    let app = App::start();
    let check = |path: &str, expect: &[&str]| {
        let answer = app.ask(path);
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let told = answer.json();
        let told = told["invalidParams"].as_array().unwrap().clone();
        let names: Vec<&str> = told
            .iter()
            .map(|bad| bad["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expect, "{path}");
    };
    check("/admin/global-stats?timeRange=2h", &["timeRange"]);
    check(
        "/admin/global-stats?includeMetrics=1&includeCosts=no",
        &["includeMetrics", "includeCosts"],
    );
    check("/admin/top-paths?limit=0", &["limit"]);
    check(
        "/admin/top-paths?limit=101&sortBy=name",
        &["limit", "sortBy"],
    );
    check("/admin/top-ips?limit=abc", &["limit"]);
    check("/admin/top-ips?sortBy=uniqueIPs", &["sortBy"]);
    for path in [
        "global-stats?",
        "top-paths?",
        "top-ips?",
        "timeseries?",
        "paths?key=GET%20/&",
        "export?",
    ] {
        for (query, name) in [
            ("ip=192.0.2.0/33", "ip"),
            ("ip=", "ip"),
            ("pathPrefix=users", "pathPrefix"),
            ("method=G%20T", "method"),
            ("status=4", "status"),
            ("status=600", "status"),
            ("status=40x", "status"),
            ("status=", "status"),
            ("country=Germany", "country"),
            ("country=", "country"),
        ] {
            check(&format!("/admin/{path}{query}"), &[name]);
        }
    }
    check(
        "/admin/timeseries?timeRange=2h&ip=x&status=6xx&limit=5",
        &["timeRange", "ip", "status", "limit"],
    );
    check("/admin/paths", &["key"]);
    check("/admin/paths?key=users&limit=0", &["key", "limit"]);
    check("/admin/paths?key=GET%20?users", &["key"]);
    check("/admin/ips/nowhere", &["ip"]);
    check("/admin/ips/192.0.2.0%2F24", &["ip"]);
    check(
        "/admin/ips/192.0.2.1?offset=1001&limit=101&ip=192.0.2.1",
        &["limit", "offset", "ip"],
    );
    check(
        "/admin/export?format=xml&dateRange=24h&compression=gzip",
        &["format", "dateRange", "compression"],
    );
    check("/admin/aggregator-status?x=", &["x"]);
}

#[test]
fn other_paths_and_methods_are_refused() {
    let app = App::start();
    let token = format!("Bearer {ADMIN}");
    for path in ["/admin/nonsense", "/admin/ips", "/admin/ipsum"] {
        assert_eq!(app.ask(path).status, 404, "{path}");
    }
    for (template, path) in questions() {
        let allowed = match template {
            "/admin/ips/{ip}" => "GET, HEAD, DELETE",
            _ => "GET, HEAD",
        };
        let answer = app.send("PUT", &path, &[("authorization", &token)], b"");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allowed)),
            "{path}"
        );
    }
}

#[test]
fn private_functions_cannot_be_reached_from_outside() {
    let app = App::start();
    let token = format!("Bearer {INGEST}");
    for path in [
        "/take-snapshot",
        "/erase",
        "/stored-ip",
        "/summarize",
        "/status",
        "/collect/status",
        "/answer",
        "/prewarm",
    ] {
        for host in ["collector.spin.internal", "aggregator.spin.internal"] {
            let headers = [("authorization", token.as_str()), ("host", host)];
            assert_eq!(
                app.send("POST", path, &headers, b"null").status,
                404,
                "{path} at {host}"
            );
            assert_eq!(
                app.send("GET", path, &headers, b"").status,
                404,
                "{path} at {host}"
            );
        }
    }
}

#[test]
fn an_empty_app_answers_with_zeros() {
    let app = App::start();
    let stats = app.json("/admin/global-stats");
    assert_eq!(stats["totalRequests"], 0);
    assert_eq!(stats["coverage"], 1.0);
    assert_eq!(app.json("/admin/top-paths")["paths"], json!([]));
    assert_eq!(app.json("/admin/top-ips")["ips"], json!([]));
    assert_eq!(app.json("/admin/export")["totalRecords"], 0);
    let csv = app.ask("/admin/export?format=csv").text();
    assert!(
        csv.starts_with("ip,pathKey,method,count,firstSeen,lastAccessed,country,userAgent"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1, "a header row, also when empty");
}

/// Three hits. Their answers can be worked out by hand.
pub fn three_hits(app: &App) {
    let at = |minutes: i64| {
        (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).to_string()
    };
    app.record(&json!([
        {"ip": "192.0.2.1", "method": "GET", "path": "/users", "status": 200, "responseTimeMs": 10, "bytes": 100,
         "country": "DE", "userAgent": "=cmd()", "timestamp": at(0)},
        {"ip": "192.0.2.1", "method": "GET", "path": "/users", "status": 503, "responseTimeMs": 30, "bytes": 50,
         "country": "DE", "timestamp": at(2 * 24 * 60)},
        {"ip": "2001:db8::1", "method": "POST", "path": "/orders", "status": 404, "timestamp": at(1)},
    ]));
}

/// An answer with placeholders for the values that differ from run to run.
pub fn without_times(mut answer: Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if [
                        "asOf",
                        "from",
                        "to",
                        "generatedAt",
                        "exportedAt",
                        "firstSeen",
                        "lastSeen",
                        "lastAccessed",
                        "start",
                    ]
                    .contains(&name.as_str())
                    {
                        let time: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
                        assert!(time.as_second() > 1_700_000_000, "{name}: {time}");
                        *value = json!("TIME");
                    } else {
                        clean(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(clean),
            _ => {}
        }
    }
    clean(&mut answer);
    answer
}

#[test]
fn global_stats_have_the_documented_shape() {
    let app = App::start();
    three_hits(&app);
    let orders = json!({
        "pathKey": "POST /orders", "totalRequests": 1, "uniqueIPs": 1, "avgRequestsPerIP": 1.0,
        "topCountries": [{"country": "unknown", "requests": 1, "percentage": 100.0}],
        "firstSeen": "TIME", "lastSeen": "TIME",
        "recentActivity": {"last24h": 1, "last7d": 1, "last30d": 1},
        "statusClasses": {"1xx": 0, "2xx": 0, "3xx": 0, "4xx": 1, "5xx": 0, "unknown": 0},
        "statusCodes": {"404": 1},
        "errorRate": 1.0, "avgResponseTime": null, "p50ResponseTime": null, "p95ResponseTime": null,
        "p99ResponseTime": null, "totalBytes": 0
    });
    let users = json!({
        "pathKey": "GET /users", "totalRequests": 2, "uniqueIPs": 1, "avgRequestsPerIP": 2.0,
        "topCountries": [{"country": "DE", "requests": 2, "percentage": 100.0}],
        "firstSeen": "TIME", "lastSeen": "TIME",
        "recentActivity": {"last24h": 1, "last7d": 2, "last30d": 2},
        "statusClasses": {"1xx": 0, "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1, "unknown": 0},
        "statusCodes": {"200": 1, "503": 1},
        "errorRate": 0.5, "avgResponseTime": 20.0, "p50ResponseTime": 10.111, "p95ResponseTime": 30.0,
        "p99ResponseTime": 30.0, "totalBytes": 150
    });
    assert_eq!(
        without_times(app.json("/admin/global-stats?timeRange=7d&includeCosts=true")),
        json!({
            "totalRequests": 3, "totalPaths": 2, "uniquePaths": 2, "totalActiveIPs": 2, "uniqueIPs": 2, "totalActiveDOs": 2,
            "avgPathsPerIP": 1.0, "topPaths": [users, orders],
            "statusClasses": {"1xx": 0, "2xx": 1, "3xx": 0, "4xx": 1, "5xx": 1, "unknown": 0},
            "statusCodes": {"200": 1, "404": 1, "503": 1},
            "errorRate": 2.0 / 3.0, "avgResponseTime": 20.0, "p50ResponseTime": 10.111, "p95ResponseTime": 30.0,
            "p99ResponseTime": 30.0, "totalBytes": 150,
            "costMetrics": {
                "estimatedDailyCost": 0.0, "estimatedMonthlyCost": 0.0,
                "doRequestCount": 3, "activeDurationHours": 40_000.0 / 3.6e9, "keyValueReads": 3.0, "keyValueWrites": 3.0,
                "breakdown": {"requests": 0.0, "keyValueReads": 0.0, "keyValueWrites": 0.0, "compute": 0.0}
            },
            "timeRange": "7d", "from": "TIME", "to": "TIME", "timeZone": "UTC", "asOf": "TIME", "generatedAt": "TIME", "coverage": 1.0, "warnings": []
        })
    );
    let lean = app.json("/admin/global-stats?timeRange=7d&includeMetrics=false");
    assert!(
        lean.get("statusClasses").is_none() && lean.get("costMetrics").is_none(),
        "{lean}"
    );
    assert_eq!(
        app.json("/admin/global-stats")["totalRequests"],
        2,
        "24h is the default"
    );
}

#[test]
fn costs_are_reckoned_with_the_configured_prices() {
    let app = App::start_with(|config| {
        for (name, value) in [
            ("price_per_million_requests", "1000000"),
            ("price_per_million_key_value_reads", "2000000"),
            ("price_per_million_key_value_writes", "4000000"),
            ("price_per_compute_hour", "90000"),
            ("key_value_reads_per_request", "0.5"),
            ("key_value_writes_per_request", "2"),
        ] {
            config.variables.insert(name.into(), value.into());
        }
    });
    three_hits(&app);
    let costs =
        app.json("/admin/global-stats?timeRange=7d&includeCosts=true")["costMetrics"].clone();
    // Over seven days: three hits at 1, 1.5 reads at 2, 6 writes at 4, and 40 ms at 25 a second.
    for (value, expected) in [
        (&costs["keyValueReads"], 1.5),
        (&costs["keyValueWrites"], 6.0),
        (&costs["breakdown"]["requests"], 3.0 / 7.0),
        (&costs["breakdown"]["keyValueReads"], 3.0 / 7.0),
        (&costs["breakdown"]["keyValueWrites"], 24.0 / 7.0),
        (&costs["breakdown"]["compute"], 1.0 / 7.0),
        (&costs["estimatedDailyCost"], 31.0 / 7.0),
        (&costs["estimatedMonthlyCost"], 930.0 / 7.0),
    ] {
        let near = (value.as_f64().unwrap() - expected).abs() < 1e-9;
        assert!(near, "{expected}: {costs}");
    }
}

#[test]
fn top_paths_are_sorted_by_what_was_asked() {
    let app = App::start();
    three_hits(&app);
    app.record(&json!([
        {"ip": "192.0.2.3", "method": "POST", "path": "/orders", "responseTimeMs": 5},
    ]));
    let keys = |query: &str| {
        let top = app.json(&format!("/admin/top-paths?timeRange=7d&{query}"));
        let paths = top["paths"].as_array().unwrap().clone();
        paths
            .iter()
            .map(|path| path["pathKey"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys("sortBy=requests"),
        ["GET /users", "POST /orders"],
        "equals by path key"
    );
    assert_eq!(keys("sortBy=uniqueIPs"), ["POST /orders", "GET /users"]);
    assert_eq!(
        keys("sortBy=avgResponseTime"),
        ["GET /users", "POST /orders"]
    );
    assert_eq!(keys("sortBy=uniqueIPs&limit=1"), ["POST /orders"]);
    assert_eq!(
        keys("sortBy=errorRate"),
        ["GET /users", "POST /orders"],
        "half of each failed"
    );
    assert_eq!(
        keys("sortBy=p95ResponseTime"),
        ["GET /users", "POST /orders"]
    );
}

#[test]
fn top_ips_are_sorted_by_what_was_asked() {
    let app = App::start();
    three_hits(&app);
    app.record(&json!([
        {"ip": "192.0.2.3", "method": "GET", "path": "/a", "timestamp": "2015-05-17T10:05:03Z"},
        {"ip": "192.0.2.3", "method": "GET", "path": "/b", "timestamp": "2015-05-17T10:05:03Z"},
    ]));
    let ips = |query: &str| {
        let top = app.json(&format!("/admin/top-ips?timeRange=all&{query}"));
        let ips = top["ips"].as_array().unwrap().clone();
        ips.iter()
            .map(|ip| ip["ip"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (a, b, c) = ("192.0.2.1", "2001:db8::1", "192.0.2.3");
    assert_eq!(ips(""), [a, c, b], "requests, equals by address");
    assert_eq!(ips("sortBy=uniquePaths"), [c, a, b]);
    assert_eq!(ips("sortBy=errorRate"), [b, a, c]);
    assert_eq!(ips("sortBy=lastSeen"), [a, b, c]);
    assert_eq!(ips("sortBy=lastSeen&limit=2"), [a, b]);
}

#[test]
fn top_ips_have_the_documented_shape() {
    let app = App::start();
    three_hits(&app);
    let top = without_times(app.json("/admin/top-ips?timeRange=7d&limit=1"));
    assert_eq!(
        top,
        json!({
            "ips": [{
                "ip": "192.0.2.1", "totalRequests": 2, "requestsPerMinute": 2.0 / (7.0 * 24.0 * 60.0), "uniquePaths": 1,
                "country": "DE", "network": null,
                "firstSeen": "TIME", "lastSeen": "TIME",
                "recentActivity": {"last24h": 1, "last7d": 2, "last30d": 2},
                "statusClasses": {"1xx": 0, "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1, "unknown": 0},
                "statusCodes": {"200": 1, "503": 1},
                "errorRate": 0.5, "avgResponseTime": 20.0, "p50ResponseTime": 10.111, "p95ResponseTime": 30.0,
                "p99ResponseTime": 30.0, "totalBytes": 150
            }],
            "timeRange": "7d", "from": "TIME", "to": "TIME", "timeZone": "UTC", "asOf": "TIME", "generatedAt": "TIME", "coverage": 1.0, "warnings": []
        })
    );
}

#[test]
fn an_export_has_a_row_for_each_ip_and_path() {
    let app = App::start();
    three_hits(&app);
    let mut export = without_times(app.json("/admin/export"));
    let rows = export["data"].as_array_mut().unwrap();
    rows.sort_by_key(|row| row["ip"].to_string());
    assert_eq!(
        export,
        json!({
            "exportedAt": "TIME", "dateRange": "7d", "from": "TIME", "to": "TIME", "totalRecords": 2, "warnings": [],
            "data": [
                {"ip": "192.0.2.1", "pathKey": "GET /users", "method": "GET", "count": 2, "firstSeen": "TIME",
                 "lastAccessed": "TIME", "country": "DE", "userAgent": "=cmd()", "path": "/users", "errors": 1, "bytes": 150,
                 "avgResponseTime": 20.0},
                {"ip": "2001:db8::1", "pathKey": "POST /orders", "method": "POST", "count": 1, "firstSeen": "TIME",
                 "lastAccessed": "TIME", "country": "unknown", "userAgent": "unknown", "path": "/orders", "errors": 1,
                 "bytes": 0, "avgResponseTime": null}
            ]
        })
    );
    let bare = app.json("/admin/export?includeMetadata=false&dateRange=1d");
    assert_eq!(bare.as_array().unwrap().len(), 2);

    let answer = app.ask("/admin/export?format=csv");
    assert_eq!(
        answer.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"path-stats-7d.csv\"")
    );
    let lines = app.ask("/admin/export?format=ndjson");
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let mut read: Vec<Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    read.sort_by_key(|row| row["ip"].to_string());
    assert_eq!(without_times(Value::from(read)), export["data"]);

    assert!(
        answer.text().contains("'=cmd()"),
        "a spreadsheet runs no formula: {}",
        answer.text()
    );
}

#[test]
fn the_status_tells_how_the_ledger_does() {
    let app = App::start();
    three_hits(&app);
    let before = app.json("/admin/aggregator-status");
    assert_eq!(
        (
            before["pendingSegments"].as_u64(),
            before["recordedHits"].as_u64()
        ),
        (Some(1), Some(0))
    );
    let lag_ms = |status: &Value| status["lagMs"].as_u64().unwrap();
    std::thread::sleep(Duration::from_millis(1_200));
    let later = app.json("/admin/aggregator-status");
    assert!((1_200..60_000).contains(&lag_ms(&later)), "{later}");
    assert!(lag_ms(&before) < lag_ms(&later), "{before}");
    app.json("/admin/global-stats");
    let after = app.json("/admin/aggregator-status");
    assert_eq!(
        (
            after["pendingSegments"].as_u64(),
            after["recordedHits"].as_u64()
        ),
        (Some(0), Some(3))
    );
    assert_eq!(lag_ms(&after), 0);
    assert_eq!(
        (after["trackedIPs"].as_u64(), after["root"].as_u64()),
        (Some(2), Some(1))
    );
}

#[test]
fn a_head_gets_the_head_of_a_get() {
    let app = App::start();
    three_hits(&app);
    for path in [
        "/",
        "/healthz",
        "/admin/",
        "/admin/overview",
        "/admin/export?format=csv",
        "/admin/metrics",
        "/admin/openapi.json",
        "/admin/sign-in",
        "/admin/nothing",
    ] {
        let token = ("authorization", format!("Bearer {ADMIN}"));
        let token = [(token.0, token.1.as_str())];
        let (get, head) = (
            app.send("GET", path, &token, b""),
            app.send("HEAD", path, &token, b""),
        );
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert!(head.body.is_empty(), "{path}");
    }
    let posted = app.send("POST", "/healthz", &[], b"");
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD"))
    );
}
