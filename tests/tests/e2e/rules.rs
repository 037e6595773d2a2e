//! The operator's rules: whose address counts, which paths are one, and what does not count.

use rollcall_tests::App;
use serde_json::{Value, json};

fn with(variables: &[(&str, &str)]) -> App {
    App::start_with(|config| {
        for (name, value) in variables {
            config.variables.insert((*name).into(), (*value).into());
        }
    })
}

fn names(list: &Value, name: &str) -> Vec<(String, u64)> {
    let entries = list.as_array().unwrap().iter();
    let named = entries.map(|of| {
        let count = of["totalRequests"].as_u64().unwrap();
        (of[name].as_str().unwrap().to_owned(), count)
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

#[test]
fn the_callers_address_is_the_last_that_no_trusted_proxy_has() {
    let app = with(&[
        ("trusted_proxies", "10.0.0.0/8, 203.0.113.7"),
        ("exclude_ips", "192.0.2.99"),
        ("ipv6_prefix", "64"),
    ]);
    let line =
        |ip: &str| format!("{ip} - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 7\n");
    let sent = [
        "192.0.2.1",
        "198.51.100.1, 192.0.2.1, 203.0.113.7, 10.1.2.3",
        "192.0.2.99",
        "192.0.2.99, 10.0.0.1",
        "192.0.2.99, 192.0.2.2",
        "2001:db8:1:2::3",
        "2001:db8:1:2:ffff::4, 10.0.0.1",
    ];
    let answer = app.collect("text/plain", &sent.map(line).concat(), &[]);
    assert_eq!(answer.json()["excluded"], 2, "{answer:?}");
    let top = app.json("/admin/top-ips?timeRange=all");
    let expect = [("192.0.2.1", 2), ("192.0.2.2", 1), ("2001:db8:1:2::", 2)];
    let expect = expect.map(|(ip, count)| (ip.to_owned(), count));
    assert_eq!(names(&top["ips"], "ip"), expect);
}

#[test]
fn paths_count_under_their_templates_and_some_do_not_count() {
    let app = with(&[
        ("path_templates", "/users/:name/orders/:order /files/*"),
        ("path_ids", "true"),
        ("path_ignore_trailing_slash", "true"),
        ("path_ignore_case", "true"),
        ("exclude_paths", "/healthz *.css"),
    ]);
    let hits = [
        "/users/ada/orders/7",
        "/Users/bob/orders/x/",
        "/files/a/b",
        "/items/42",
        "/items/550e8400-e29b-41d4-a716-446655440000?x=1",
        "/%61bout",
        "/about/",
        "/healthz",
        "/style.css",
    ];
    let hits = hits.map(|path| json!({"ip": "192.0.2.1", "method": "GET", "path": path}));
    let answer = app.collect("application/json", &json!(hits).to_string(), &[]);
    assert_eq!(answer.json()["excluded"], 2, "{answer:?}");
    let top = app.json("/admin/top-paths?timeRange=all");
    let expect = [
        ("GET /about", 2),
        ("GET /files/*", 1),
        ("GET /items/:id", 2),
        ("GET /users/:name/orders/:order", 2),
    ];
    let expect = expect.map(|(path, count)| (path.to_owned(), count));
    assert_eq!(names(&top["paths"], "pathKey"), expect);
    let path = app.json("/admin/paths?key=GET%20/users/:name/orders/:order&timeRange=all");
    assert_eq!(path["totalRequests"], 2);
    let odd = json!([hits[7], {"ip": "192.0.2.1"}]);
    let told = app
        .collect("application/json", &odd.to_string(), &[])
        .json();
    let counts = ["accepted", "rejected", "excluded"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [1, 0, 1]);
    let none = app.collect("application/json", &json!([hits[7]]).to_string(), &[]);
    assert_eq!(
        (none.status, none.json()["excluded"].as_u64()),
        (200, Some(1))
    );
}

#[test]
fn less_of_a_caller_may_be_kept() {
    let key = "a key that nobody knows";
    for (mode, expect) in [("full", 3), ("truncated", 2), ("hashed", 3)] {
        let app = with(&[
            ("ip_mode", mode),
            ("ip_hash_key", key),
            ("keep_user_agents", "false"),
        ]);
        let hit = |ip: &str| json!({"ip": ip, "path": "/", "method": "GET", "userAgent": "curl/8"});
        let hits = ["192.0.2.1", "192.0.2.2", "198.51.100.1"].map(hit);
        app.record(&json!(hits));
        let top = app.json("/admin/top-ips?timeRange=all");
        let ips = names(&top["ips"], "ip");
        assert_eq!(ips.len(), expect, "{mode}: {ips:?}");
        let export = app.ask("/admin/export?format=ndjson&dateRange=90d").text();
        assert!(!export.contains("curl/8"), "{export}");
        assert_eq!(export.contains("192.0.2.1"), mode == "full", "{export}");
    }
}

#[test]
fn a_log_of_any_form_is_read_by_a_map() {
    let app = with(&[(
        "field_map",
        "ip=client.addr|4,path=uri|2,time=at|1:s,status=code|3,duration=took:ms",
    )]);
    let line = r#"{"client": {"addr": "192.0.2.1"}, "uri": "/a?b", "at": "1431857103", "code": "404", "took": 3.5}"#;
    let text = r#"[17/May/2015:10:05:04 +0000] "/a" 200 192.0.2.2"#;
    let token = format!("Bearer {}", rollcall_tests::INGEST);
    let headers = [("authorization", token.as_str())];
    let body = format!("{line}\n{text}\n");
    let answer = app.send("POST", "/collect?format=mapped", &headers, body.as_bytes());
    // The line of text has no response time.
    assert!(answer.status < 300, "{answer:?}");
    let stats = app.json("/admin/global-stats?timeRange=all");
    assert_eq!(
        (stats["totalRequests"].as_u64(), stats["uniqueIPs"].as_u64()),
        (Some(2), Some(2))
    );
    assert_eq!(stats["uniquePaths"], 1);
    let none = App::start();
    assert_eq!(
        none.send("POST", "/collect?format=mapped", &headers, body.as_bytes())
            .status,
        400
    );
}

#[test]
fn a_rule_that_cannot_be_read_stops_recording_and_counts_nothing_wrong() {
    for (name, value) in [
        ("trusted_proxies", "proxy.example"),
        ("exclude_ips", "10.0.0.0/33"),
        ("ipv6_prefix", "129"),
        ("path_templates", "users"),
        ("path_ids", "yes"),
        ("field_map", "path=uri"),
        ("ip_mode", "none"),
        ("ip_mode", "hashed"),
        ("keep_user_agents", "no"),
        ("exclude_paths", "*"),
    ] {
        let app = with(&[(name, value)]);
        let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}).to_string();
        assert_eq!(
            app.collect("application/json", &hit, &[]).status,
            503,
            "{name}"
        );
        assert_eq!(
            app.json("/admin/global-stats")["totalRequests"],
            0,
            "{name}"
        );
    }
}
