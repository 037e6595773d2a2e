//! Questions that are asked again and again of programs that read access logs. Each has a test that
//! its name says.
//!
//! Others are beside the tests of their part: one key behind three addresses, and three keys behind
//! one, in `breakdown`; a proxy that signs people in, in `access`; a hit on the live page, in
//! `browser`.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rollcall_tally::question::{AnySurvey, Place, Question};
use rollcall_tests::{App, questions};
use serde_json::{Value, json};

/// Two days ago, so that no bucket begins while the test runs.
fn at(hours_later: i64) -> String {
    let midnight = Timestamp::now().as_second() / 86_400 * 86_400;
    let then =
        Timestamp::from_second(midnight).unwrap() - SignedDuration::from_hours(48 - hours_later);
    then.to_string()
}

/// Hits of people.
fn people() -> Vec<Value> {
    let hits = (0..60i64).map(|n| {
        let path = if n % 2 == 0 { "/users" } else { "/orders" };
        let status = match n % 4 {
            0 | 1 => 200,
            2 => 404,
            _ => 503,
        };
        json!({
            "ip": format!("192.0.2.{}", 1 + n % 5), "method": "GET", "path": path, "status": status,
            "timestamp": at(n % 24), "responseTimeMs": n, "bytes": 100 + n, "country": "DE",
        })
    });
    hits.collect()
}

/// Hits of monitors: all calls of one network, and one path of everybody.
fn noise() -> Vec<Value> {
    let hits = (0..90i64).map(|n| {
        // The country of an IP is the one that it told last.
        let (ip, path, country) = match n % 3 {
            0 => (format!("192.0.2.{}", 1 + n % 5), "/healthz", "DE"),
            1 => (format!("10.1.{}.1", n % 7), "/users", "US"),
            _ => (format!("10.2.{}.1", n % 7), "/healthz", "US"),
        };
        json!({
            "ip": ip, "method": "GET", "path": path, "status": 200, "timestamp": at(n % 24),
            "responseTimeMs": 1, "bytes": 1, "country": country,
        })
    });
    hits.collect()
}

/// Takes out the fields that say when and about what was asked.
fn bare(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !["asOf", "generatedAt", "filter", "root"].contains(&name.as_str())
            });
            fields.values_mut().for_each(bare);
        }
        Value::Array(list) => list.iter_mut().for_each(bare),
        _ => {}
    }
}

/// "Leave the health checks and our own network out of every report, not of one list."
#[test]
fn a_network_and_a_path_that_are_left_out_are_left_out_of_every_answer() {
    let (with_noise, without) = (App::start(), App::start());
    with_noise.record(&[people(), noise()].concat().into());
    without.record(&people().into());
    let mut unfiltered = Vec::new();
    for ((template, path), survey) in questions().into_iter().zip(AnySurvey::examples()) {
        let mut question = Question::Survey(survey);
        // An IP or a path in the path of a question is its subject, not a condition.
        let parameters = question.ask().parameters();
        let takes = parameters.iter().filter(|of| of.place == Place::Filter);
        let takes: Vec<_> = takes.map(|of| of.name).collect();
        let filters = [("ip", "!10.0.0.0%2F8"), ("path", "!%2Fhealthz")];
        let filters = filters.iter().filter(|(name, _)| takes.contains(name));
        let filters: Vec<_> = filters
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if filters.is_empty() {
            unfiltered.push(template);
            continue;
        }
        let path = path.replace("203.0.113.7", "192.0.2.1");
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}from={}&to={}", at(0), at(24));
        let filtered = format!("{path}&{}", filters.join("&"));
        let [mut clean, mut told, mut noisy] = [
            without.json(&path),
            with_noise.json(&filtered),
            with_noise.json(&path),
        ];
        for answer in [&mut clean, &mut told, &mut noisy] {
            bare(answer);
        }
        assert_eq!(told, clean, "{filtered}");
        assert_ne!(noisy, clean, "{path}: there is nothing to leave out");
    }
    // The sums have neither an address nor a path beside a consumer, and a proof is about all hits.
    assert_eq!(unfiltered, ["/admin/group", "/admin/retirement"]);
}

