//! Batches that fail, hang and trap: which answers are still given, which are not, and their
//! warnings.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{ADMIN, Answer, App, NO_CACHE, questions};
use serde_json::{Value, json};

const IPS: u64 = 100;
const STATS: &str = "/admin/global-stats?via=ips";

/// No batch misses this deadline, even on a busy machine.
const LONG_DEADLINE: (&str, &str) = ("batch_deadline_ms", "20000");

/// An app with a hundred IPs. Each IP is a batch of its own, and one batch is asked at a time.
fn app(calls: &Calls, variables: &[(&str, &str)]) -> App {
    app_on(&Moody::default(), calls, variables)
}

fn app_on(store: &Moody, calls: &Calls, variables: &[(&str, &str)]) -> App {
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        config.store_layer = Some(store.layer());
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

fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    is_made_for_clients(answer);
}

/// The answer must have no internal text, such as an error of the store or of the host.
fn is_made_for_clients(answer: &Answer) {
    let text = answer.text();
    for internal in ["simulated", "secret", "wasm", "trap", "collector"] {
        assert!(!text.contains(internal), "{text}");
    }
}

/// The trouble of a batch, each time that it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The store fails. The collector reports it.
    Fails,
    /// The batch is never answered.
    Hangs,
    /// The instance of the collector traps.
    Traps,
}

/// From now on, this many batches are in trouble. The others are not.
fn strike(store: &Moody, calls: &Calls, batches: u64, trouble: Trouble) {
    let hanging = if trouble == Trouble::Hangs {
        batches
    } else {
        0
    };
    // The batches are asked one after the other. Each is asked twice.
    calls.rule("/summarize", move |n| match n {
        n if n < 2 * hanging => Fate::Hang,
        _ => Fate::Call(0),
    });
    let mood = match trouble {
        Trouble::Fails => Mood::Down,
        Trouble::Hangs => Mood::Fine,
        Trouble::Traps => Mood::Deadly,
    };
    store.strike(mood, move |key| {
        let ip = key
            .strip_prefix("ip:")
            .and_then(|rest| rest.split_once(':'));
        let n = ip.and_then(|(_, ip)| ip.strip_prefix("192.0.2."));
        n.is_some_and(|n| n.parse::<u64>().unwrap() < batches)
    });
}

fn check_degradation(trouble: Trouble) {
    let (store, calls) = (Moody::default(), Calls::default());
    let variables = match trouble {
        Trouble::Hangs => [].as_slice(),
        Trouble::Fails | Trouble::Traps => &[LONG_DEADLINE],
    };
    let app = app_on(&store, &calls, variables);
    for failed in [1, 29] {
        strike(&store, &calls, failed, trouble);
        let asked = Instant::now();
        let answer = app.ask(STATS);
        let longest = Duration::from_millis(failed * 400 + 3_000);
        assert!(asked.elapsed() < longest, "{:?}", asked.elapsed());
        assert_eq!(answer.status, 200, "{trouble:?}: {answer:?}");
        is_made_for_clients(&answer);
        let stats = answer.json();
        let answered = IPS - failed;
        assert_eq!(stats["coverage"], answered as f64 / IPS as f64);
        assert_eq!(stats["totalRequests"], answered);
        assert_eq!(
            stats["warnings"],
            json!([format!("{failed} of {IPS} batches of IPs did not answer")])
        );
        assert_eq!(calls.made("/summarize"), IPS + failed, "each once more");
    }
    // Too few batches answer, and there is no older answer.
    for failed in [31, IPS] {
        strike(&store, &calls, failed, trouble);
        is_unavailable(&app.ask("/admin/top-ips"));
    }
    // Too few batches answer, but there is an older answer.
    for failed in [31, IPS] {
        strike(&store, &calls, failed, trouble);
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
    strike(&store, &calls, 0, trouble);
    let stats = app.json(STATS);
    assert_eq!(
        (&stats["coverage"], &stats["totalRequests"]),
        (&json!(1.0), &json!(IPS))
    );
    assert!(stats.get("stale").is_none());
}

#[test]
fn answers_hold_what_is_left_when_batches_fail() {
    check_degradation(Trouble::Fails);
}

#[test]
fn answers_hold_what_is_left_when_batches_hang() {
    check_degradation(Trouble::Hangs);
}

#[test]
fn answers_hold_what_is_left_when_batches_trap() {
    check_degradation(Trouble::Traps);
}

#[test]
fn a_batch_is_asked_again_a_moment_later_and_not_always_after_the_same_time() {
    let calls = Calls::default();
    let app = app(&calls, &[LONG_DEADLINE]);
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let times = asked.clone();
    calls.rule("/summarize", move |n| {
        times.lock().unwrap().push(Instant::now());
        match n % 2 {
            0 => Fate::CalleeTraps,
            _ => Fate::Call(0),
        }
    });
    assert_eq!(app.json(STATS)["coverage"], 1.0);
    let asked = asked.lock().unwrap();
    let waits = asked.chunks(2).map(|pair| pair[1] - pair[0]);
    let mut waits: Vec<Duration> = waits.collect();
    waits.sort_unstable();
    assert!(waits[0] >= Duration::from_millis(50), "{waits:?}");
    // The waits are spread wider than a busy machine alone would spread them.
    let (quarter, three_quarters) = (waits.len() / 4, waits.len() * 3 / 4);
    let spread = waits[three_quarters] - waits[quarter];
    assert!(spread >= Duration::from_millis(12), "{waits:?}");
}

#[test]
fn ips_are_asked_in_batches_of_the_size_configured() {
    for (size, batches) in [("1", IPS), ("7", 15), ("99", 2), ("100", 1), ("1000", 1)] {
        let calls = Calls::default();
        let app = app(&calls, &[("batch_size", size), LONG_DEADLINE]);
        assert_eq!(app.json(STATS)["totalRequests"], IPS);
        assert_eq!(calls.made("/summarize"), batches, "{size} in a batch");
    }
}

#[test]
fn batches_that_were_given_up_are_in_flight_no_longer() {
    let calls = Calls::default();
    let app = app(&calls, &[("fanout_limit", "7")]);
    calls.rule("/summarize", |_| Fate::Hang);
    is_unavailable(&app.ask(STATS));
    assert_eq!(calls.made("/summarize"), 2 * IPS);
    assert_eq!(calls.most_at_once("/summarize"), 7);
}

#[test]
fn a_batch_that_fails_once_is_missed_by_nobody() {
    let calls = Calls::default();
    let app = app(&calls, &[LONG_DEADLINE]);
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
        let app = app(&calls, &[("fanout_limit", limit), LONG_DEADLINE]);
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
    for call in ["/take-snapshot", "/count-up"] {
        calls.rule(call, |_| Fate::CallerTraps);
    }
    for (_, path) in questions() {
        is_unavailable(&app.ask(&path));
    }
    let token = format!("Bearer {ADMIN}");
    let headers = [("authorization", token.as_str()), NO_CACHE];
    is_unavailable(&app.send("POST", "/admin/prewarm", &headers, b""));
    for call in ["/take-snapshot", "/count-up"] {
        calls.rule(call, |_| Fate::Call(0));
    }
    assert_eq!(app.json(STATS)["totalRequests"], IPS);
}
