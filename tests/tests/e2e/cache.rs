//! Kept answers: how long they are kept, where, and that each is computed once for all who ask.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use rollcall_store::{LAYOUT, value};
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::{Kept, Moody};
use rollcall_tests::{ADMIN, Answer, App, Client, INGEST, NO_CACHE, PATIENCE};
use serde_json::{Value, json};

pub const STATS: &str = "/admin/global-stats";
/// The same question, but each IP is asked.
const OF_IPS: &str = "/admin/global-stats?via=ips";

pub fn hit(minutes_ago: i64) -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_ago);
    json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "timestamp": at.to_string()})
}

/// Asks without a header about caches.
fn ask(app: &App, path: &str) -> Answer {
    let answer = app.ask_with(path, &[]);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer
}

/// `Cache-Status` without its ttl, and the ttl.
fn cache_status(answer: &Answer) -> (String, i64) {
    let status = answer.header("cache-status").expect("a Cache-Status");
    let (how, ttl) = status.rsplit_once("; ttl=").expect("a ttl");
    let how = how.strip_prefix("rollcall; ").expect("our name");
    (how.to_owned(), ttl.parse().expect("seconds"))
}

fn how(answer: &Answer) -> String {
    cache_status(answer).0
}

pub fn total(answer: &Answer) -> u64 {
    answer.json()["totalRequests"].as_u64().unwrap()
}

