//! A component of the app asks how often, since when and where an IP called: over the WIT.

use std::time::{Duration, Instant};

use rollcall_tests::{App, PATIENCE};
use serde_json::{Value, json};

use crate::redis::Redis;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package rollcall:tests; world asker { export rollcall:stats/callers@0.1.0; }",
        exports: { default: async },
    });
}

use bindings::Asker;
use bindings::rollcall::stats::types::{CallerAnswer, Failure, Window};

/// The IPs that call, when the time of an answer is measured.
const IPS: u32 = 100_000;
/// The IP that calls many paths.
const BUSY: &str = "192.0.2.1";
const PATHS: u32 = 10_000;

/// Asks about some IPs, one after the other, in one instance. Returns each answer, and its time.
fn ask(
    app: &App,
    questions: &[(&str, Window, u32)],
) -> Vec<(Result<CallerAnswer, Failure>, Duration)> {
    app.runtime().block_on(async {
        let (mut store, instance) = app.host().instantiate("collector").await.unwrap();
        let asker = Asker::new(&mut store, &instance).unwrap();
        let callers = asker.rollcall_stats_callers();
        let answers = store.run_concurrent(async |accessor| {
            let mut answers = Vec::new();
            for (ip, window, paths) in questions {
                let began = Instant::now();
                let answer = callers.call_caller(accessor, (*ip).to_owned(), *window, *paths);
                let answer = answer.await.unwrap();
                answers.push((answer, began.elapsed()));
            }
            answers
        });
        answers.await.unwrap()
    })
}

fn one(app: &App, ip: &str, window: Window, paths: u32) -> Result<CallerAnswer, Failure> {
    ask(app, &[(ip, window, paths)]).remove(0).0
}

/// Asks a question that has every hit folded.
fn fold(app: &App) {
    let since = Instant::now();
    while !app.json("/admin/global-stats?timeRange=1h")["behind"].is_null() {
        assert!(since.elapsed() < PATIENCE);
    }
}

#[test]
fn a_component_learns_of_an_ip_what_the_admin_api_tells_of_it() {
    let app = App::start();
    let hit = |ip: &str, path: &str, status: u16| json!({"ip": ip, "method": "GET", "path": path, "status": status});
    app.record(&json!([
        hit("192.0.2.7", "/a", 200),
        hit("192.0.2.7", "/a", 429),
        hit("192.0.2.7", "/b", 503),
        hit("192.0.2.7", "/c", 200),
        hit("192.0.2.8", "/a", 200),
    ]));
    let unfolded = one(&app, "192.0.2.7", Window::Hour, 2).unwrap();
    assert_eq!((unfolded.behind, unfolded.known.is_some()), (1, false));
    fold(&app);
    let answer = one(&app, "192.0.2.7", Window::Hour, 2).unwrap();
    assert_eq!(answer.behind, 0);
    assert_eq!(answer.root, app.json("/admin/batches/1")["root"]);
    let known = answer.known.unwrap();
    let told = app.json("/admin/ips/192.0.2.7?timeRange=1h");
    assert_eq!(known.requests, told["totalRequests"]);
    assert_eq!(known.total_paths, told["uniquePaths"]);
    let classes = &told["statusClasses"];
    let numbers = [
        (known.statuses.success, "2xx"),
        (known.statuses.client_error, "4xx"),
        (known.statuses.server_error, "5xx"),
    ];
    for (count, class) in numbers {
        assert_eq!(count, classes[class], "{told}");
    }
    let times = [
        (known.first_seen_ms, "firstSeen"),
        (known.last_seen_ms, "lastSeen"),
    ];
    for (ms, name) in times {
        let told: jiff::Timestamp = told[name].as_str().unwrap().parse().unwrap();
        assert_eq!(ms, told.as_millisecond() as u64);
    }
    let paths = known.paths.iter();
    let paths: Vec<_> = paths
        .map(|of| (of.path_key.as_str(), of.requests))
        .collect();
    assert_eq!(paths, [("GET /a", 2), ("GET /b", 1)]);
    assert_eq!((known.requests, known.other_requests), (4, 1));
    assert!(
        one(&app, "192.0.2.9", Window::All, 2)
            .unwrap()
            .known
            .is_none()
    );
}

