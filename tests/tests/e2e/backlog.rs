//! More hits are recorded than can be folded in time. Every question is answered meanwhile, and in
//! the end all hits are counted.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{App, Client};
use serde_json::{Value, json};

use crate::process::{Process, Runtime, is_spin_installed};
use crate::redis::Redis;

/// The number of hits. Each is on a path of its own.
const HITS: u64 = 3_200_000;
const IPS: u64 = 30_000;
const HITS_PER_POST: u64 = 50_000;
/// The longest time from the last post until an answer counts all hits.
const COUNTED_WITHIN: Duration = Duration::from_secs(300);
const MEMORY_KIB_MAX: u64 = 1 << 20;
const QUESTION: &str = "/admin/timeseries?timeRange=1h";

/// One of these tests runs at a time, because it needs both cores of the machine.
static MACHINE: Mutex<()> = Mutex::new(());

#[test]
fn on_sqlite_a_backlog_of_as_many_paths_as_hits_is_counted_and_questions_are_answered_meanwhile() {
    let _alone = MACHINE.lock();
    count_a_backlog(&Process::start(Runtime::Embedded, None));
}

#[test]
fn on_redis_a_backlog_of_as_many_paths_as_hits_is_counted_and_questions_are_answered_meanwhile() {
    let _alone = MACHINE.lock();
    if let Some(redis) = Redis::start() {
        count_a_backlog(&redis.process(Runtime::Embedded));
    }
}

#[test]
fn on_spin_a_backlog_of_as_many_paths_as_hits_is_counted_and_questions_are_answered_meanwhile() {
    let _alone = MACHINE.lock();
    if is_spin_installed() {
        count_a_backlog(&Process::start(Runtime::Spin, None));
    }
}

fn count_a_backlog(process: &Process) {
    let client = &process.client();
    thread::scope(|scope| {
        for posts in 0..2 {
            scope.spawn(move || {
                for post in (posts..HITS / HITS_PER_POST).step_by(2) {
                    post_hits(client, post);
                }
            });
        }
    });
    let posted = Instant::now();
    let (mut behind, mut counted) = (0, 0);
    while counted < HITS {
        assert!(posted.elapsed() < COUNTED_WITHIN, "{counted} are counted");
        let answer = client.ask(QUESTION).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["coverage"], 1.0, "{answer}");
        let now = answer["totalRequests"].as_u64().unwrap();
        assert!(now >= counted, "{now} after {counted}");
        assert_eq!(
            now < HITS,
            is_behind(&answer),
            "{now}: {}",
            answer["behind"]
        );
        (behind, counted) = (behind + u64::from(now < HITS), now);
        thread::sleep(Duration::from_secs(4));
    }
    let memory = process.memory_peak_kib();
    println!(
        "{:?}, {behind} answers behind, {memory} KiB",
        posted.elapsed()
    );
    assert!(behind > 0, "there was a backlog");
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");
}

/// Whether an answer is behind. If it is, its warnings must say so, too.
fn is_behind(answer: &Value) -> bool {
    let behind = &answer["behind"];
    if behind.is_null() {
        return false;
    }
    let batches = behind["batches"].as_u64().unwrap();
    assert!(batches > 0, "{behind}");
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("not counted yet"), "{warnings}");
    true
}