/// Makes the stored answers older. Restarts the app, so that no instance has an answer in memory.
fn grow_old(app: &mut App, store: &Moody, minutes: u64) {
    let inner = store.inner().clone();
    app.runtime().block_on(async {
        for key in inner.keys().await.unwrap() {
            if key.starts_with("answer:") {
                let bytes = inner.get(&key).await.unwrap().unwrap();
                let mut kept: Kept =
                    value::decode_as(&key, &bytes, LAYOUT, postcard::take_from_bytes).unwrap();
                kept.2 -= minutes * 60_000;
                let bytes = value::encode(&key, &kept).unwrap();
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

pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
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
fn an_answer_that_is_fresh_is_not_called_stale_while_another_looks_for_a_newer_one() {
    let calls = Calls::default();
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        config.reuse.idle_timeout = PATIENCE;
    });
    app.record(&hit(0));
    ask(&app, STATS);
    // After this pause, an instance asks the store for a newer answer. The store takes its time.
    thread::sleep(Duration::from_millis(2_100));
    calls.rule("/get", |_| Fate::Call(2_000));
    let client = app.client(PATIENCE);
    let found: Vec<String> = thread::scope(|scope| {
        let asking = (0..10).map(|_| {
            thread::sleep(Duration::from_millis(50));
            scope.spawn(|| client.ask_with(STATS, &[]).expect("an answer"))
        });
        let asking: Vec<_> = asking.collect();
        let answers = asking.into_iter().map(|asked| asked.join().unwrap());
        let not_stale = answers.inspect(|answer| assert!(answer.json().get("stale").is_none()));
        not_stale.map(|answer| how(&answer)).collect()
    });
    assert!(
        !found.contains(&"hit; detail=stale".to_owned()),
        "{found:?}"
    );
    let from_memory = found.iter().filter(|how| *how == "hit; detail=memory");
    assert!(from_memory.count() > 1, "those who do not look: {found:?}");
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
    about(ttl("/admin/timeseries"), 300);
    about(ttl("/admin/ips/192.0.2.1"), 300);
    about(ttl("/admin/paths?key=GET%20/"), 300);
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
fn an_answer_that_is_too_old_is_computed_anew() {
    let store = Moody::default();
    let mut app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&hit(10 * 60));
    ask(&app, STATS);
    wait_until("it is kept", || !kept(&app, &store).is_empty());
    app.record(&hit(10 * 60));
    grow_old(&mut app, &store, 11);
    let new = ask(&app, STATS);
    assert_eq!((how(&new).as_str(), total(&new)), ("fwd=miss; stored", 2));
}

#[test]
fn expired_answers_leave_the_store() {
    let store = Moody::default();
    let mut app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&hit(10 * 60));
    // Prewarming does not write into the slots of these five questions.
    for limit in 1..=5 {
        ask(&app, &format!("/admin/top-ips?limit={limit}"));
    }
    wait_until("they are kept", || kept(&app, &store).len() >= 5);
    let old = kept(&app, &store);
    grow_old(&mut app, &store, 29);
    assert_eq!(prewarm(&app).status, 200);
    let of_old = |app: &App| {
        let kept = kept(app, &store);
        old.iter().filter(|key| kept.contains(key)).count()
    };
    assert!(of_old(&app) >= 5, "not before their time");
    grow_old(&mut app, &store, 2);
    assert_eq!(prewarm(&app).status, 200);
    // One of these slots may have a new answer.
    wait_until("the old ones are gone", || of_old(&app) <= 1);
}

#[test]
fn where_no_new_answer_is_to_be_had_the_last_one_is_given_for_half_an_hour() {
    let (store, calls) = (Moody::default(), Calls::default());
    let mut app = App::start_with(|config| {
        config.store_layer = Some(store.layer());
        config.chain_layer = Some(calls.layer());
    });
    app.record(&hit(10 * 60));
    ask(&app, STATS);
    wait_until("it is kept", || !kept(&app, &store).is_empty());
    calls.rule("/sums", |_| Fate::CalleeTraps);
    grow_old(&mut app, &store, 29);
    let old = ask(&app, STATS);
    assert_eq!(how(&old), "hit; detail=stale");
    assert_eq!((total(&old), old.json()["stale"].clone()), (1, json!(true)));
    let age: u64 = old.header("age").unwrap().parse().unwrap();
    assert!((29 * 60..30 * 60).contains(&age), "{age}");
    grow_old(&mut app, &store, 1);
    let none = app.ask_with(STATS, &[]);
    assert_eq!(none.status, 503, "{none:?}");
    let content_type = none.header("content-type");
    assert_eq!(content_type, Some("application/problem+json"));
    calls.rule("/sums", |_| Fate::Call(0));
    assert_eq!(how(&ask(&app, STATS)), "fwd=miss; stored");
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

#[test]
fn prewarming_says_what_it_could_not_compute() {
    let calls = Calls::default();
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    app.record(&hit(0));
    calls.rule("/summarize", |_| Fate::CalleeTraps);
    let answer = prewarm(&app);
    assert_eq!(answer.status, 503, "{answer:?}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("Not computed: "), "{detail}");
    assert!(detail.contains("top-ips?"), "{detail}");
    assert!(!detail.contains("status"), "that one was: {detail}");
}

/// Asks the same question this many times at once. The hosts take turns.
pub fn ask_at_once(hosts: &[&Client], times: usize) -> Vec<Answer> {
    thread::scope(|scope| {
        let hosts = hosts.iter().cycle().take(times);
        let asking: Vec<_> = hosts
            .map(|host| scope.spawn(move || host.ask_with(STATS, &[]).expect("an answer")))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    })
}

/// Asks a new app the same question this many times at once. Returns the answers, and how often the
/// answer was computed.
fn at_once(calls: &Calls, times: usize) -> (Vec<Answer>, u64) {
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    app.record(&hit(0));
    let answers = ask_at_once(&[&app.client(PATIENCE)], times);
    (answers, calls.made("/take-snapshot"))
}

/// One of the answers must be computed. All others must be the same as this one.
pub fn is_one_for_all(answers: &[Answer]) {
    for answer in answers {
        assert_eq!((answer.status, total(answer)), (200, 1), "{answer:?}");
        assert_eq!(answer.text(), answers[0].text());
    }
    let computed = answers
        .iter()
        .filter(|answer| how(answer) == "fwd=miss; stored");
    assert_eq!(computed.count(), 1);
}

#[test]
fn a_hundred_equal_questions_under_way_are_one_fan_out_in_an_instance() {
    let calls = Calls::default();
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        config.reuse.concurrent_max = 200;
        config.reuse.requests_max = 1_000;
    });
    app.record(&hit(0));
    calls.rule("/take-snapshot", |_| Fate::Held);
    let client = app.client(PATIENCE);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let asking = (0..100).map(|_| {
            // There are pauses between the requests. While an instance starts a request, the next
            // request would go to another instance.
            thread::sleep(Duration::from_millis(20));
            scope.spawn(|| client.ask_with(STATS, &[]).expect("an answer"))
        });
        let asking: Vec<_> = asking.collect();
        wait_until("it computes", || calls.made("/take-snapshot") == 1);
        calls.release();
        let answers = asking.into_iter().map(|asked| asked.join().unwrap());
        answers.collect()
    });
    is_one_for_all(&answers);
    assert_eq!((calls.made("/take-snapshot"), calls.made("/sums")), (1, 1));
    // In each instance, one request claims the computation.
    let instances = calls.made("/claim");
    assert!((1..=20).contains(&instances), "{instances} for 100");
}

