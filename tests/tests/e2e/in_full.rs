//! One IP, one path, and timelines: their shapes, and the answers where there are no hits.

use rollcall_tests::App;
use serde_json::{Value, json};

use crate::admin::{three_hits, without_times};

/// Hits by class of status: 1xx to 5xx, and those without a status.
fn classes([informational, success, redirection, client, server, unknown]: [u64; 6]) -> Value {
    json!({
        "1xx": informational, "2xx": success, "3xx": redirection, "4xx": client, "5xx": server,
        "unknown": unknown
    })
}

/// Removes the buckets from a timeline of seven days, and checks them. The first bucket is empty.
fn without_buckets(timeline: &mut Value) {
    let empty = json!({
        "start": "TIME", "requests": 0, "uniqueIPs": 0, "newIPs": 0, "errors": 0,
        "statusClasses": classes([0; 6]), "avgResponseTime": null,
        "p50ResponseTime": null, "p95ResponseTime": null, "p99ResponseTime": null
    });
    let clean = |period: &mut Value| {
        let buckets = period.as_object_mut().unwrap().remove("buckets").unwrap();
        let buckets = buckets.as_array().unwrap();
        assert_eq!((buckets.len(), &buckets[0]), (7, &empty));
        let sum = |name: &str| -> u64 {
            let values = buckets.iter().map(|bucket| bucket[name].as_u64().unwrap());
            values.sum()
        };
        assert_eq!(period["totalRequests"], sum("requests"));
        assert_eq!(period["errors"], sum("errors"));
        for (class, count) in period["statusClasses"].as_object().unwrap() {
            let counts = buckets
                .iter()
                .map(|bucket| bucket["statusClasses"][class].as_u64());
            assert_eq!(*count, json!(counts.sum::<Option<u64>>()), "{class}");
        }
    };
    clean(timeline);
    clean(&mut timeline["previous"]);
}

fn silence() -> Value {
    json!({
        "totalRequests": 0, "uniqueIPs": 0, "errors": 0, "statusClasses": classes([0; 6]),
        "avgResponseTime": null,
        "p50ResponseTime": null, "p95ResponseTime": null, "p99ResponseTime": null
    })
}

#[test]
fn a_timeseries_has_the_documented_shape() {
    let app = App::start();
    three_hits(&app);
    let mut series = without_times(app.json("/admin/timeseries?timeRange=7d"));
    without_buckets(&mut series);
    assert_eq!(
        series,
        json!({
            "bucketMinutes": 1440, "totalRequests": 3, "uniqueIPs": 2, "errors": 2, "statusClasses": classes([0, 1, 0, 1, 1, 0]), "avgResponseTime": 20.0,
            "p50ResponseTime": 10.111, "p95ResponseTime": 30.0, "p99ResponseTime": 30.0,
            "previous": silence(),
            "timeRange": "7d", "from": "TIME", "to": "TIME", "timeZone": "UTC", "asOf": "TIME", "generatedAt": "TIME", "coverage": 1.0, "warnings": []
        })
    );
}

#[test]
fn an_overview_is_the_other_answers_in_one() {
    let app = App::start();
    three_hits(&app);
    let part = |path: &str| without_times(app.json(&format!("/admin/{path}?timeRange=7d")));
    let mut expected = part("global-stats");
    let mut timeline = part("timeseries");
    for name in [
        "timeRange",
        "from",
        "to",
        "timeZone",
        "asOf",
        "generatedAt",
        "coverage",
        "warnings",
    ] {
        timeline.as_object_mut().unwrap().remove(name);
    }
    expected["newIPs"] = json!(2);
    expected["topIPs"] = part("top-ips")["ips"].clone();
    let percent = |part: f64| 100.0 * (part / 3.0);
    expected["topCountries"] = json!([
        {"country": "DE", "requests": 2, "percentage": percent(2.0)},
        {"country": "unknown", "requests": 1, "percentage": percent(1.0)}
    ]);
    expected["methods"] = json!([
        {"method": "GET", "requests": 2, "percentage": percent(2.0)},
        {"method": "POST", "requests": 1, "percentage": percent(1.0)}
    ]);
    expected["timeline"] = timeline;
    let mut overview = part("overview");
    for list in ["topPaths", "topIPs"] {
        for row in overview[list].as_array_mut().unwrap() {
            let buckets = row.as_object_mut().unwrap().remove("buckets").unwrap();
            assert_eq!(buckets.as_array().unwrap().len(), 7, "{row}");
        }
    }
    assert_eq!(overview, expected);
}

