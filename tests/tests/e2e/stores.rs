//! Stores that fail, stall and lose bytes: the answers that clients get, and that everything works
//! again afterwards.

use std::thread;
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
    for mood in [Mood::Down, Mood::ReadOnly, Mood::Full, Mood::LyingWrites] {
        let store = Moody::default();
        let app = app(&store);
        assert_eq!(collect(&app, "a").status, 202);
        store.set_mood(mood);
        is_come_again(&collect(&app, "b"));
        if mood != Mood::LyingWrites {
            // Acknowledged hits are not folded yet, and cannot be folded now.
            is_come_again(&app.ask("/admin/global-stats"));
            is_come_again(&app.ask("/admin/export"));
        }
        if mood == Mood::Down {
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
fn requests_that_come_at_once_share_store_calls_and_their_fate() {
    const REQUESTS: u64 = 40;
    let store = Moody::default();
    let app = app(&store);
    let client = &app.client(Duration::from_secs(30));
    let all_at_once = |expect: u16| {
        thread::scope(|scope| {
            for key in 0..REQUESTS {
                scope.spawn(move || {
                    let hit = hit("192.0.2.1").to_string();
                    let answer = client.collect(&format!("key-{key}"), &hit).unwrap();
                    assert_eq!(answer.status, expect, "{answer:?}");
                });
            }
        });
    };
    store.set_mood(Mood::LyingWrites);
    all_at_once(503);
    store.set_mood(Mood::Slow(50));
    let before = store.appends();
    all_at_once(202);
    let appends = store.appends() - before;
    assert!((1..REQUESTS).contains(&appends), "{appends} appends");
    assert_eq!(total(&app), REQUESTS, "each batch once");
}

#[test]
fn a_database_that_another_process_locks_is_a_503_and_all_is_well_when_it_lets_go() {
    let state = tempfile::TempDir::new().unwrap();
    let app = App::start_with(|config| config.state_dir = state.path().to_owned());
    assert_eq!(collect(&app, "a").status, 202);
    let path = state.path().join("sqlite_key_value.db");
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    std::thread::scope(|scope| {
        for key in ["b", "b", "c"] {
            let app = &app;
            scope.spawn(move || is_come_again(&collect(app, key)));
        }
        scope.spawn(|| is_come_again(&app.ask("/admin/global-stats")));
    });
    other.execute_batch("ROLLBACK").unwrap();
    for key in ["b", "c"] {
        assert_eq!(collect(&app, key).status, 202);
    }
    assert_eq!(total(&app), 3);
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
            .block_on(inner.set(&format!("ip:1:{ip}"), &bytes))
            .unwrap();
    }
    // Half of the IPs can be read. This is below the smallest coverage.
    is_come_again(&app.ask("/admin/top-ips"));
    app.record(&json!(
        (10..30)
            .map(|i| hit(&format!("198.51.100.{i}")))
            .collect::<Vec<_>>()
    ));
    // The sums over all IPs do not need the states.
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 24);
    let stats = app.json("/admin/global-stats?via=ips");
    assert_eq!(stats["totalRequests"], 22);
    assert_eq!(stats["coverage"], 22.0 / 24.0);
    assert_eq!(
        stats["warnings"],
        json!(["2 IP states cannot be read; the log names them"])
    );
    // The status counts them a moment later.
    let deadline = Instant::now() + Duration::from_secs(10);
    let unreadable =
        || app.json("/admin/aggregator-status")["fanOut"]["last"]["unreadableStates"].clone();
    while unreadable() != 2 {
        assert!(Instant::now() < deadline, "{}", unreadable());
        std::thread::sleep(Duration::from_millis(100));
    }
    // These IPs call again, and begin with a new state.
    app.record(&json!([hit("192.0.2.1"), hit("192.0.2.2")]));
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 26);
    let stats = app.json("/admin/global-stats?via=ips");
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
fn a_damaged_segment_or_index_is_a_500_and_its_key_is_for_the_log() {
    for kind in ["log:2", "shard:", "root:", "head"] {
        let store = Moody::default();
        let app = app(&store);
        assert_eq!(collect(&app, "a").status, 202);
        assert_eq!(total(&app), 1);
        assert_eq!(collect(&app, "b").status, 202);
        let inner = store.inner().clone();
        app.runtime().block_on(async {
            let keys = inner.keys().await.unwrap();
            let key = keys.iter().find(|key| key.starts_with(kind)).unwrap();
            let whole = inner.get(key).await.unwrap().unwrap();
            inner.set(key, &whole[..whole.len() - 1]).await.unwrap();
            let answer = tokio::task::block_in_place(|| app.ask("/admin/top-ips"));
            assert_eq!(answer.status, 500, "{key}: {answer:?}");
            let content_type = answer.header("content-type");
            assert_eq!(content_type, Some("application/problem+json"));
            assert!(!answer.text().contains(key), "{answer:?}");
            inner.set(key, &whole).await.unwrap();
        });
        assert_eq!(total(&app), 2, "{kind} was restored");
    }
}