#[test]
fn a_hundred_equal_questions_at_once_are_one_fan_out_in_all_instances_together() {
    let calls = Calls::default();
    // The computation takes long enough for every instance to claim it.
    calls.rule("/take-snapshot", |_| Fate::Call(1_500));
    let (answers, computed) = at_once(&calls, 100);
    is_one_for_all(&answers);
    assert_eq!(computed, 1);
    assert!(calls.made("/claim") > 1, "several instances were asked");
}

#[test]
fn a_leader_that_dies_takes_nobody_along() {
    let calls = Calls::default();
    // The first instance dies while it computes. All requests in this instance die, too.
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
    let calls = Calls::default();
    let mut app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        for (name, value) in [("batch_size", "1"), ("batch_deadline_ms", "30000")] {
            config.variables.insert(name.into(), value.into());
        }
    });
    let from = |n| json!({"ip": format!("192.0.2.{n}"), "method": "GET", "path": "/"});
    app.record(&(0..10).map(from).collect());
    let statuses = Cell::new(0);
    let status = |app: &App| {
        statuses.set(statuses.get() + 1);
        // The counts are added a moment later.
        thread::sleep(Duration::from_millis(700));
        app.json("/admin/aggregator-status")
    };
    ask(&app, OF_IPS);
    ask(&app, OF_IPS);
    ask(&app, OF_IPS);
    app.restart();
    ask(&app, OF_IPS);
    let before = status(&app);
    assert_eq!(
        before["cache"],
        json!({
            "hitsMemory": 2, "hitsStore": 1, "misses": 1, "collapsed": 0, "stale": 0, "failures": 0,
            "memoryBytes": before["cache"]["memoryBytes"]
        })
    );
    assert!(before["cache"]["memoryBytes"].as_u64() > Some(500));
    let last = |batches: u64, retried: u64, failed: u64, status: &Value| {
        let last = &status["fanOut"]["last"];
        let told = ["batches", "retried", "failed"].map(|name| last[name].as_u64().unwrap());
        assert_eq!(told, [batches, retried, failed], "{status}");
        assert!(last["durationMs"].as_u64() < Some(20_000), "{status}");
    };
    last(10, 0, 0, &before);
    let fan_out = &before["fanOut"];
    assert_eq!(
        (&fan_out["total"], &fan_out["batches"]),
        (&json!(1), &json!(10))
    );
    assert_eq!(
        (&fan_out["inFlight"], &fan_out["questionsInFlight"]),
        (&json!(0), &json!(1))
    );

    // While the question is held up, the status counts it. Nine other requests wait for it.
    calls.rule("/summarize", |_| Fate::Held);
    let client = app.client(PATIENCE);
    thread::scope(|scope| {
        let ask = || {
            client
                .ask_with("/admin/top-ips?sortBy=lastSeen", &[])
                .expect("an answer")
        };
        let first = scope.spawn(ask);
        wait_until("ten are in flight", || calls.made("/summarize") == 10);
        // Another instance may answer the status. It has nothing in flight.
        wait_until("it is seen", || {
            let seen = status(&app)["fanOut"].clone();
            (&seen["inFlight"], &seen["questionsInFlight"]) == (&json!(10), &json!(2))
        });
        let others: Vec<_> = (0..9).map(|_| scope.spawn(ask)).collect();
        thread::sleep(Duration::from_millis(500));
        calls.release();
        for asked in others.into_iter().chain([first]) {
            assert_eq!(asked.join().unwrap().status, 200);
        }
    });
    calls.rule("/summarize", |_| Fate::CalleeTraps);
    assert_eq!(app.ask("/admin/top-paths?via=ips").status, 503);
    assert_eq!(how(&app.ask(OF_IPS)), "hit; detail=stale");
    let after = status(&app);
    last(10, 10, 10, &after);
    let counted = ["misses", "collapsed", "stale", "failures"].map(|name| &after["cache"][name]);
    // Each status before this one is counted as computed, too.
    let misses = 1 + 1 + (statuses.get() - 1);
    assert_eq!(counted, [&json!(misses), &json!(9), &json!(1), &json!(1)]);
    let fan_out =
        ["total", "batches", "batchesRetried", "batchesFailed"].map(|name| &after["fanOut"][name]);
    assert_eq!(fan_out, [&json!(4), &json!(40), &json!(20), &json!(20)]);
    assert_eq!(
        (&after["layoutVersion"], &after["shards"]),
        (&json!(LAYOUT), &json!(256))
    );
    assert_eq!(after["version"], env!("CARGO_PKG_VERSION"));
}
