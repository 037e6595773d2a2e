//! Erasing an IP on request, and reading all that is stored of one.

use rollcall_tally::report::rfc3339_text;
use rollcall_tests::{ADMIN, App, VIEWER};
use serde_json::{Value, json};

const IP: &str = "/admin/ips/192.0.2.1";
const DATA: &str = "/admin/ips/192.0.2.1/data";
const TOP: &str = "/admin/top-ips?timeRange=all";

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

fn hit(ip: &str, path: &str, at_ms: u64) -> Value {
    json!({
        "ip": ip,
        "method": "GET",
        "path": path,
        "timestamp": rfc3339_text(at_ms),
        "country": "DE",
        "userAgent": "curl/8",
    })
}

/// Erases the IP, as a client with this token.
fn erase(app: &App, token: &str) -> u16 {
    let token = format!("Bearer {token}");
    let headers = [("authorization", token.as_str())];
    app.send("DELETE", IP, &headers, b"").status
}

fn totals(app: &App) -> [u64; 2] {
    let stats = app.json("/admin/global-stats?timeRange=all");
    ["totalRequests", "uniqueIPs"].map(|name| stats[name].as_u64().unwrap())
}

fn dropped(app: &App) -> [u64; 2] {
    let dropped = app.json("/admin/aggregator-status")["dropped"].clone();
    ["erasedIPs", "erasedHits"].map(|name| dropped[name].as_u64().unwrap())
}

#[test]
fn an_erased_ip_is_gone_and_only_a_new_hit_brings_it_back() {
    let mut app = App::start();
    let began_ms = now_ms() - 1_000;
    app.record(&json!([
        hit("192.0.2.1", "/a", began_ms),
        hit("192.0.2.1", "/b", began_ms - 200_000_000),
        hit("192.0.2.2", "/a", began_ms),
    ]));
    assert_eq!(totals(&app), [3, 2]);
    // This answer is kept, and names the IP.
    assert!(app.ask(TOP).text().contains("192.0.2.1"));
    assert_eq!(app.ask(IP).status, 200);

    assert_eq!(
        erase(&app, VIEWER),
        401,
        "no token of a viewer is configured"
    );
    assert_eq!(erase(&app, ADMIN), 204);
    app.restart();
    assert!(
        !app.ask(TOP).text().contains("192.0.2.1"),
        "no kept answer names it"
    );
    assert_eq!(app.ask(IP).status, 404);
    // A hit that was on its way counts, and makes no state.
    app.record(&json!([hit("192.0.2.1", "/late", began_ms)]));
    assert_eq!(totals(&app), [4, 2]);
    assert_eq!(app.ask(IP).status, 404);
    assert_eq!(dropped(&app), [1, 3]);
    let verified = app.order("/admin/verify");
    assert_eq!(verified["left"]["ips"], 1, "{verified}");
    assert_eq!(verified["left"]["hits"], 3, "{verified}");
    assert_eq!(verified["agrees"], true, "{verified}");

    app.record(&json!([hit("192.0.2.1", "/new", now_ms())]));
    let of_ip = app.json(DATA);
    assert_eq!(of_ip["requests"], 1);
    assert_eq!(of_ip["paths"][0]["pathKey"], "GET /new");
    assert_eq!(totals(&app), [5, 3]);
    // To erase an IP again, or one that never called, is no error.
    assert_eq!([erase(&app, ADMIN), erase(&app, ADMIN)], [204; 2]);
    assert_eq!(app.ask(IP).status, 404);
}

#[test]
fn all_that_is_stored_of_an_ip_is_given() {
    let app = App::start();
    assert_eq!(app.ask(DATA).status, 404);
    app.record(&json!([
        hit("192.0.2.1", "/a", now_ms()),
        hit("192.0.2.2", "/b", now_ms())
    ]));
    let of_ip = app.json(DATA);
    assert_eq!(of_ip["ip"], "192.0.2.1");
    assert_eq!(of_ip["toldCountry"]["value"], "DE");
    assert_eq!(of_ip["userAgents"][0]["value"], "curl/8");
    assert_eq!(of_ip["paths"].as_array().unwrap().len(), 1);
    assert_eq!(of_ip["paths"][0]["buckets"][0]["requests"], 1);
    assert_eq!(of_ip["heaviest"].as_array().unwrap().len(), 4);
    assert_eq!(of_ip["erasedUntil"], Value::Null);
    assert_eq!(erase(&app, ADMIN), 204);
    let of_ip = app.json(DATA);
    assert_eq!(
        [&of_ip["requests"], &of_ip["firstSeen"]],
        [&json!(0), &Value::Null]
    );
    assert!(of_ip["erasedUntil"].is_string());
}

#[test]
fn an_ip_is_erased_in_the_form_that_is_counted() {
    let app = App::start_with(|config| {
        let variables = [("ip_mode", "truncated")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        config.variables.extend(variables);
    });
    app.record(&json!([hit("192.0.2.1", "/a", now_ms() - 1_000)]));
    assert_eq!(app.json(DATA)["ip"], "192.0.2.0");
    assert_eq!(erase(&app, ADMIN), 204);
    assert_eq!(app.ask("/admin/ips/192.0.2.0").status, 404);
    assert_eq!(dropped(&app), [1, 1]);
}
