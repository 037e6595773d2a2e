//! What changed between two stretches of time.

use jiff::{SignedDuration, Timestamp};
use rollcall_tests::App;
use serde_json::{Value, json};

/// Some hits of the same kind, `hours` ago.
struct Hits {
    hours: i64,
    count: usize,
    ip: &'static str,
    path: &'static str,
    status: u16,
    ms: u32,
}

fn record(app: &App, kinds: &[Hits]) {
    let mut hits = Vec::new();
    for kind in kinds {
        let at = (Timestamp::now() - SignedDuration::from_hours(kind.hours)).to_string();
        let hit = json!({
            "ip": kind.ip, "method": "GET", "path": kind.path, "status": kind.status,
            "responseTimeMs": kind.ms, "timestamp": at, "host": "api.example", "country": "DE",
        });
        hits.extend(vec![hit; kind.count]);
    }
    app.record(&hits.into());
}

/// A store in which every kind of change happened between yesterday and today.
fn changed() -> App {
    let app = App::start();
    let kind = |hours, path, count, status, ms| Hits {
        hours,
        count,
        ip: "192.0.2.1",
        path,
        status,
        ms,
    };
    record(
        &app,
        &[
            kind(30, "/same", 100, 200, 10),
            kind(1, "/same", 110, 200, 11),
            kind(30, "/few", 1, 200, 10),
            kind(1, "/few", 3, 200, 10),
            kind(1, "/new", 50, 200, 10),
            kind(30, "/gone", 40, 200, 10),
            kind(30, "/grown", 20, 200, 10),
            kind(1, "/grown", 200, 200, 10),
            kind(30, "/shrunk", 200, 200, 10),
            kind(1, "/shrunk", 20, 200, 10),
            kind(30, "/failing", 100, 200, 10),
            kind(1, "/failing", 60, 200, 10),
            kind(1, "/failing", 40, 503, 10),
            kind(30, "/slower", 100, 200, 10),
            kind(1, "/slower", 100, 200, 40),
            Hits {
                ip: "192.0.2.2",
                ..kind(1, "/same", 30, 200, 10)
            },
        ],
    );
    app
}

/// `name change current against` of each mover.
fn movers(answer: &Value) -> Vec<String> {
    let movers = answer["movers"].as_array().unwrap().iter();
    let line = |of: &Value| {
        let changes = of["changes"].as_array().unwrap().iter();
        let changes: Vec<&str> = changes.map(|of| of["change"].as_str().unwrap()).collect();
        format!(
            "{} {} {} {}",
            of["name"].as_str().unwrap(),
            changes.join("+"),
            of["current"]["totalRequests"],
            of["against"]["totalRequests"]
        )
    };
    movers.map(line).collect()
}

