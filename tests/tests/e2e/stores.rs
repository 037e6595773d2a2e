//! Stores that fail, stall and lose bytes: what clients see, and that all is well again afterwards.

use std::time::{Duration, Instant};

use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{Answer, App};
use serde_json::{Value, json};

fn app(store: &Moody) -> App {
    App::start_with(|config| config.store_layer = Some(store.layer()))
}

fn hit(ip: &str) -> Value {
    json!({"ip": ip, "method": "GET", "path": "/"})
}

fn collect(app: &App, key: &str) -> Answer {
    app.collect(
        "application/json",
        &hit("192.0.2.1").to_string(),
        &[("idempotency-key", key)],
    )
}

fn total(app: &App) -> u64 {
    app.json("/admin/global-stats")["totalRequests"]
        .as_u64()
        .unwrap()
}

fn is_come_again(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert!(
        !answer.text().contains("secret"),
        "what the store said is for the log: {answer:?}"
    );
}

#[test]
fn a_store_that_fails_is_a_503_and_all_is_well_when_it_is_back() {
    for mood in [Mood::Down, Mood::ReadOnly, Mood::LyingWrites] {
        let store = Moody::default();
        let app = app(&store);
        assert_eq!(collect(&app, "a").status, 202);
        store.set_mood(mood);
        is_come_again(&collect(&app, "b"));
        if mood == Mood::Down {
            is_come_again(&app.ask("/admin/global-stats"));
            is_come_again(&app.ask("/admin/export"));
            is_come_again(&app.ask("/admin/aggregator-status"));
        }
        store.set_mood(Mood::Fine);
        assert_eq!(collect(&app, "b").status, 202, "the client sends again");
        assert_eq!(collect(&app, "c").status, 202);
        assert_eq!(
            total(&app),
            3,
            "{mood:?}: each batch once, whatever came of the first try"
        );
    }
}

#[test]
fn a_collector_that_dies_is_a_503_and_all_is_well_when_it_is_back() {
    let store = Moody::default();
    let app = app(&store);
    store.set_mood(Mood::Deadly);
    is_come_again(&collect(&app, "a"));
    is_come_again(&app.ask("/admin/global-stats"));
    store.set_mood(Mood::Fine);
    assert_eq!(collect(&app, "a").status, 202);
    assert_eq!(total(&app), 1);
}

#[test]
fn a_store_that_is_slow_acknowledges_nothing_late() {
    let store = Moody::default();
    let app = app(&store);
    assert_eq!(collect(&app, "a").status, 202);
    store.set_mood(Mood::Slow(3_000));
    let asked = Instant::now();
    is_come_again(&collect(&app, "b"));
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    store.set_mood(Mood::Fine);
    assert_eq!(collect(&app, "b").status, 202);
    assert_eq!(total(&app), 2);
}

#[test]
fn a_state_that_cannot_be_read_is_missed_by_name_and_the_others_are_served() {
    let store = Moody::default();
    let app = app(&store);
    app.record(&json!([
        hit("192.0.2.1"),
        hit("192.0.2.2"),
        hit("192.0.2.3"),
        hit("192.0.2.4")
    ]));
    assert_eq!(total(&app), 4);
    let inner = store.inner().clone();
    for (ip, bytes) in [
        ("192.0.2.1", vec![9u8, 1, 2, 3]),
        ("192.0.2.2", vec![1, 0xff]),
    ] {
        app.runtime()
            .block_on(inner.set(&format!("ip:{ip}:1"), &bytes))
            .unwrap();
    }
    // Half of them are below the least share.
    is_come_again(&app.ask("/admin/top-ips"));
    app.record(&json!(
        (10..30)
            .map(|i| hit(&format!("198.51.100.{i}")))
            .collect::<Vec<_>>()
    ));
    let stats = app.json("/admin/global-stats");
    assert_eq!(stats["totalRequests"], 22);
    assert_eq!(stats["coverage"], 22.0 / 24.0);
    assert_eq!(
        stats["warnings"],
        json!(["2 IP states cannot be read; the log names them"])
    );
    // The status tells, a moment later.
    std::thread::sleep(Duration::from_millis(500));
    let status = app.json("/admin/aggregator-status");
    assert_eq!(status["fanOut"]["last"]["unreadableStates"], 2, "{status}");
    // They call again, and start anew.
    app.record(&json!([hit("192.0.2.1"), hit("192.0.2.2")]));
    let stats = app.json("/admin/global-stats");
    assert_eq!(
        (stats["totalRequests"].as_u64(), stats["coverage"].as_f64()),
        (Some(24), Some(1.0))
    );
    let dropped = app.json("/admin/aggregator-status")["dropped"].clone();
    assert_eq!(
        (
            dropped["unreadableIPs"].as_u64(),
            dropped["unreadableHits"].as_u64()
        ),
        (Some(2), Some(2))
    );
}

#[test]
fn a_store_of_another_layout_is_refused() {
    let store = Moody::default();
    let mut app = app(&store);
    app.record(&hit("192.0.2.1"));
    // Layout 3 with 256 pages.
    app.runtime()
        .block_on(store.inner().set("meta", &[1, 3, 0x80, 2]))
        .unwrap();
    app.restart();
    for answer in [collect(&app, "x"), app.ask("/admin/global-stats")] {
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    app.runtime()
        .block_on(store.inner().set("meta", &[1, 2, 0x80, 2]))
        .unwrap();
    assert_eq!(total(&app), 1);
}