#[test]
fn an_address_is_that_of_a_hit_and_a_bad_question_is_refused() {
    let app = App::start_with(|config| {
        for (name, value) in [("trusted_proxies", "10.0.0.0/8"), ("ipv6_prefix", "64")] {
            config.variables.insert(name.into(), value.into());
        }
    });
    let lists = [
        ("6.6.6.6, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
        ("[2001:db8::7]:80", "2001:db8::"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
    ];
    let hits = lists.map(|(ip, _)| json!({"ip": ip, "method": "GET", "path": "/"}));
    app.record(&Value::from(hits.to_vec()));
    fold(&app);
    for (ip, counted) in lists {
        let answer = one(&app, ip, Window::Hour, 100).unwrap();
        assert_eq!(answer.ip, counted);
        assert_eq!(answer.known.unwrap().requests, 1);
    }
    for (ip, paths, why) in [
        ("nowhere", 0, "\"nowhere\" is not an IP address"),
        ("192.0.2.7", 101, "an answer lists at most 100 paths"),
    ] {
        let refused = one(&app, ip, Window::Hour, paths);
        assert!(
            matches!(&refused, Err(Failure::Invalid(text)) if text == why),
            "{refused:?}"
        );
    }
}

/// Prints the median and the 99th percentile of these times. Returns the median.
pub fn print_times(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{what}: p50 {p50:?}, p99 {p99:?}, {} calls", times.len());
    p50
}

/// Records one hit of each of 100,000 IPs, by 1,000 consumers, and one IP that calls ten times the
/// paths of a state.
pub fn record_many(app: &App) {
    let mut lines = String::new();
    for ip in 0..IPS {
        let (path, consumer) = (format!("/{}", ip % 100), format!("key {}", ip % 1_000));
        lines += &json!({"ip": address(ip), "method": "GET", "path": path, "consumer": consumer})
            .to_string();
        lines.push('\n');
    }
    let client = app.client(PATIENCE);
    assert_eq!(client.collect_lines("ips", &lines).unwrap().status, 202);
    let of_busy =
        (0..PATHS).map(|path| json!({"ip": BUSY, "method": "GET", "path": format!("/{path}")}));
    app.record(&of_busy.collect());
    fold(app);
}

pub fn address(ip: u32) -> String {
    std::net::Ipv4Addr::from_bits(0x0a00_0000 + ip).to_string()
}

/// Checks answers about many IPs, and prints how long they take.
pub fn check_times(app: &App, store: &str) {
    record_many(app);
    // Neighbours in this order are in different shards.
    let ips: Vec<String> = (0..2_000).map(|n| address(n * 7_919 % IPS)).collect();
    let questions: Vec<_> = ips
        .iter()
        .map(|ip| (ip.as_str(), Window::Hour, 10))
        .collect();
    let times = ask(app, &questions).into_iter().map(|(answer, took)| {
        let known = answer.unwrap().known.unwrap();
        assert_eq!((known.requests, known.total_paths), (1, 1));
        took
    });
    let median = print_times(&format!("{store}, one of {IPS} IPs"), times.collect());
    assert!(median < Duration::from_millis(50), "{median:?}");
    let busy = vec![(BUSY, Window::Hour, 10); 300];
    let times = ask(app, &busy).into_iter().map(|(answer, took)| {
        let known = answer.unwrap().known.unwrap();
        assert_eq!((known.requests, known.total_paths), (PATHS.into(), 1_001));
        assert_eq!(known.paths[0].path_key, "(other)");
        took
    });
    let median = print_times(&format!("{store}, an IP with 1,001 paths"), times.collect());
    assert!(median < Duration::from_millis(50), "{median:?}");
    // For comparison: the sums tell of a consumer, and no state does.
    let times = (0..100).map(|n| {
        let began = Instant::now();
        let group = app.json(&format!("/admin/group?timeRange=1h&name=key%20{n}"));
        assert_eq!(group["totalRequests"], IPS / 1_000);
        began.elapsed()
    });
    print_times(&format!("{store}, one of 1,000 consumers"), times.collect());
}

#[test]
fn an_answer_about_one_of_100_000_ips_takes_milliseconds() {
    check_times(&App::start(), "SQLite");
}

#[test]
fn on_redis_an_answer_about_one_of_100_000_ips_takes_milliseconds() {
    let Some(redis) = Redis::start() else { return };
    let app = App::start_with(|config| config.runtime_config = Some(redis.runtime_config()));
    check_times(&app, "Redis");
}
