//! Hits by host, consumer, network and others, and the files that say where an IP is.

use std::fs;

use rollcall_tests::App;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::mmdb::{self, Writer, map, text};

/// `name requests uniqueIPs` of each group.
fn groups(answer: &Value) -> Vec<String> {
    let groups = answer["groups"].as_array().unwrap().iter();
    let line = |of: &Value| {
        let name = of["name"].as_str().unwrap();
        format!("{name} {} {}", of["totalRequests"], of["uniqueIPs"])
    };
    groups.map(line).collect()
}

fn asked(app: &App, by: &str) -> Value {
    app.json(&format!("/admin/breakdown?by={by}"))
}

#[test]
fn hits_are_told_by_what_the_gateway_said_of_them() {
    let app = App::start();
    let mut hits = Vec::new();
    // Two keys behind one address, and one key behind two.
    for (ip, consumer, host, agent) in [
        ("192.0.2.1", Some("partner X"), "api.example", "curl/8"),
        (
            "192.0.2.1",
            Some("partner Y"),
            "API.example:443",
            "GPTBot/1.0",
        ),
        ("192.0.2.2", Some("partner X"), "shop.example", "curl/8"),
        (
            "192.0.2.3",
            None,
            "a host",
            "Mozilla/5.0 (X11) Gecko/20100101 Firefox/128.0",
        ),
    ] {
        hits.push(json!({
            "ip": ip, "method": "GET", "path": "/", "status": 200, "host": host,
            "consumer": consumer, "protocol": "h2", "userAgent": agent,
            "referrer": "https://news.example/a?token=secret",
        }));
    }
    app.record(&hits.into());
    let by = |by| groups(&asked(&app, by));
    assert_eq!(by("consumer"), ["partner X 2 2", "partner Y 1 1"]);
    assert_eq!(by("host"), ["api.example 2 1", "shop.example 1 1"]);
    assert_eq!(by("protocol"), ["HTTP/2 4 3"]);
    assert_eq!(by("referrer"), ["news.example 4 3"]);
    assert_eq!(by("bot"), ["curl 2 2", "GPTBot 1 1"]);
    assert_eq!(by("userAgent"), ["curl 2 2", "Firefox 1 1", "GPTBot 1 1"]);
    assert!(by("network").is_empty());
    let hosts = asked(&app, "host");
    for (field, expect) in [
        ("totalRequests", 4),
        ("totalGroups", 2),
        ("unknownRequests", 1),
        ("otherRequests", 0),
    ] {
        assert_eq!(hosts[field], expect, "{hosts}");
    }
    let cost = |query: &str| {
        let of = app.json(&format!("/admin/breakdown?estimate=true&{query}"));
        format!("{} {} {}", of["source"], of["ipsToRead"], of["requests"])
    };
    assert_eq!(cost("by=path"), "\"sums\" 0 1");
    assert_eq!(cost("by=ip&limit=1"), "\"sums\" 3 2");
    assert_eq!(cost("by=ip&sortBy=errorRate"), "\"ips\" 3 1");
    assert_eq!(cost("by=path&ip=192.0.2.1"), "\"ips\" 1 1");
    let first = app.json("/admin/breakdown?by=consumer&limit=1");
    assert_eq!(first["totalGroups"], 2);
    assert_eq!(groups(&first), ["partner X 2 2"]);
    for (bad, name) in [
        ("by=paths", "by"),
        ("by=host&country=DE", "country"),
        ("by=bot&via=ips", "via"),
        ("by=consumer&pathPrefix=/", "pathPrefix"),
        ("limit=1001", "limit"),
        ("offset=9001", "offset"),
        ("metrics=requests,nothing", "metrics"),
        ("metrics=", "metrics"),
        ("sortBy=percentage", "sortBy"),
        ("order=up", "order"),
        ("search=", "search"),
        (&format!("search={}", "x".repeat(257)), "search"),
    ] {
        let answer = app.ask(&format!("/admin/breakdown?{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["invalidParams"][0]["name"], name, "{bad}");
    }
    for edge in [
        "limit=1000&offset=9000",
        &format!("search={}", "x".repeat(256)),
    ] {
        assert_eq!(app.ask(&format!("/admin/breakdown?{edge}")).status, 200);
    }
}

#[test]
fn hits_are_broken_down_by_anything_under_filters_and_by_any_number() {
    let app = App::start();
    let hit = |ip: &str, method: &str, path: &str, status: u16, ms: u32, country: Option<&str>| {
        json!({
            "ip": ip, "method": method, "path": path, "status": status, "responseTimeMs": ms,
            "bytes": 10 * ms, "country": country,
        })
    };
    let earlier = json!([{
        "ip": "192.0.2.1", "method": "GET", "path": "/a", "status": 200, "responseTimeMs": 1, "bytes": 1,
        "timestamp": (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(30)).to_string(),
    }]);
    app.record(&earlier);
    app.record(&json!([
        hit("192.0.2.1", "GET", "/a", 200, 10, Some("DE")),
        hit("192.0.2.1", "GET", "/a", 404, 20, Some("DE")),
        hit("192.0.2.2", "GET", "/a", 429, 30, Some("FR")),
        hit("192.0.2.2", "PUT", "/b", 200, 500, Some("FR")),
        hit("192.0.2.3", "GET", "/Beta", 503, 70, None),
    ]));
    let by = |query: &str| groups(&app.json(&format!("/admin/breakdown?{query}")));
    assert_eq!(by(""), ["GET /a 3 2", "GET /Beta 1 1", "PUT /b 1 1"]);
    assert_eq!(
        by("by=ip"),
        ["192.0.2.1 2 1", "192.0.2.2 2 1", "192.0.2.3 1 1"]
    );
    assert_eq!(by("by=method"), ["GET 4 3", "PUT 1 1"]);
    assert_eq!(by("by=country"), ["DE 2 1", "FR 2 1", "unknown 1 1"]);
    assert_eq!(
        by("by=statusClass"),
        ["2xx 2 null", "4xx 2 null", "5xx 1 null"]
    );
    assert_eq!(
        by("by=statusCode&sortBy=uniqueIPs"),
        ["200 2 2", "404 1 1", "429 1 1", "503 1 1"]
    );
    // Every filter goes together with what the IPs know.
    assert_eq!(by("by=method&pathPrefix=/a"), ["GET 3 2"]);
    assert_eq!(by("by=country&pathPrefix=/a"), ["DE 2 1", "FR 1 1"]);
    assert_eq!(by("by=path&status=4xx"), ["GET /a 2 2"]);
    assert_eq!(
        by("by=ip&status=429&pathPrefix=/a&method=GET"),
        ["192.0.2.2 1 1"]
    );
    assert_eq!(by("by=statusCode&ip=192.0.2.1"), ["200 1 1", "404 1 1"]);
    assert_eq!(by("by=path&via=ips"), by("by=path"));
    // Any number, both ways, a part of the list, a part of the name.
    assert_eq!(by("sortBy=p99ResponseTime&limit=1"), ["PUT /b 1 1"]);
    assert_eq!(by("sortBy=bytes&order=asc&limit=1"), ["GET /a 3 2"]);
    assert_eq!(
        by("sortBy=errors&offset=1"),
        ["GET /Beta 1 1", "PUT /b 1 1"]
    );
    assert_eq!(by("search=bETA"), ["GET /Beta 1 1"]);
    assert_eq!(by("by=ip&search=.3"), ["192.0.2.3 1 1"]);
    assert_eq!(
        by("by=ip&sortBy=avgResponseTime&limit=1"),
        ["192.0.2.2 2 1"]
    );
    assert_eq!(by("by=country&search=unk"), ["unknown 1 1"]);
    let found = app.json("/admin/breakdown?search=b&limit=1");
    assert_eq!(
        (&found["totalGroups"], &found["totalRequests"]),
        (&json!(2), &json!(5))
    );
    // Only the numbers asked for. New are IPs that had no hit before the window.
    let answer = app.json("/admin/breakdown?metrics=newIPs,requests&sortBy=newIPs");
    let expect = json!([
        {"name": "GET /Beta", "totalRequests": 1, "percentage": 20.0, "newIPs": 1},
        {"name": "GET /a", "totalRequests": 3, "percentage": 60.0, "newIPs": 1},
        {"name": "PUT /b", "totalRequests": 1, "percentage": 20.0, "newIPs": 1},
    ]);
    assert_eq!(answer["groups"], expect);
    let of_ips = app.json("/admin/breakdown?by=ip&metrics=newIPs");
    let expect = [("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.3", 1)];
    assert_eq!(
        of_ips["groups"],
        json!(expect.map(|(name, new)| json!({"name": name, "newIPs": new})))
    );
    let all = app.json("/admin/breakdown?by=statusClass");
    let class = &all["groups"][1];
    for (field, expect) in [
        ("errors", json!(2)),
        ("errorRate", json!(1.0)),
        ("totalBytes", Value::Null),
        ("p95ResponseTime", Value::Null),
        ("statusCodes", json!({"404": 1, "429": 1})),
    ] {
        assert_eq!(class[field], expect, "{class}");
    }
    assert!(class.get("newIPs").is_none());
}

#[test]
fn a_list_of_ten_thousand_paths_is_paged_to_its_end() {
    const PATHS: usize = 9_990;
    let app = App::start();
    // Path `n` has 1 to 3 hits.
    let hits: Vec<Value> = (0..PATHS)
        .flat_map(|n| {
            vec![
                json!({"ip": "192.0.2.1", "method": "GET", "path": format!("/p{n:05}")});
                1 + n % 3
            ]
        })
        .collect();
    for part in hits.chunks(10_000) {
        app.record(&part.into());
    }
    let mut names = Vec::new();
    for offset in (0..PATHS).step_by(1_000) {
        let list = app.json(&format!(
            "/admin/breakdown?limit=1000&offset={offset}&metrics=requests&search=/P"
        ));
        assert_eq!(list["totalGroups"], PATHS);
        let list = list["groups"].as_array().unwrap().iter();
        names.extend(list.map(|of| {
            (
                of["totalRequests"].as_u64(),
                of["name"].as_str().unwrap().to_owned(),
            )
        }));
    }
    let mut expect: Vec<_> = (0..PATHS)
        .map(|n| (Some(1 + n as u64 % 3), format!("GET /p{n:05}")))
        .collect();
    expect.sort_by(|(hits, name), (others, other)| others.cmp(hits).then(name.cmp(other)));
    assert_eq!(names, expect);
    let peak = app.host().memory_peak("aggregator");
    assert!(peak < 256 << 20, "{peak} bytes");
}

#[test]
fn files_of_the_operator_say_where_an_ip_is() {
    let files = TempDir::new().unwrap();
    let countries = Writer::new(6, 28)
        .add("192.0.2.0/24", map([("country_code", text("AT"))]))
        .add("2001:db8::/32", map([("country_code", text("FR"))]));
    fs::write(files.path().join("country.mmdb"), countries.write()).unwrap();
    let network = |number, name| {
        map([
            ("autonomous_system_number", mmdb::Value::Number(number)),
            ("autonomous_system_organization", text(name)),
        ])
    };
    let networks = Writer::new(6, 24).add("192.0.2.0/24", network(64_496, "Example"));
    fs::write(files.path().join("asn.mmdb"), networks.write()).unwrap();
    let app = App::start_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
    });
    let hit = |ip: &str, country: Option<&str>| json!({"ip": ip, "method": "GET", "path": "/", "country": country});
    app.record(&json!([
        hit("192.0.2.1", None),
        hit("192.0.2.2", Some("DE")),
        hit("2001:db8::1", None),
        hit("203.0.113.1", None),
    ]));
    // The country that the hit tells counts more than that of the file.
    let mut countries: Vec<String> = app.json("/admin/countries")["countries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["country"].as_str().unwrap().to_owned())
        .collect();
    countries.sort();
    assert_eq!(countries, ["AT", "DE", "FR", "unknown"]);
    let networks = asked(&app, "network");
    assert_eq!(groups(&networks), ["AS64496 Example 2 2"]);
    assert_eq!(networks["unknownRequests"], 2);
    let ip = app.json("/admin/ips/192.0.2.1");
    assert_eq!(
        (&ip["country"], &ip["network"]),
        (&json!("AT"), &json!("AS64496 Example"))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_other_one_counts() {
    let files = TempDir::new().unwrap();
    fs::write(files.path().join("country.mmdb"), "no such format").unwrap();
    let network = map([
        ("autonomous_system_number", mmdb::Value::Number(64_496)),
        ("autonomous_system_organization", text("Example")),
    ]);
    let networks = Writer::new(6, 24).add("192.0.2.0/24", network);
    fs::write(files.path().join("asn.mmdb"), networks.write()).unwrap();
    let app = App::start_with(|config| {
        config.folders.insert("/files".into(), files.path().into());
    });
    app.record(&json!([{"ip": "192.0.2.1", "method": "GET", "path": "/"}]));
    let ip = app.json("/admin/ips/192.0.2.1");
    assert_eq!(
        (&ip["country"], &ip["network"]),
        (&Value::Null, &json!("AS64496 Example"))
    );
}

#[test]
fn one_key_behind_three_addresses_is_one_caller_and_three_keys_behind_one_are_three() {
    let app = App::start();
    let hit = |ip: &str, consumer: &str, status: u16| {
        json!({
            "ip": ip, "method": "GET", "path": "/", "status": status, "consumer": consumer,
            "responseTimeMs": 10, "bytes": 100,
        })
    };
    app.record(&json!([
        hit("192.0.2.1", "roaming & co", 200),
        hit("192.0.2.2", "roaming & co", 200),
        hit("192.0.2.3", "roaming & co", 503),
        hit("198.51.100.1", "key A", 200),
        hit("198.51.100.1", "key B", 200),
        hit("198.51.100.1", "key C", 200),
    ]));
    let consumers = asked(&app, "consumer");
    assert_eq!(
        groups(&consumers),
        ["roaming & co 3 3", "key A 1 1", "key B 1 1", "key C 1 1"]
    );
    let group = app.json("/admin/group?by=consumer&name=roaming%20%26%20co");
    for (field, expect) in [
        ("totalRequests", json!(3)),
        ("percentage", json!(50.0)),
        ("uniqueIPs", json!(3)),
        ("newIPs", json!(3)),
        ("statusCodes", json!({"200": 2, "503": 1})),
        ("totalBytes", json!(300)),
        ("avgResponseTime", json!(10.0)),
        ("otherRequests", json!(0)),
    ] {
        assert_eq!(group[field], expect, "{field}");
    }
    let timeline = &group["timeline"];
    assert_eq!(
        (&timeline["totalRequests"], &timeline["errors"]),
        (&json!(3), &json!(1))
    );
    let nobody = app.json("/admin/group?name=nobody");
    assert_eq!(
        (&nobody["totalRequests"], &nobody["percentage"]),
        (&json!(0), &json!(0.0))
    );
    for (bad, name) in [
        ("", "name"),
        ("name=", "name"),
        ("name=a&by=path", "by"),
        ("name=a&ip=192.0.2.1", "ip"),
        ("name=a&via=ips", "via"),
        (&format!("name={}", "x".repeat(257)), "name"),
    ] {
        let answer = app.ask(&format!("/admin/group?{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["invalidParams"][0]["name"], name, "{bad}");
    }
    // Each row of the breakdown leads to the page.
    let page = app.ask("/admin/dashboard/breakdown?by=consumer").text();
    let link = "/admin/dashboard/group?timeRange=24h&#38;by=consumer&#38;name=roaming+%26+co";
    assert!(page.contains(link), "{page}");
    let page = app.ask(&link.replace("&#38;", "&"));
    assert_eq!(page.status, 200);
    assert!(page.text().contains("roaming &#38; co"));
}
