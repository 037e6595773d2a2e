//! Batches that fail, hang and trap: what is still answered, what is not, and what is said of it.

use std::time::{Duration, Instant};

use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::{Answer, App};
use serde_json::{Value, json};

const IPS: u64 = 100;
const STATS: &str = "/admin/global-stats";

/// An app with a hundred IPs, asked one by one.
fn app(calls: &Calls, variables: &[(&str, &str)]) -> App {
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        let set = [
            ("batch_size", "1"),
            ("fanout_limit", "1"),
            ("batch_deadline_ms", "60"),
        ];
        for (name, value) in set.iter().chain(variables) {
            config.variables.insert((*name).into(), (*value).into());
        }
    });
    let hit = |n| json!({"ip": format!("192.0.2.{n}"), "method": "GET", "path": "/"});
    app.record(&Value::from_iter((0..IPS).map(hit)));
    app
}

/// A batch that fails is asked twice, one after the other.
fn fail_first(calls: &Calls, batches: u64, fate: Fate) {
    calls.rule("/summarize", move |n| match n {
        n if n < 2 * batches => fate,
        _ => Fate::Call(0),
    });
}

fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

fn check_degradation(fate: Fate) {
    let calls = Calls::default();
    let app = app(&calls, &[]);
    for failed in [1, 29] {
        fail_first(&calls, failed, fate);
        let stats = app.json(STATS);
        let answered = IPS - failed;
        assert_eq!(stats["coverage"], answered as f64 / IPS as f64, "{fate:?}");
        assert_eq!(stats["totalRequests"], answered);
        assert_eq!(
            stats["warnings"],
            json!([format!("{failed} of {IPS} batches of IPs did not answer")])
        );
    }
    // Too few, and nothing older is there to be given.
    for failed in [31, IPS] {
        fail_first(&calls, failed, fate);
        is_unavailable(&app.ask("/admin/top-ips"));
    }
    // Something older is.
    for failed in [31, IPS] {
        fail_first(&calls, failed, fate);
        let answer = app.ask(STATS);
        assert_eq!(answer.status, 200, "{answer:?}");
        let status = answer.header("cache-status").unwrap();
        assert!(
            status.starts_with("rollcall; hit; detail=stale; ttl="),
            "{status}"
        );
        let stats = answer.json();
        assert_eq!(stats["stale"], true);
        assert_eq!(
            stats["totalRequests"],
            IPS - 29,
            "the last one that was good"
        );
    }
    fail_first(&calls, 0, fate);
    let stats = app.json(STATS);
    assert_eq!(
        (&stats["coverage"], &stats["totalRequests"]),
        (&json!(1.0), &json!(IPS))
    );
    assert!(stats.get("stale").is_none());
}

#[test]
fn answers_hold_what_is_left_when_batches_trap() {
    check_degradation(Fate::CalleeTraps);
}

#[test]
fn answers_hold_what_is_left_when_batches_hang() {
    check_degradation(Fate::Hang);
}

#[test]
fn a_batch_that_fails_once_is_missed_by_nobody() {
    let calls = Calls::default();
    let app = app(&calls, &[]);
    calls.rule("/summarize", |n| match n % 2 {
        0 => Fate::CalleeTraps,
        _ => Fate::Call(0),
    });
    let stats = app.json(STATS);
    assert_eq!(
        (&stats["coverage"], &stats["totalRequests"]),
        (&json!(1.0), &json!(IPS))
    );
    assert_eq!(stats["warnings"], json!([]));
    assert_eq!(calls.made("/summarize"), 2 * IPS);
}

#[test]
fn no_more_batches_are_in_flight_than_may_be() {
    for (limit, expect) in [("7", 7), ("50", 50), ("1000", IPS)] {
        let calls = Calls::default();
        let app = app(
            &calls,
            &[("fanout_limit", limit), ("batch_deadline_ms", "20000")],
        );
        calls.rule("/summarize", |_| Fate::Call(300));
        assert_eq!(app.json(STATS)["totalRequests"], IPS);
        assert_eq!(calls.most_at_once("/summarize"), expect);
    }
}

#[test]
fn what_has_not_answered_when_the_time_is_over_is_missing_and_the_rest_is_told() {
    let calls = Calls::default();
    let variables = [
        ("fanout_limit", "1000"),
        ("batch_deadline_ms", "30000"),
        ("answer_deadline_ms", "4000"),
    ];
    let app = app(&calls, &variables);
    calls.rule("/summarize", |n| match n {
        0..10 => Fate::Hang,
        _ => Fate::Call(0),
    });
    let asked = Instant::now();
    let stats = app.json(STATS);
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(stats["coverage"], 0.9);
    calls.rule("/take-snapshot", |_| Fate::Hang);
    let asked = Instant::now();
    is_unavailable(&app.ask("/admin/top-paths"));
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn an_aggregator_that_always_dies_is_a_problem_and_nothing_raw() {
    let calls = Calls::default();
    let app = app(&calls, &[]);
    calls.rule("/take-snapshot", |_| Fate::CallerTraps);
    for path in [STATS, "/admin/export"] {
        is_unavailable(&app.ask(path));
    }
    calls.rule("/take-snapshot", |_| Fate::Call(0));
    assert_eq!(app.json(STATS)["totalRequests"], IPS);
}
