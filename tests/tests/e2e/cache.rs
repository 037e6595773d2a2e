//! Answers that are kept: how long, where, and that they are computed once for all who ask.

use std::thread;
use std::time::{Duration, Instant};

use rollcall_tally::KeptAnswer;
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::Moody;
use rollcall_tests::{ADMIN, Answer, App, INGEST, NO_CACHE};
use serde_json::{Value, json};

const STATS: &str = "/admin/global-stats";

fn hit(minutes_ago: i64) -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_ago);
    json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "timestamp": at.to_string()})
}

/// Asks without a word on caches.
fn ask(app: &App, path: &str) -> Answer {
    let answer = app.ask_with(path, &[]);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer
}

/// `Cache-Status` without its ttl, and that.
fn cache_status(answer: &Answer) -> (String, i64) {
    let status = answer.header("cache-status").expect("a Cache-Status");
    let (how, ttl) = status.rsplit_once("; ttl=").expect("a ttl");
    let how = how.strip_prefix("rollcall; ").expect("our name");
    (how.to_owned(), ttl.parse().expect("seconds"))
}

fn how(answer: &Answer) -> String {
    cache_status(answer).0
}

fn total(answer: &Answer) -> u64 {
    answer.json()["totalRequests"].as_u64().unwrap()
}

/// Makes what the store keeps older, and has the app forget what is in memory.
fn grow_old(app: &mut App, store: &Moody, minutes: u64) {
    let inner = store.inner().clone();
    app.runtime().block_on(async {
        for key in inner.keys().await.unwrap() {
            if key.starts_with("answer:") {
                let bytes = inner.get(&key).await.unwrap().unwrap();
                let mut kept: KeptAnswer = postcard::from_bytes(&bytes[1..]).unwrap();
                kept.computed_at_ms -= minutes * 60_000;
                let bytes = postcard::to_extend(&kept, vec![bytes[0]]).unwrap();
                inner.set(&key, &bytes).await.unwrap();
            }
        }
    });
    app.restart();
}