#[test]
fn each_kind_of_change_is_told_and_small_ones_are_not() {
    let app = changed();
    let answer = app.json("/admin/movers");
    let mut found = movers(&answer);
    // The scores say which comes first.
    let scores: Vec<f64> = answer["movers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["changes"][0]["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(scores.iter().all(|score| *score >= 3.0));
    found.sort();
    let expect = [
        "GET /failing failing 100 100",
        "GET /gone gone 0 40",
        "GET /grown grown 200 20",
        "GET /new new 50 0",
        "GET /shrunk shrunk 20 200",
        "GET /slower slower 100 100",
    ];
    assert_eq!(found, expect);
    assert_eq!(
        answer["changes"],
        json!({"new": 1, "gone": 1, "grown": 1, "shrunk": 1, "failing": 1, "slower": 1})
    );
    assert_eq!(answer["totalMovers"], 6);
    assert_eq!(answer["totalRequests"], 613);
    assert_eq!(answer["against"]["totalRequests"], 561);
    // Every IP and the sums tell the same.
    let by_ips = app.json("/admin/movers?via=ips");
    assert_eq!(movers(&by_ips), movers(&answer));
    assert_eq!(by_ips["changes"], answer["changes"]);
    let failing = app.json("/admin/movers?change=failing");
    let of = &failing["movers"][0];
    assert_eq!(
        (&failing["totalMovers"], &of["name"]),
        (&json!(1), &json!("GET /failing"))
    );
    for (side, field, expect) in [
        ("current", "errors", json!(40)),
        ("current", "errorRate", json!(0.4)),
        ("against", "errors", json!(0)),
        ("against", "p50ResponseTime", json!(10.0)),
    ] {
        let found = &of[side][field];
        let is_same =
            found == &expect || (found.as_f64().unwrap() - expect.as_f64().unwrap()).abs() < 0.2;
        assert!(is_same, "{side}.{field}: {found}");
    }
    // As many times as many, per hour: both stretches are about a day.
    let grown = app.json("/admin/movers?change=grown")["movers"][0]["rateRatio"].clone();
    assert!((9.5..11.5).contains(&grown.as_f64().unwrap()), "{grown}");
    let all = app.json("/admin/movers?minScore=0&search=few");
    assert_eq!(movers(&all), ["GET /few grown 3 1"]);
    assert_eq!(
        app.json("/admin/movers?limit=2")["movers"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn changes_are_told_by_any_property_and_under_filters() {
    let app = changed();
    let by = |query: &str| movers(&app.json(&format!("/admin/movers?{query}")));
    assert_eq!(by("by=ip&change=new"), ["192.0.2.2 new 30 0"]);
    assert_eq!(by("by=statusCode"), ["503 new 40 0"]);
    assert_eq!(by("by=statusClass"), ["5xx new 40 0"]);
    assert_eq!(by("by=host"), ["api.example failing 613 561"]);
    assert_eq!(by("by=country&pathPrefix=/new"), ["DE new 50 0"]);
    assert_eq!(by("by=method&pathPrefix=/gone"), ["GET gone 0 40"]);
    assert_eq!(by("ip=192.0.2.2"), ["GET /same new 30 0"]);
    assert_eq!(by("status=5xx"), ["GET /failing new 40 0"]);
    assert_eq!(by("pathPrefix=!/g|/s|/f"), ["GET /new new 50 0"]);
}

#[test]
fn any_stretch_of_time_can_be_compared_with() {
    let app = App::start();
    let kind = |hours, count| Hits {
        hours,
        count,
        ip: "192.0.2.1",
        path: "/",
        status: 200,
        ms: 1,
    };
    record(
        &app,
        &[kind(1, 500), kind(7 * 24 + 1, 20), kind(24 * 20, 30)],
    );
    let now = Timestamp::now();
    let day =
        |days: i64| (now - SignedDuration::from_hours(24 * days)).to_string()[..10].to_owned();
    let ask = |against: &str| app.json(&format!("/admin/movers?against={against}"));
    let previous = ask("previous");
    assert_eq!(movers(&previous), ["GET / new 500 0"]);
    assert_eq!(previous["against"]["totalRequests"], 0);
    let week = ask("week");
    assert_eq!(movers(&week), ["GET / grown 500 20"]);
    let range = ask(&format!("{0}/{0}", day(20)));
    assert_eq!(movers(&range), ["GET / grown 500 30"]);
    let (from, to) = (&range["against"]["from"], &range["against"]["to"]);
    assert_eq!(from, &json!(format!("{}T00:00:00.000Z", day(20))));
    assert_eq!(to, &json!(format!("{}T00:00:00.000Z", day(19))));
    for (bad, name) in [
        ("against=yesterday", "against"),
        ("against=2026-02-02/2026-02-01", "against"),
        ("by=paths", "by"),
        ("by=host&country=DE", "country"),
        ("change=faster", "change"),
        ("minScore=101", "minScore"),
        ("limit=1001", "limit"),
    ] {
        let answer = app.ask(&format!("/admin/movers?{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["invalidParams"][0]["name"], name, "{bad}");
    }
    for none in [
        "timeRange=all",
        "timeRange=90d",
        "against=2020-01-01/2020-01-31",
        "against=2100-01-01/2100-01-31",
    ] {
        let answer = app.ask(&format!("/admin/movers?{none}"));
        assert_eq!(answer.status, 400, "{none}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("against: "), "{detail}");
    }
    assert_eq!(app.ask("/admin/movers?limit=1000&minScore=100").status, 200);
}

/// The answer when everything is counted.
fn whole(app: &App, path: &str) -> Value {
    for _ in 0..120 {
        let answer = app.ask_with(path, &[("cache-control", "no-cache")]).json();
        if answer["behind"].is_null() {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("not counted after a minute");
}

#[test]
fn of_a_hundred_thousand_paths_and_callers_the_changes_are_exact() {
    let app = App::start();
    // Path `n` and IP `n` had one hit. Every thousandth has 20 now.
    let at = (Timestamp::now() - SignedDuration::from_hours(30)).to_string();
    let ip = |n: usize| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
    let hit = |n: usize| json!({"ip": ip(n), "method": "GET", "path": format!("/p/{n}"), "timestamp": at});
    for part in 0..10 {
        let hits: Vec<Value> = (part * 10_000..(part + 1) * 10_000).map(hit).collect();
        app.record(&hits.into());
    }
    let now: Vec<Value> = (0..100_000)
        .step_by(1_000)
        .flat_map(|n| vec![json!({"ip": ip(n), "method": "GET", "path": format!("/p/{n}")}); 20])
        .collect();
    app.record(&now.into());
    let by_ip = whole(&app, "/admin/movers?by=ip&limit=1000");
    assert_eq!(
        (&by_ip["totalMovers"], &by_ip["changes"]["grown"]),
        (&json!(100), &json!(100))
    );
    assert_eq!(by_ip["movers"].as_array().unwrap().len(), 100);
    // A bucket keeps the names of 10,000 paths. The answer says how many hits have none.
    let by_path = app.json("/admin/movers?limit=1000&change=new,grown");
    assert_eq!(by_path["totalMovers"], 100, "{}", by_path["changes"]);
    assert_eq!(by_path["against"]["totalRequests"], 100_000);
    assert_eq!(by_path["against"]["otherRequests"], 90_000);
    let warning = by_path["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("90000 requests are counted without their path."),
        "{warning}"
    );
    let peak = app.host().memory_peak("aggregator");
    assert!(peak < 256 << 20, "{peak} bytes");
}