/// "Click a row to see it alone, or to see all but it."
#[test]
fn beside_each_filter_of_a_row_is_the_link_that_leaves_the_row_out() {
    let app = App::start();
    app.record(&people().into());
    let pages = ["top-paths", "top-ips", "countries"].map(str::to_owned);
    let groupings = [
        "path",
        "ip",
        "statusCode",
        "statusClass",
        "method",
        "country",
    ];
    let breakdowns = groupings.map(|by| format!("breakdown?by={by}"));
    for page in pages.into_iter().chain(breakdowns).chain(["".to_owned()]) {
        let separator = if page.contains('?') { '&' } else { '?' };
        let page = format!("/admin/dashboard/{page}{separator}timeRange=7d");
        let page = page.replace("/dashboard/?", "/?");
        let text = app.ask(&page).text();
        // A row of days leads to the day.
        let is_row = |row: &&str| row.contains("<a class=\"row\"") && !row.contains("data-day");
        let rows: Vec<_> = text.split("<tr").filter(is_row).collect();
        assert!(!rows.is_empty(), "{page}: {text}");
        for row in rows {
            assert!(row.contains("class=\"open out\""), "{page}: {row}");
        }
    }
}

/// "Our virtual hosts share a log. Tell them apart."
#[test]
fn the_same_path_of_two_hosts_is_two_rows() {
    let app = App::start();
    let hit = |host: &str| json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "host": host});
    app.record(&json!([
        hit("a.example"),
        hit("b.example:8443"),
        hit("A.example")
    ]));
    let answer = app.json("/admin/breakdown?by=host&timeRange=1h");
    let groups = answer["groups"].as_array().unwrap().iter();
    let groups: Vec<_> = groups
        .map(|of| (&of["name"], &of["totalRequests"]))
        .collect();
    assert_eq!(
        groups,
        [
            (&json!("a.example"), &json!(2)),
            (&json!("b.example"), &json!(1))
        ]
    );
}

/// "Who runs into the rate limit of this path?"
#[test]
fn the_ips_that_got_a_429_on_one_path_are_told() {
    let app = App::start();
    let hit = |ip: &str, method: &str, path: &str, status: u16| json!({"ip": ip, "method": method, "path": path, "status": status});
    app.record(&json!([
        hit("192.0.2.1", "GET", "/x", 429),
        hit("192.0.2.1", "GET", "/x", 429),
        hit("192.0.2.1", "GET", "/x", 200),
        hit("192.0.2.2", "GET", "/x", 429),
        hit("192.0.2.3", "GET", "/x", 404),
        hit("192.0.2.3", "POST", "/x", 429),
        hit("192.0.2.3", "GET", "/x/y", 429),
    ]));
    let answer = app.json("/admin/top-ips?timeRange=1h&status=429&method=GET&path=/x");
    let ips = answer["ips"].as_array().unwrap().iter();
    let ips: Vec<_> = ips.map(|of| (&of["ip"], &of["totalRequests"])).collect();
    assert_eq!(
        ips,
        [
            (&json!("192.0.2.1"), &json!(2)),
            (&json!("192.0.2.2"), &json!(1))
        ]
    );
}

/// "How much of our traffic is AI crawlers?"
#[test]
fn gptbot_is_a_row_and_a_browser_is_none() {
    let app = App::start();
    let hit = |user_agent: &str| json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "userAgent": user_agent});
    app.record(&json!([
        hit("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"),
        hit("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ]));
    let answer = app.json("/admin/breakdown?by=bot&timeRange=1h");
    assert_eq!(answer["groups"][0]["name"], "GPTBot");
    assert_eq!(
        (
            &answer["groups"][0]["totalRequests"],
            &answer["totalGroups"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(answer["unknownRequests"], 1);
}

/// "I sent a request. Why do I not see it?"
#[test]
fn a_hit_is_in_the_next_answer_and_in_kept_ones_within_seconds() {
    let app = App::start();
    let total = |headers: &[(&str, &str)]| {
        let answer = app.ask_with("/admin/global-stats?timeRange=1h", headers);
        answer.json()["totalRequests"].as_u64().unwrap()
    };
    for hits in 1..=3 {
        // An answer is kept now, without the next hit.
        assert_eq!(total(&[]), hits - 1);
        app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}));
        let recorded = Instant::now();
        assert_eq!(total(&[rollcall_tests::NO_CACHE]), hits);
        while total(&[]) < hits {
            assert!(recorded.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
