//! Whether a path may be retired: the verdict is `unused` only if it is proven.

use std::process::Command;

use rollcall_tally::report::rfc3339_text;
use rollcall_tests::{ADMIN, App, workspace};
use serde_json::{Value, json};

const DAY_MS: u64 = 24 * 60 * 60_000;

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

fn hit(ip: &str, path: &str, days_ago: u64) -> Value {
    json!({
        "ip": ip,
        "method": "GET",
        "path": path,
        "timestamp": rfc3339_text(now_ms() - days_ago * DAY_MS),
        "country": "DE",
    })
}

fn ask(app: &App, path: &str, more: &str) -> Value {
    app.json(&format!("/admin/retirement?key=GET%20{path}{more}"))
}

#[track_caller]
fn check(answer: &Value, verdict: &str, requests: u64, callers: &[&str]) {
    let ips = answer["callers"].as_array().unwrap().iter();
    let ips: Vec<&str> = ips.map(|caller| caller["ip"].as_str().unwrap()).collect();
    let told = (answer["verdict"].as_str().unwrap(), ips);
    assert_eq!(told, (verdict, callers.to_vec()), "{answer}");
    assert_eq!(answer["totalRequests"], requests, "{answer}");
    assert_eq!(answer["coverage"], 1.0, "{answer}");
}

#[test]
fn a_path_is_unused_if_nobody_called_it_and_else_its_callers_are_told() {
    let app = App::start();
    app.record(&json!([
        hit("192.0.2.1", "/v1/x", 40),
        hit("192.0.2.1", "/v1/y", 40),
        hit("192.0.2.1", "/v1/y", 2),
        hit("192.0.2.2", "/v1/y", 1),
        hit("192.0.2.2", "/v1/y", 1),
        hit("192.0.2.2", "/v2/x", 0),
    ]));
    let unused = ask(&app, "/v1/x", "");
    check(&unused, "unused", 0, &[]);
    assert_eq!(unused["timeRange"], "30d");
    assert_eq!(unused["hasEveryCaller"], true);
    assert!(unused["lastSeen"].is_string(), "{unused}");
    assert!(unused["root"].as_u64().unwrap() > 0, "{unused}");
    assert!(unused["filter"].is_null(), "{unused}");
    check(
        &ask(&app, "/v1/x", "&timeRange=90d"),
        "used",
        1,
        &["192.0.2.1"],
    );
    let never = ask(&app, "/v1/typo", "");
    check(&never, "unused", 0, &[]);
    assert!(never["lastSeen"].is_null(), "{never}");

    let used = ask(&app, "/v1/y", "");
    // The IP that called last comes first.
    check(&used, "used", 3, &["192.0.2.2", "192.0.2.1"]);
    assert_eq!(used["totalCallers"], 2);
    assert_eq!(used["hasEveryCaller"], true);
    assert_eq!(used["callers"][0]["totalRequests"], 2);
    assert_eq!(used["callers"][0]["country"], "DE");
    assert_eq!(used["reasons"], json!([]));
    let first = ask(&app, "/v1/y", "&limit=1");
    check(&first, "used", 3, &["192.0.2.2"]);
    assert_eq!(first["totalCallers"], 2);
    // An IP whose last call was before the window is no caller.
    let yesterday = rfc3339_text(now_ms() - DAY_MS);
    let day = yesterday.split('T').next().unwrap();
    check(
        &ask(&app, "/v1/y", &format!("&from={day}")),
        "used",
        2,
        &["192.0.2.2"],
    );
}

#[test]
fn if_ips_left_the_sums_prove_it_and_the_list_says_that_it_lacks_them() {
    let app = App::start();
    app.record(&json!([
        hit("192.0.2.1", "/v1/y", 2),
        hit("192.0.2.2", "/v1/y", 1),
        hit("192.0.2.1", "/v2/x", 0),
    ]));
    let token = format!("Bearer {ADMIN}");
    let headers = [("authorization", token.as_str())];
    let erased = app.send("DELETE", "/admin/ips/192.0.2.1", &headers, b"");
    assert_eq!(erased.status, 204);
    check(&ask(&app, "/v1/x", ""), "unused", 0, &[]);
    let used = ask(&app, "/v1/y", "");
    check(&used, "used", 2, &["192.0.2.2"]);
    assert_eq!(used["hasEveryCaller"], false);
    let reasons = used["reasons"].to_string();
    assert!(
        reasons.contains("1 hits are of IPs that are not in the list."),
        "{reasons}"
    );
    assert!(reasons.contains("IPs were erased."), "{reasons}");
    // Every caller of this path is still tracked.
    app.record(&json!([hit("192.0.2.3", "/v1/z", 0)]));
    assert_eq!(ask(&app, "/v1/z", "")["hasEveryCaller"], true);
    let dropped = app.json("/admin/aggregator-status")["dropped"].clone();
    assert!(dropped["erasedUntil"].is_string(), "{dropped}");
    assert!(dropped["evictedUntil"].is_null(), "{dropped}");
}