#[test]
fn one_ip_has_the_documented_shape() {
    let app = App::start();
    three_hits(&app);
    let mut ip = without_times(app.json("/admin/ips/::ffff:192.0.2.1?timeRange=7d"));
    without_buckets(&mut ip["timeline"]);
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
        ip,
        json!({
            "ip": "192.0.2.1", "totalRequests": 2, "requestsPerMinute": 2.0 / (7.0 * 24.0 * 60.0), "uniquePaths": 1,
            "country": "DE", "network": null, "firstSeen": "TIME", "lastSeen": "TIME",
            "recentActivity": {"last24h": 1, "last7d": 2, "last30d": 2},
            "statusClasses": {"1xx": 0, "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1, "unknown": 0},
            "statusCodes": {"200": 1, "503": 1},
            "errorRate": 0.5, "avgResponseTime": 20.0, "p50ResponseTime": 10.111, "p95ResponseTime": 30.0,
            "p99ResponseTime": 30.0, "totalBytes": 150,
            "userAgents": ["=cmd()"], "totalPaths": 1, "offset": 0, "limit": 10, "paths": [users],
            "timeline": {
                "bucketMinutes": 1440, "totalRequests": 2, "uniqueIPs": 1, "errors": 1, "statusClasses": classes([0, 1, 0, 0, 1, 0]), "avgResponseTime": 20.0,
                "p50ResponseTime": 10.111, "p95ResponseTime": 30.0, "p99ResponseTime": 30.0,
                "previous": silence()
            },
            "timeRange": "7d", "from": "TIME", "to": "TIME", "timeZone": "UTC", "asOf": "TIME", "generatedAt": "TIME", "coverage": 1.0, "warnings": []
        })
    );
}

#[test]
fn one_path_has_the_documented_shape() {
    let app = App::start();
    three_hits(&app);
    let mut path = without_times(app.json("/admin/paths?key=POST%20/orders&timeRange=7d"));
    without_buckets(&mut path["timeline"]);
    let metrics = json!({
        "statusClasses": {"1xx": 0, "2xx": 0, "3xx": 0, "4xx": 1, "5xx": 0, "unknown": 0},
        "statusCodes": {"404": 1},
        "errorRate": 1.0, "avgResponseTime": null, "p50ResponseTime": null, "p95ResponseTime": null,
        "p99ResponseTime": null, "totalBytes": 0, "totalRequests": 1,
        "firstSeen": "TIME", "lastSeen": "TIME", "recentActivity": {"last24h": 1, "last7d": 1, "last30d": 1}
    });
    let with_metrics = |mut value: Value| {
        let fields = metrics.as_object().unwrap().clone();
        value.as_object_mut().unwrap().extend(fields);
        value
    };
    let caller = with_metrics(json!({
        "ip": "2001:db8::1", "requestsPerMinute": 1.0 / (7.0 * 24.0 * 60.0), "uniquePaths": 1, "country": null, "network": null
    }));
    let expected = with_metrics(json!({
        "pathKey": "POST /orders", "uniqueIPs": 1, "avgRequestsPerIP": 1.0,
        "topCountries": [{"country": "unknown", "requests": 1, "percentage": 100.0}],
        "callers": [caller],
        "timeline": {
            "bucketMinutes": 1440, "totalRequests": 1, "uniqueIPs": 1, "errors": 1, "statusClasses": classes([0, 0, 0, 1, 0, 0]), "avgResponseTime": null,
            "p50ResponseTime": null, "p95ResponseTime": null, "p99ResponseTime": null,
            "previous": silence()
        },
        "timeRange": "7d", "from": "TIME", "to": "TIME", "timeZone": "UTC", "asOf": "TIME", "generatedAt": "TIME", "coverage": 1.0, "warnings": []
    }));
    assert_eq!(path, expected);
}