#[test]
fn kept_answers_that_are_damaged_are_computed_anew() {
    let store = Moody::default();
    let app = app(&store);
    assert_eq!(collect(&app, "a").status, 202);
    assert_eq!(total(&app), 1);
    for slot in 0..256 {
        let key = format!("answer:{slot}");
        let damaged = store.inner().set(&key, &[1, 0xff]);
        app.runtime().block_on(damaged).unwrap();
    }
    for (_, path) in rollcall_tests::questions() {
        let answer = app.ask_with(&path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert_eq!(total(&app), 1);
}

/// The first byte of a value in layouts 2 and 3.
const UP_TO_LAYOUT_3: u8 = 1;

#[test]
fn a_store_of_a_layout_that_is_not_known_is_refused() {
    let store = Moody::default();
    let mut app = app(&store);
    app.record(&hit("192.0.2.1"));
    let get = app.runtime().block_on(store.inner().get("meta")).unwrap();
    let ours = get.unwrap();
    // `meta` of layout 2, with 256 shards.
    let set = |app: &App, bytes: &[u8]| app.runtime().block_on(store.inner().set("meta", bytes));
    set(&app, &[UP_TO_LAYOUT_3, 2, 0x80, 2]).unwrap();
    app.restart();
    for answer in [collect(&app, "x"), app.ask("/admin/global-stats")] {
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    set(&app, &ours).unwrap();
    assert_eq!(total(&app), 1);
}

#[test]
fn a_store_of_layout_4_is_brought_up_though_instances_die_meanwhile_and_hits_are_taken() {
    let store = Moody::default();
    let mut app = app(&store);
    app.runtime().block_on(left_by_layout_4(&store));
    app.restart();
    // Every instance that upgrades the store dies at this key.
    store.strike(Mood::Deadly, |key| key.starts_with("known:"));
    let deadline = Instant::now() + Duration::from_secs(60);
    for n in 0..5 {
        // The instance that takes the batch may be one that dies. Then the batch is sent again.
        while collect(&app, &format!("meanwhile-{n}")).status != 202 {
            assert!(Instant::now() < deadline, "no hits are taken");
        }
        assert_eq!(app.ask("/admin/global-stats").status, 503);
    }
    store.strike(Mood::Fine, |_| false);
    // A dead instance may still hold the lease.
    let deadline = Instant::now() + Duration::from_secs(60);
    while app.ask("/admin/global-stats").status != 200 {
        assert!(Instant::now() < deadline, "it never ends");
        std::thread::sleep(Duration::from_millis(500));
    }
    // 60 and 20 hits that were folded, one that was pending, and five since then.
    let stats = app.json("/admin/global-stats?timeRange=all");
    assert_eq!(stats["totalRequests"], 86);
    assert_eq!(stats["statusClasses"]["4xx"], 27);
    assert_eq!(stats["statusCodes"]["4xx"], 27);
    // Of hits that layout 4 counted, only the class is known.
    for (status, expect) in [("4xx", 27), ("404", 0)] {
        let stats = app.json(&format!(
            "/admin/global-stats?timeRange=all&status={status}"
        ));
        assert_eq!(stats["totalRequests"], expect, "{status}");
    }
    let both = app.order("/admin/verify");
    assert_eq!(both["agrees"], true, "{both}");
}

/// A store as the last version with layout 4 left it.
async fn left_by_layout_4(store: &Moody) {
    let inner = store.inner();
    inner.delete("meta").await.unwrap();
    for line in include_str!("../../stores/4.store").lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["counter", key, count] => {
                let count: i64 = count.parse().unwrap();
                inner.increment(key, count).await.unwrap();
            }
            ["value", key, hex] => {
                let value = rollcall_store::testing::from_hex(hex);
                inner.set(key, &value).await.unwrap();
            }
            _ => {}
        }
    }
}