fn post_hits(client: &Client, post: u64) {
    let mut lines = String::new();
    for hit in post * HITS_PER_POST..(post + 1) * HITS_PER_POST {
        let ip = hit % IPS;
        let (high, low) = (ip / 256, ip % 256);
        writeln!(
            lines,
            r#"{{"ip":"10.0.{high}.{low}","method":"GET","path":"/scan/{hit}","status":404}}"#
        )
        .unwrap();
    }
    let answer = client
        .collect_lines(&format!("scan-{post}"), &lines)
        .unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[test]
fn a_post_and_an_old_answer_are_given_while_a_fold_of_a_slow_store_goes_on_behind_them() {
    let store = Moody::default();
    let app = App::start_with(|config| config.store_layer = Some(store.layer()));
    let ips = (0..10_000).map(
        |i| json!({"ip": format!("10.1.{}.{}", i / 256, i % 256), "method": "GET", "path": "/"}),
    );
    let hits = Value::from_iter(ips).to_string();
    let client = app.client(Duration::from_secs(60));
    assert_eq!(client.collect("first", &hits).unwrap().status, 202);
    assert_eq!(
        app.json("/admin/global-stats?timeRange=1h")["totalRequests"],
        10_000
    );
    // Each batch begins a fold that rewrites 10,000 states. In a slow store, this takes some
    // seconds.
    store.set_mood(Mood::Slow(30));
    let before = store.calls();
    for batch in 0..5 {
        let began = Instant::now();
        let answer = client.collect(&format!("batch-{batch}"), &hits).unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        let began = Instant::now();
        let answer = client
            .ask_with("/admin/global-stats?timeRange=1h", &[])
            .unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    // A fold is under way. It must finish without another request.
    let deadline = Instant::now() + Duration::from_secs(60);
    while app.json("/admin/aggregator-status")["recordedHits"] != 60_000 {
        assert!(Instant::now() < deadline, "it never ends");
        thread::sleep(Duration::from_millis(200));
    }
    assert!(store.calls() - before > 100, "{}", store.calls() - before);
}

#[test]
fn what_was_replaced_is_deleted_though_nobody_calls_and_a_damaged_plan_stops_no_fold() {
    let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/"});
    let [(mut app, store), (damaged_app, damaged)] = [(); 2].map(|()| {
        let store = Moody::default();
        let app = App::start_with(|config| config.store_layer = Some(store.layer()));
        for hits in 1..=2 {
            app.record(&hit);
            let stats = app.json("/admin/global-stats");
            assert_eq!(stats["totalRequests"], hits);
        }
        (app, store)
    });
    let keys = |app: &App, store: &Moody| app.runtime().block_on(store.inner().keys()).unwrap();
    let is_first = |key: &String| {
        let is_of = |kind: &str| key.starts_with(kind) && key.ends_with(":1");
        key.starts_with("ip:1:") || is_of("shard:") || is_of("root:")
    };
    let first = |app: &App, store: &Moody| keys(app, store).into_iter().filter(is_first).collect();
    let replaced: Vec<String> = first(&app, &store);
    assert!(
        replaced.contains(&"ip:1:192.0.2.1".to_owned()),
        "{replaced:?}"
    );
    let damage = damaged.inner().set("plan:2", &[9]);
    damaged_app.runtime().block_on(damage).unwrap();
    // Nobody calls either app for two minutes.
    let deadline = Instant::now() + Duration::from_secs(150);
    while !Vec::is_empty(&first(&app, &store)) {
        assert!(Instant::now() < deadline, "{:?}", keys(&app, &store));
        thread::sleep(Duration::from_secs(1));
    }
    // A task that sleeps until something is due does not keep the host from ending.
    app.record(&hit);
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 3);
    let began = Instant::now();
    app.restart();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(keys(&damaged_app, &damaged).contains(&"plan:2".to_owned()));
    // More hits than one fold takes.
    let hits = vec![hit; 90_000];
    let client = damaged_app.client(Duration::from_secs(60));
    let lines = Value::from(hits).to_string();
    for batch in 0..12 {
        let answer = client.collect(&format!("batch-{batch}"), &lines).unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while damaged_app.json("/admin/aggregator-status")["recordedHits"] != 1_080_002 {
        assert!(Instant::now() < deadline, "it never ends");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_export_of_a_backlog_is_refused_and_says_how_much_it_would_lack() {
    let store = Moody::default();
    let app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}));
    assert_eq!(app.ask("/admin/export").status, 200);
    app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}));
    // A lease says that another instance folds. No instance does.
    let until_ms = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_millis() as u64
        + 50_000;
    let lease = rollcall_store::value::encode("lease", &(7u64, until_ms)).unwrap();
    app.runtime()
        .block_on(store.inner().set("lease", &lease))
        .unwrap();
    let answer = app.ask("/admin/export");
    assert_eq!(answer.status, 503, "{answer:?}");
    let told = answer.json()["detail"].to_string();
    assert!(
        told.contains("1 recorded batch is not counted yet; it came"),
        "{told}"
    );
    assert!(answer.header("retry-after").is_some());
    // A question is answered. The answer says how many batches it lacks.
    let stats = app.json("/admin/global-stats");
    assert_eq!(
        (&stats["totalRequests"], &stats["behind"]["batches"]),
        (&json!(1), &json!(1))
    );
}
