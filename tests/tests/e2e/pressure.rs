//! More comes than can be taken: requests are refused, nothing that was acknowledged is lost, and
//! the refusing ends.

use std::thread;
use std::time::{Duration, Instant};

use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{Answer, App, INGEST};
use serde_json::json;

const PENDING_MAX: u64 = 10;

fn start(store: &Moody, variables: &[(&str, &str)]) -> App {
    App::start_with(|config| {
        config.store_layer = Some(store.layer());
        for (name, value) in variables {
            config.variables.insert((*name).into(), (*value).into());
        }
    })
}

fn hits(count: usize) -> String {
    let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/"});
    json!(vec![hit; count]).to_string()
}

fn send(app: &App, key: &str, count: usize) -> Answer {
    app.collect(
        "application/json",
        &hits(count),
        &[("idempotency-key", key)],
    )
}

fn total(app: &App) -> u64 {
    app.json("/admin/global-stats?timeRange=all")["totalRequests"]
        .as_u64()
        .unwrap()
}

fn assert_refused(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{answer:?}");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/problem+json"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("Nothing of this request was recorded"),
        "{detail}"
    );
    answer.header("retry-after").unwrap().parse().unwrap()
}

/// Says that another instance folds. No instance does.
fn keep_from_folding(app: &App, store: &Moody) {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let until_ms = now.as_millis() as u64 + 50_000;
    let lease = rollcall_store::value::encode("lease", &(7u64, until_ms)).unwrap();
    let set = store.inner().set("lease", &lease);
    app.runtime().block_on(set).unwrap();
}

fn let_fold(app: &App, store: &Moody) {
    let delete = store.inner().delete("lease");
    app.runtime().block_on(delete).unwrap();
}

