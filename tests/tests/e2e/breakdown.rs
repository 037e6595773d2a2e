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
    let first = app.json("/admin/breakdown?by=consumer&limit=1");
    assert_eq!(first["totalGroups"], 2);
    assert_eq!(groups(&first), ["partner X 2 2"]);
    for bad in ["by=path", "by=host&country=DE", "by=host&via=ips"] {
        assert_eq!(
            app.ask(&format!("/admin/breakdown?{bad}")).status,
            400,
            "{bad}"
        );
    }
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