#[test]
fn an_ip_that_is_not_tracked_is_not_found() {
    let app = App::start();
    three_hits(&app);
    let answer = app.ask("/admin/ips/192.0.2.99");
    assert_eq!(answer.status, 404, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        answer.json()["detail"],
        "The IP 192.0.2.99 is not tracked, or not any more."
    );
}

#[test]
fn an_ip_that_did_nothing_in_the_window_is_known_all_the_same() {
    let app = App::start();
    app.record(&json!([{
        "ip": "192.0.2.1", "method": "GET", "path": "/", "country": "DE", "userAgent": "curl", "status": 200,
        "timestamp": "2015-05-17T10:05:03Z"
    }]));
    let ip = app.json("/admin/ips/192.0.2.1?timeRange=1h");
    assert_eq!(
        (&ip["totalRequests"], &ip["paths"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(ip["country"], "DE");
    assert_eq!(ip["userAgents"], json!(["curl"]));
    assert_eq!(ip["lastSeen"], "2015-05-17T10:05:03.000Z");
    let none = app.json("/admin/ips/192.0.2.1?timeRange=all&pathPrefix=/users");
    assert_eq!(
        (&none["totalRequests"], &none["lastSeen"]),
        (&json!(0), &json!(null))
    );
    let all = app.json("/admin/ips/192.0.2.1?timeRange=all");
    assert_eq!(
        (&all["totalRequests"], &all["timeline"]["before"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn the_paths_of_an_ip_are_told_page_by_page() {
    let app = App::start();
    let hit =
        |i: u32| json!({"ip": "2001:db8::7", "method": "GET", "path": format!("/{:02}", i % 25)});
    app.record(&(0..40).map(hit).collect());
    let mut told: Vec<String> = Vec::new();
    for offset in [0, 10, 20, 30] {
        let ip = app.json(&format!("/admin/ips/2001:db8:0::7?offset={offset}"));
        assert_eq!(
            (&ip["totalPaths"], &ip["uniquePaths"], &ip["offset"]),
            (&json!(25), &json!(25), &json!(offset))
        );
        let paths = ip["paths"].as_array().unwrap();
        assert_eq!(paths.len(), [10, 10, 5, 0][offset / 10]);
        told.extend(
            paths
                .iter()
                .map(|path| path["pathKey"].as_str().unwrap().to_owned()),
        );
    }
    // The paths that were called twice come first. Paths with equal counts are sorted by path key.
    let expected: Vec<String> = (0..25).map(|i| format!("GET /{i:02}")).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_path_that_nobody_called_is_zeros() {
    let app = App::start();
    three_hits(&app);
    let path = app.json("/admin/paths?key=GET%20/nowhere");
    assert_eq!(path["pathKey"], "GET /nowhere");
    assert_eq!(
        (&path["totalRequests"], &path["uniqueIPs"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        (&path["callers"], &path["topCountries"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (&path["firstSeen"], &path["p95ResponseTime"]),
        (&json!(null), &json!(null))
    );
}

#[test]
fn the_callers_of_a_path_are_those_who_called_it_most() {
    let app = App::start_with(|config| {
        config.variables.insert("batch_size".into(), "2".into());
    });
    let hit = |i: u32| {
        let ip = format!("192.0.2.{}", 1 + i % 9);
        let path = if i < 27 { "/popular" } else { "/" };
        json!({"ip": ip, "method": "GET", "path": path})
    };
    // Nine IPs call this path three times each, and three of them once more. Calls of other paths
    // do not matter.
    let more = (0..3)
        .map(|i| json!({"ip": format!("192.0.2.{}", 7 + i), "method": "GET", "path": "/popular"}));
    app.record(&(0..60).map(hit).chain(more).collect());
    let path = app.json("/admin/paths?key=GET%20/popular&limit=4");
    let callers = path["callers"].as_array().unwrap();
    let told: Vec<(&str, u64)> = callers
        .iter()
        .map(|caller| {
            (
                caller["ip"].as_str().unwrap(),
                caller["totalRequests"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("192.0.2.7", 4),
            ("192.0.2.8", 4),
            ("192.0.2.9", 4),
            ("192.0.2.1", 3)
        ]
    );
    assert_eq!(path["uniqueIPs"], 9);
}