/// Waits until a counter of the status has this value.
fn wait_for_refusals(app: &App, reason: &str, expect: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = app.json("/admin/aggregator-status");
        let refused = status["refusedRequests"][reason].as_u64().unwrap();
        if refused == expect {
            return;
        }
        assert!(Instant::now() < deadline, "{status}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_log_that_is_too_far_ahead_of_the_fold_is_closed_until_the_fold_has_caught_up() {
    let store = Moody::default();
    let limit = PENDING_MAX.to_string();
    let mut app = start(
        &store,
        &[("max_pending_segments", &limit), ("beacon", "true")],
    );
    keep_from_folding(&app, &store);
    for n in 0..PENDING_MAX {
        let answer = send(&app, &format!("in-{n}"), 3);
        assert_eq!(answer.status, 202, "{n}: {answer:?}");
    }
    // At the limit, and at ten times as much.
    let appends = store.appends();
    for n in 0..10 * PENDING_MAX {
        let answer = send(&app, &format!("out-{n}"), 3);
        assert_eq!(assert_refused(&answer), 5);
    }
    assert_refused(&app.send("GET", "/collect/beacon?path=/", &[], b""));
    // A new instance knows the limit, too.
    app.restart();
    keep_from_folding(&app, &store);
    assert_refused(&send(&app, "out-0", 3));
    assert_eq!(
        store.appends(),
        appends,
        "a refused request changes nothing"
    );
    // Nobody asks a question: the refused requests alone have the fold done.
    let_fold(&app, &store);
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut refused = 0;
    while send(&app, "out-0", 3).status != 202 {
        refused += 1;
        assert!(Instant::now() < deadline, "it never ends");
        thread::sleep(Duration::from_millis(100));
    }
    for n in 1..5 {
        assert_eq!(send(&app, &format!("out-{n}"), 3).status, 202);
    }
    assert_eq!(total(&app), 3 * (PENDING_MAX + 5));
    assert_eq!(send(&app, "out-0", 3).status, 202);
    assert_eq!(total(&app), 3 * (PENDING_MAX + 5), "the key still holds");
    // The restarted instance had no time to add its refusals.
    let at_least = refused + 1;
    let status = app.json("/admin/aggregator-status");
    let counted = status["refusedRequests"]["backlog"].as_u64().unwrap();
    assert!(counted >= at_least, "{counted} < {at_least}");
}

#[test]
fn refused_requests_are_counted_by_reason() {
    let store = Moody::default();
    let app = start(
        &store,
        &[("max_pending_segments", "1"), ("ingest_rate", "1/1")],
    );
    keep_from_folding(&app, &store);
    assert_eq!(send(&app, "in", 1).status, 202);
    for n in 0..7 {
        assert_refused(&send(&app, &format!("out-{n}"), 1));
    }
    wait_for_refusals(&app, "backlog", 7);
    let_fold(&app, &store);
    let app = start(&Moody::default(), &[("ingest_rate", "1/3600")]);
    assert_eq!(send(&app, "in", 3_600).status, 202);
    for n in 0..5 {
        assert_refused(&send(&app, &format!("out-{n}"), 1));
    }
    wait_for_refusals(&app, "rate", 5);
    let token = format!("Bearer {}", rollcall_tests::ADMIN);
    let scraped = app.send("GET", "/admin/metrics", &[("authorization", &token)], b"");
    let line = "rollcall_refused_requests_total{reason=\"rate\"} 5";
    assert!(scraped.text().contains(line), "{}", scraped.text());
}

#[test]
fn with_the_smallest_limit_every_batch_gets_in_at_some_time() {
    let app = start(&Moody::default(), &[("max_pending_segments", "1")]);
    let deadline = Instant::now() + Duration::from_secs(60);
    for n in 0..5 {
        while send(&app, &format!("batch-{n}"), 1).status != 202 {
            assert!(Instant::now() < deadline, "it never ends at {n}");
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(total(&app), 5);
}

#[test]
fn a_token_has_its_rate_over_all_instances_and_others_have_theirs() {
    let app = App::start_with(|config| {
        let tokens = format!("{INGEST} another");
        config.variables.insert("ingest_token".into(), tokens);
        config
            .variables
            .insert("ingest_rate".into(), "1/300".into());
        config.variables.insert("beacon".into(), "true".into());
    });
    assert_eq!(send(&app, "first", 1).status, 202);
    // Far more hits than may come, several requests at once. An instance of the host answers no more
    // than 128 requests, so there are several instances. More requests at once would take a slow
    // machine more than the 5 s of an append.
    let let_in: usize = thread::scope(|scope| {
        let senders = (0..8).map(|sender| {
            let client = app.client(Duration::from_secs(60));
            scope.spawn(move || {
                let sent = (0..25).filter(|n| {
                    let answer = client.collect(&format!("{sender}-{n}"), &hits(25)).unwrap();
                    if answer.status != 202 {
                        assert!((1..=301).contains(&assert_refused(&answer)));
                    }
                    answer.status == 202
                });
                sent.count()
            })
        });
        let senders: Vec<_> = senders.collect();
        senders.into_iter().map(|sent| sent.join().unwrap()).sum()
    });
    // The request that reaches the burst is let in whole.
    assert_eq!(let_in, 12);
    assert_eq!(total(&app), 301);
    let other = [
        ("authorization", "Bearer another"),
        ("content-type", "application/json"),
    ];
    // A client cannot take the budget of another token.
    let forged = [other.as_slice(), &[("rollcall-token", "1")]].concat();
    let answer = app.send("POST", "/collect", &forged, hits(5).as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
    let answer = app.send("GET", "/collect/beacon", &[], b"");
    assert_eq!(answer.status, 200, "no token, no rate: {answer:?}");
}

#[test]
fn after_a_while_a_token_may_send_again_under_the_same_key() {
    let app = start(&Moody::default(), &[("ingest_rate", "10/100")]);
    assert_eq!(send(&app, "in", 100).status, 202);
    let wait_s = assert_refused(&send(&app, "out", 100));
    assert!((1..=10).contains(&wait_s), "{wait_s}");
    thread::sleep(Duration::from_secs(wait_s));
    assert_eq!(send(&app, "out", 100).status, 202);
    assert_eq!(total(&app), 200);
}

#[test]
fn a_rate_costs_nothing_while_it_is_off_and_a_failing_store_is_no_rate() {
    let store = Moody::default();
    let mut app = start(&store, &[("ingest_rate", "nonsense")]);
    assert_eq!(send(&app, "first", 1).status, 202);
    let keys = |app: &App| app.runtime().block_on(store.inner().keys()).unwrap();
    let of_rates = |keys: Vec<String>| keys.into_iter().filter(|key| key.starts_with("rate"));
    assert_eq!(of_rates(keys(&app)).count(), 0);
    app.restart_with(|config| {
        config.variables.insert("ingest_rate".into(), "1000".into());
    });
    assert_eq!(send(&app, "second", 1).status, 202);
    assert_eq!(of_rates(keys(&app)).count(), 2);
    store.set_mood(Mood::Down);
    assert_eq!(send(&app, "third", 1).status, 503);
    store.set_mood(Mood::Fine);
    assert_eq!(send(&app, "third", 1).status, 202);
    assert_eq!(total(&app), 3);
}