fn kept(app: &App, store: &Moody) -> Vec<String> {
    let keys = app.runtime().block_on(store.inner().keys()).unwrap();
    keys.into_iter()
        .filter(|key| key.starts_with("answer:"))
        .collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_answer_is_computed_once_and_then_given_from_memory_and_from_the_store() {
    let mut app = App::start();
    app.record(&hit(0));
    let first = ask(&app, STATS);
    assert_eq!(how(&first), "fwd=miss; stored");
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    app.record(&hit(0));
    let second = ask(&app, STATS);
    assert_eq!(how(&second), "hit; detail=memory");
    assert_eq!(second.text(), first.text());
    assert_eq!(second.header("etag"), first.header("etag"));
    thread::sleep(Duration::from_millis(1_100));
    app.restart();
    let third = ask(&app, STATS);
    assert_eq!(how(&third), "hit; detail=store");
    assert_eq!(third.text(), first.text());
    let age: u64 = third.header("age").unwrap().parse().unwrap();
    assert!((1..60).contains(&age), "{third:?}");
    let another = ask(&app, "/admin/global-stats?timeRange=7d");
    assert_eq!(
        (how(&another).as_str(), total(&another)),
        ("fwd=miss; stored", 2)
    );
    let same = ask(&app, "/admin/global-stats?includeCosts=false&timeRange=24h");
    assert_eq!(
        how(&same),
        "hit; detail=memory",
        "the same question, written otherwise"
    );
}

#[test]
fn who_has_the_answer_already_is_told_so() {
    let app = App::start();
    app.record(&hit(0));
    let etag = ask(&app, STATS).header("etag").unwrap().to_owned();
    let again = app.ask_with(STATS, &[("if-none-match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0), "{again:?}");
    assert_eq!(again.header("etag"), Some(etag.as_str()));
    let other = app.ask_with(STATS, &[("if-none-match", "\"another\"")]);
    assert_eq!(other.status, 200);
}

#[test]
fn who_wants_no_cache_gets_what_was_acknowledged_before_and_so_does_everybody_after() {
    let app = App::start();
    app.record(&hit(0));
    assert_eq!(total(&ask(&app, STATS)), 1);
    app.record(&hit(0));
    let fresh = app.ask_with(STATS, &[NO_CACHE]);
    assert_eq!(
        (how(&fresh).as_str(), total(&fresh)),
        ("fwd=request; stored", 2)
    );
    assert_eq!(total(&ask(&app, STATS)), 2);
}

#[test]
fn an_answer_is_fresh_for_the_time_of_its_kind_and_shorter_the_more_of_it_is_new() {
    let app = App::start();
    app.record(&json!([hit(10 * 60), hit(11 * 60)]));
    let ttl = |path: &str| cache_status(&app.ask(path)).1;
    let about = |got: i64, expect: i64| {
        assert!((expect - 3..=expect).contains(&got), "{got}, not {expect}")
    };
    about(ttl(STATS), 300);
    about(ttl("/admin/top-paths"), 600);
    about(ttl("/admin/top-ips"), 600);
    about(ttl("/admin/aggregator-status"), 60);
    app.record(&json!([hit(0), hit(1)]));
    about(ttl("/admin/top-paths"), 360);
    about(ttl("/admin/top-paths?timeRange=1h"), 120);
    about(ttl("/admin/global-stats?timeRange=1h"), 60);
}

#[test]
fn an_answer_that_is_a_little_old_is_given_and_a_new_one_is_computed_after_the_response() {
    let store = Moody::default();
    let mut app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&hit(10 * 60));
    ask(&app, STATS);
    wait_until("it is kept", || !kept(&app, &store).is_empty());
    app.record(&hit(10 * 60));
    grow_old(&mut app, &store, 6);
    let old = ask(&app, STATS);
    let (how_, ttl) = cache_status(&old);
    assert_eq!(how_, "hit; detail=stale");
    assert!((-65..=-60).contains(&ttl), "{ttl}");
    assert_eq!((total(&old), old.json()["stale"].clone()), (1, json!(true)));
    wait_until("a new one is there", || total(&ask(&app, STATS)) == 2);
    assert!(ask(&app, STATS).json().get("stale").is_none());
}

#[test]
fn an_answer_that_is_too_old_is_computed_anew_and_leaves_the_store() {
    let store = Moody::default();
    let mut app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&hit(10 * 60));
    ask(&app, STATS);
    ask(&app, "/admin/top-ips");
    wait_until("both are kept", || kept(&app, &store).len() >= 2);
    app.record(&hit(10 * 60));
    grow_old(&mut app, &store, 11);
    let new = ask(&app, STATS);
    assert_eq!((how(&new).as_str(), total(&new)), ("fwd=miss; stored", 2));
    wait_until("it is kept", || kept(&app, &store).len() >= 2);
    grow_old(&mut app, &store, 31);
    let before = kept(&app, &store);
    assert_eq!(prewarm(&app).status, 200);
    // Five answers and how the last fan-out went.
    wait_until("the old ones are gone", || kept(&app, &store).len() <= 6);
    assert!(before.len() >= 2);
}

fn prewarm(app: &App) -> Answer {
    let token = format!("Bearer {ADMIN}");
    app.send("POST", "/admin/prewarm", &[("authorization", &token)], b"")
}

#[test]
fn prewarming_computes_what_is_asked_for_most() {
    let app = App::start();
    app.record(&hit(0));
    let answer = prewarm(&app);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["computed"].as_array().unwrap().len(), 6);
    for path in [
        STATS,
        "/admin/overview",
        "/admin/top-paths",
        "/admin/top-ips",
        "/admin/aggregator-status",
    ] {
        assert!(how(&ask(&app, path)).starts_with("hit"), "{path}");
    }
    assert_eq!(app.ask("/admin/prewarm").status, 405);
    let ingest = format!("Bearer {INGEST}");
    let denied = app.send("POST", "/admin/prewarm", &[("authorization", &ingest)], b"");
    assert_eq!(denied.status, 401);
}

/// Asks the same of a new app so often at once, and gives the answers and how often it was computed.
fn at_once(calls: &Calls, times: usize) -> (Vec<Answer>, u64) {
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    app.record(&hit(0));
    let client = app.client(Duration::from_secs(60));
    let answers = thread::scope(|scope| {
        let asking: Vec<_> = (0..times)
            .map(|_| scope.spawn(|| client.ask_with(STATS, &[]).expect("an answer")))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    (answers, calls.made("/take-snapshot"))
}

#[test]
fn a_hundred_equal_questions_at_once_are_one_fan_out_in_all_instances_together() {
    let calls = Calls::default();
    // Long enough for every instance to want to know.
    calls.rule("/take-snapshot", |_| Fate::Call(1_500));
    let (answers, computed) = at_once(&calls, 100);
    for answer in &answers {
        assert_eq!((answer.status, total(answer)), (200, 1), "{answer:?}");
    }
    assert_eq!(computed, 1);
    let computed = answers
        .iter()
        .filter(|answer| how(answer) == "fwd=miss; stored");
    assert_eq!(computed.count(), 1);
    assert!(calls.made("/claim") > 1, "several instances were asked");
}

#[test]
fn a_leader_that_dies_takes_nobody_along() {
    let calls = Calls::default();
    // The first dies while it computes, with all who wait in its instance.
    calls.rule("/take-snapshot", |n| match n {
        0 => Fate::CallerTraps,
        _ => Fate::Call(0),
    });
    let asked = Instant::now();
    let (answers, _) = at_once(&calls, 60);
    for answer in &answers {
        assert_eq!((answer.status, total(answer)), (200, 1), "{answer:?}");
    }
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn the_status_tells_where_answers_came_from_and_how_the_last_fan_out_went() {
    let app = App::start();
    app.record(&hit(0));
    for _ in 0..3 {
        ask(&app, STATS);
    }
    // Counts are added a moment later.
    wait_until("all is counted", || {
        let status = app.json("/admin/aggregator-status");
        status["cache"]["hitsMemory"] == 2 && status["fanOut"]["last"]["batches"] == 1
    });
    let status = app.json("/admin/aggregator-status");
    assert_eq!(status["fanOut"]["total"], 1, "{status}");
    assert_eq!(status["fanOut"]["last"]["failed"], 0, "{status}");
    assert_eq!(status["fanOut"]["inFlight"], 0, "{status}");
    assert_eq!(status["layoutVersion"], 2, "{status}");
}