#[test]
fn hits_without_a_path_make_it_unknown_unless_all_ips_are_there() {
    let app = App::start();
    // More paths in one bucket than have a name there. Each IP knows its own paths by name.
    let hits = (0..11_000).map(|n| {
        json!({
            "ip": format!("192.0.2.{}", n % 20),
            "method": "GET",
            "path": format!("/scan/{n}"),
        })
    });
    let body = Value::from_iter(hits).to_string();
    let answer = app.collect("application/json", &body, &[]);
    assert_eq!(answer.status, 202, "{answer:?}");
    let proven = ask(&app, "/v1/x", "&timeRange=24h");
    check(&proven, "unused", 0, &[]);
    let token = format!("Bearer {ADMIN}");
    let headers = [("authorization", token.as_str())];
    let erased = app.send("DELETE", "/admin/ips/192.0.2.1", &headers, b"");
    assert_eq!(erased.status, 204);
    let unknown = ask(&app, "/v1/x", "&timeRange=24h");
    check(&unknown, "unknown", 0, &[]);
    let reasons = unknown["reasons"].to_string();
    assert!(reasons.contains("under (other)"), "{reasons}");
    assert!(reasons.contains("IPs were erased."), "{reasons}");
}

#[test]
fn bad_parameters_are_refused() {
    let app = App::start();
    for (query, name) in [
        ("", "key"),
        ("?key=x", "key"),
        ("?key=GET%20/a&limit=0", "limit"),
        ("?key=GET%20/a&limit=1001", "limit"),
        ("?key=GET%20/a&via=ips", "via"),
        ("?key=GET%20/a&ip=192.0.2.1", "ip"),
        ("?key=GET%20/a&from=yesterday", "from"),
    ] {
        let answer = app.ask(&format!("/admin/retirement{query}"));
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert_eq!(answer.json()["invalidParams"][0]["name"], name, "{query}");
    }
    assert_eq!(
        app.ask("/admin/retirement?key=GET%20/a&limit=1000").status,
        200
    );
}

/// The check that the documentation gives for CI, as it stands there.
fn check_of_the_documentation() -> String {
    let text = std::fs::read_to_string(workspace().join("docs/api.md")).unwrap();
    let (_, behind) = text.split_once("# ROLLCALL is the address").unwrap();
    let (script, _) = behind.split_once("```").unwrap();
    format!("# {script}")
}

#[test]
fn the_check_for_ci_passes_only_if_the_path_is_unused() {
    let app = App::start();
    app.record(&json!([
        hit("192.0.2.1", "/v1/x", 40),
        hit("192.0.2.1", "/v1/y", 1)
    ]));
    let passes = |script: &str, token: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell.env("ROLLCALL", app.url("")).env("TOKEN", token);
        shell.status().unwrap().success()
    };
    let script = check_of_the_documentation();
    assert!(passes(&script, ADMIN), "{script}");
    assert!(
        !passes(&script, "wrong-wrong-wrong"),
        "no answer is no proof"
    );
    let of = |path: &str| script.replace("/v1/x", path);
    assert!(!passes(&of("/v1/y"), ADMIN), "it was called");
    assert!(!passes(&of("/v1/typo"), ADMIN), "nobody knows it");
    // The page of the path gives the same check.
    let page = app.ask("/admin/dashboard/retirement?key=GET%20/v1/x");
    assert_eq!(page.status, 200, "{page:?}");
    let page = page.text();
    assert!(page.contains("Yes: nobody called it"), "{page}");
    let (_, behind) = page.split_once("<pre tabindex=\"0\">").unwrap();
    let (written, _) = behind.split_once("</pre>").unwrap();
    let written = written
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    assert!(passes(&written, ADMIN), "{written}");
    assert!(
        !passes(&written.replace("v1%2Fx", "v1%2Fy"), ADMIN),
        "{written}"
    );
    let page = app
        .ask("/admin/dashboard/retirement?key=GET%20/v1/y")
        .text();
    assert!(
        page.contains("No: it was called") && page.contains("192.0.2.1"),
        "{page}"
    );
    let path = app.ask("/admin/dashboard/paths?key=GET%20/v1/y").text();
    assert!(path.contains("Can it go?"), "{path}");
}
