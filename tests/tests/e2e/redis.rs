//! The app on a real Redis: alone, on two hosts at once, and while Redis does not answer.
//!
//! Each test has a Redis of its own. If `redis-server` is not installed, the tests say so and end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rollcall_host::{HostConfig, KeyValue};
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::Moody;
use rollcall_tests::{Answer, App, Client, PATIENCE, questions, workspace};
use tempfile::TempDir;

use crate::batches::{HITS_PER_BATCH, answer, body, check_answers, key, record, total};
use crate::plain_count::{self, hits};
use crate::process::{Process, Runtime, is_spin_installed};
use crate::{cache, filters, intervals, limits};

/// A Redis for this test alone. It is killed when it is dropped.
pub struct Redis {
    port: u16,
    folder: TempDir,
    server: Option<Child>,
    is_kept: bool,
}

impl Redis {
    /// A Redis that keeps nothing on disk, so that a test is fast. All other settings are those
    /// that `deploy/` gives it. `None`: `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(false)
    }

    /// A Redis with the settings that `deploy/` gives it: it writes to disk before it answers.
    pub fn start_durable() -> Option<Self> {
        Self::start_with(true)
    }

    fn start_with(is_kept: bool) -> Option<Self> {
        if !rollcall_tests::is_installed("redis-server") {
            rollcall_tests::skipped("redis: redis-server is not installed");
            return None;
        }
        let mut redis = Self {
            port: 0,
            folder: TempDir::new().unwrap(),
            server: None,
            is_kept,
        };
        // Another process may take the free port first.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            redis.port = free.local_addr().unwrap().port();
            drop(free);
            if redis.boot() {
                fs::write(
                    redis.runtime_config(),
                    format!(
                        "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:{}/0\"\n",
                        redis.port
                    ),
                )
                .unwrap();
                return Some(redis);
            }
        }
        panic!("redis-server does not start");
    }

    /// Starts the server on its port, and waits until it answers. False: the server ended.
    fn boot(&mut self) -> bool {
        let mut server = Command::new("redis-server");
        server
            .arg(workspace().join("deploy/kubernetes/redis/redis.conf"))
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.folder.path());
        if !self.is_kept {
            server.args(["--appendonly", "no"]);
        }
        let mut server = server
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.is_answered_by(server.id()) {
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            sleep(Duration::from_millis(10));
        }
        self.server = Some(server);
        true
    }

    /// Whether this process is ready and answers on the port. Another process may have taken the
    /// port.
    fn is_answered_by(&self, process: u32) -> bool {
        let is_ready = self.say("PING").is_ok_and(|said| said == "+PONG");
        let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        // After its answer to QUIT, Redis closes the connection.
        let asked = connection.write_all(b"INFO server\r\nQUIT\r\n");
        let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
        is_ready && asked.is_ok() && lines.any(|line| line == format!("process_id:{process}"))
    }

    /// Sends one command to Redis itself, and returns the first line of the answer.
    fn say(&self, command: &str) -> io::Result<String> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        connection.write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(connection).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The value of a setting, as Redis itself tells it.
    fn setting(&self, name: &str) -> String {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let asked = format!("CONFIG GET {name}\r\nQUIT\r\n");
        connection.write_all(asked.as_bytes()).unwrap();
        // An array of the name and the value, each behind a line with its length.
        let mut lines = BufReader::new(connection).lines();
        lines.nth(4).unwrap().unwrap()
    }

    /// Stops all answers without closing a connection, like a machine that hangs.
    fn freeze(&self) {
        self.signal("STOP");
    }

    fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.server.as_ref().unwrap().id();
        let kill = format!("kill -{name} {pid}");
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "{kill}");
    }

    /// Ends the server with SIGKILL. Its port and its folder stay.
    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Its host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn runtime_config(&self) -> PathBuf {
        self.folder.path().join("runtime-config.toml")
    }

    /// The app, in this process, on this Redis.
    pub fn app(&self, change: impl FnOnce(&mut HostConfig)) -> App {
        App::start_with(|config| {
            config.runtime_config = Some(self.runtime_config());
            change(config);
        })
    }

    /// The app, in a process of its own, on this Redis.
    pub fn process(&self, runtime: Runtime) -> Process {
        Process::start(runtime, Some(self.runtime_config()))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn on_redis_the_answers_are_those_of_a_plain_count() {
    let Some(redis) = Redis::start() else { return };
    // Batches of IPs are small, so that one question reads many of them.
    let app = redis.app(|config| {
        config.variables.insert("batch_size".into(), "7".into());
        config.variables.insert("fanout_limit".into(), "3".into());
    });
    let client = app.client(PATIENCE);
    for batch in 0..120 {
        record(&client, batch);
        // The hits are folded in several steps. Each fold builds on the one before.
        if batch % 40 == 17 {
            check_answers(&client, 0..batch + 1);
        }
    }
    check_answers(&client, 0..120);
    let keys = redis.say("DBSIZE").unwrap();
    let keys: u64 = keys.strip_prefix(':').unwrap().parse().unwrap();
    assert!(keys > 83, "the data is on Redis, and there are {keys} keys");
}

#[test]
fn on_redis_every_filter_window_and_interval_gives_a_plain_count_both_ways() {
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|_| ());
    let hits = hits();
    plain_count::record(&app, &hits);
    filters::check_totals(&app, &hits);
    filters::check_top_paths(&app, &hits);
    filters::check_top_ips(&app, &hits);
    intervals::check_intervals(&app, &hits);
    let verified = app.order("/admin/verify");
    assert_eq!(verified["agrees"], true, "{verified}");
}

#[test]
fn on_redis_the_hits_of_ips_that_leave_stay_in_the_sums() {
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|config| {
        config.variables.insert("max_ips".into(), "50000".into());
    });
    limits::check_eviction(&app);
}

/// Sends a batch until it is acknowledged. After a failure, sends it to the other host, like a
/// gateway with two addresses. Returns the number of failures.
fn send_until_acknowledged(hosts: [&Client; 2], batch: u64) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    for (failed, host) in hosts.into_iter().cycle().enumerate() {
        match host.collect(&key(batch), &body(batch)) {
            Ok(answer) if answer.status == 202 => return failed as u64,
            Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
            Err(_) => sleep(Duration::from_millis(5)),
        }
        assert!(Instant::now() < deadline, "batch {batch} is not taken");
    }
    unreachable!("the hosts are asked in turn without end");
}

#[test]
fn two_hosts_share_a_redis_one_is_killed_and_every_acknowledged_batch_counts_once() {
    is_shared_with_one_that_is_killed(Runtime::Embedded);
}

#[test]
fn spin_and_a_host_share_a_redis_spin_is_killed_and_every_acknowledged_batch_counts_once() {
    if is_spin_installed() {
        is_shared_with_one_that_is_killed(Runtime::Spin);
    }
}

fn is_shared_with_one_that_is_killed(runtime: Runtime) {
    const BATCHES: u64 = 600;
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|_| {});
    let mut other = redis.process(runtime);
    let (here, there) = (&app.client(PATIENCE), &other.client());
    let [next, started, acknowledged, failed, answers] = [const { AtomicU64::new(0) }; 5];
    let is_done = AtomicBool::new(false);

    thread::scope(|scope| {
        let import = || {
            loop {
                let batch = next.fetch_add(1, SeqCst);
                if batch >= BATCHES {
                    return;
                }
                started.fetch_add(1, SeqCst);
                let send = |hosts| failed.fetch_add(send_until_acknowledged(hosts, batch), SeqCst);
                match batch % 3 {
                    0 => send([here, there]),
                    1 => send([there, here]),
                    // The same batch goes to both hosts at once.
                    _ => thread::scope(|twins| {
                        twins.spawn(|| send([here, there]));
                        send([there, here])
                    }),
                };
                acknowledged.fetch_add(1, SeqCst);
            }
        };
        let imports: Vec<_> = (0..6).map(|_| scope.spawn(import)).collect();
        let ask = |client: &Client| {
            let path = "/admin/global-stats?timeRange=all";
            while !is_done.load(SeqCst) {
                let at_least = acknowledged.load(SeqCst) * HITS_PER_BATCH;
                // The killed host does not answer any more.
                let Ok(answer) = client.ask(path) else { return };
                let at_most = started.load(SeqCst) * HITS_PER_BATCH;
                assert_eq!(answer.status, 200, "{answer:?}");
                let answer = answer.json();
                // On a busy machine, an answer may lack hits. It says so.
                let at_least = match answer["behind"].is_null() {
                    true => at_least,
                    false => 0,
                };
                let told = answer["totalRequests"].as_u64().unwrap();
                assert!(
                    (at_least..=at_most).contains(&told),
                    "{told} is not in {at_least}..={at_most}"
                );
                answers.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(10));
            }
        };
        let questions = [here, there].map(|client| scope.spawn(move || ask(client)));
        while acknowledged.load(SeqCst) < BATCHES / 2
            && !imports.iter().all(|import| import.is_finished())
        {
            sleep(Duration::from_millis(1));
        }
        other.kill();
        let imported: Vec<_> = imports.into_iter().map(|import| import.join()).collect();
        is_done.store(true, SeqCst);
        let asked: Vec<_> = questions.into_iter().map(|asking| asking.join()).collect();
        assert!(imported.iter().all(Result::is_ok) && asked.iter().all(Result::is_ok));
    });

    assert_eq!(acknowledged.into_inner(), BATCHES);
    assert!(
        failed.into_inner() > 0,
        "the host was killed while it was sent to"
    );
    assert!(
        answers.into_inner() > 2,
        "questions were answered meanwhile"
    );
    check_answers(here, 0..BATCHES);
    let status = answer(here, "/admin/aggregator-status");
    let repeated = status["dropped"]["repeatedBatches"].as_u64().unwrap();
    assert!(
        repeated >= BATCHES / 3,
        "each twin was acknowledged: {status}"
    );
    // A new host gives the same answers.
    check_answers(&redis.process(runtime).client(), 0..BATCHES);
}

#[test]
fn a_batch_sent_to_both_hosts_and_again_after_a_restart_counts_once() {
    let Some(redis) = Redis::start() else { return };
    let mut app = redis.app(|_| {});
    let mut other = redis.process(Runtime::Embedded);
    record(&app.client(PATIENCE), 0);
    // The first copy is not folded when the second one comes.
    record(&other.client(), 0);
    assert_eq!(total(&other.client()), HITS_PER_BATCH);
    // The first copy was folded before this one comes.
    record(&app.client(PATIENCE), 0);
    assert_eq!(total(&app.client(PATIENCE)), HITS_PER_BATCH);
    app.restart();
    record(&app.client(PATIENCE), 0);
    other.kill();
    other = redis.process(Runtime::Embedded);
    record(&other.client(), 0);
    record(&other.client(), 1);
    for client in [app.client(PATIENCE), other.client()] {
        check_answers(&client, 0..2);
        let status = answer(&client, "/admin/aggregator-status");
        assert_eq!(status["dropped"]["repeatedBatches"], 4, "{status}");
    }
}

/// Two hosts in this process on one Redis, and the calls between the components of each.
fn two_hosts(redis: &Redis, calls: [&Calls; 2]) -> [App; 2] {
    calls.map(|calls| redis.app(|config| config.chain_layer = Some(calls.layer())))
}

#[test]
fn a_hundred_equal_questions_at_once_to_two_hosts_are_one_fan_out() {
    let Some(redis) = Redis::start() else { return };
    let (here, there) = (Calls::default(), Calls::default());
    for calls in [&here, &there] {
        // The computation takes long enough for every instance to claim it.
        calls.rule("/take-snapshot", |_| Fate::Call(1_500));
    }
    let hosts = two_hosts(&redis, [&here, &there]);
    hosts[0].record(&cache::hit(0));
    let [here_, there_] = hosts.each_ref().map(|host| host.client(PATIENCE));
    cache::is_one_for_all(&cache::ask_at_once(&[&here_, &there_], 100));
    let computed = [&here, &there].map(|calls| calls.made("/take-snapshot"));
    assert_eq!(computed.iter().sum::<u64>(), 1);
    let claimed = [&here, &there].map(|calls| calls.made("/claim"));
    assert!(!claimed.contains(&0), "both wanted to: {claimed:?}");
}

#[test]
fn a_host_that_is_killed_while_it_computes_holds_the_other_up_for_seconds() {
    let Some(redis) = Redis::start() else { return };
    let (here, there) = (Calls::default(), Calls::default());
    here.rule("/take-snapshot", |_| Fate::Hang);
    let [dying, other] = two_hosts(&redis, [&here, &there]);
    dying.record(&cache::hit(0));
    let [lost, waiting] = [&dying, &other].map(|host| host.client(PATIENCE));
    thread::scope(|scope| {
        let lost = scope.spawn(move || lost.ask_with(cache::STATS, &[]));
        cache::wait_until("it computes", || here.made("/take-snapshot") == 1);
        let asked = scope.spawn(|| cache::ask_at_once(&[&waiting], 20));
        cache::wait_until("the other wants to", || there.made("/claim") > 0);
        // This is longer than a claim holds without being renewed.
        sleep(Duration::from_secs(4));
        assert_eq!(there.made("/take-snapshot"), 0, "it waits");
        let killed = Instant::now();
        drop(dying);
        for answer in asked.join().unwrap() {
            assert_eq!((answer.status, cache::total(&answer)), (200, 1));
        }
        let waited = killed.elapsed();
        assert!(waited < Duration::from_secs(6), "{waited:?}");
        assert!(lost.join().unwrap().is_err(), "nothing of it answers");
    });
}

/// While the store is away, a client must get this answer.
fn check_unavailable(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/problem+json"), "{what}");
    let retry_after = answer.header("retry-after").expect(what);
    assert!(retry_after.parse::<u64>().is_ok(), "{what}: {retry_after}");
    assert_eq!(answer.json()["status"], 503, "{what}");
}

/// An older answer must say that it is stale. Any other answer must be a 503.
fn check_old_or_unavailable(what: &str, answer: &Answer) {
    if answer.status != 200 || answer.json()["stale"] != true {
        check_unavailable(what, answer);
    }
}

/// Ways in which Redis refuses requests or delays them. Each has the command that begins it and the
/// command that ends it.
const AILMENTS: [(&str, &str, &str); 5] = [
    ("full", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    (
        "a replica that is read only",
        "REPLICAOF 127.0.0.1 1",
        "REPLICAOF NO ONE",
    ),
    (
        "without its replica",
        "CONFIG SET min-replicas-to-write 1",
        "CONFIG SET min-replicas-to-write 0",
    ),
    ("not writing", "CLIENT PAUSE 60000 WRITE", "CLIENT UNPAUSE"),
    // This ends by itself. It lasts longer than an append may take, but ends before the router
    // gives up.
    ("slow", "CLIENT PAUSE 6000 ALL", "PING"),
];

#[test]
fn a_redis_that_is_full_or_read_only_or_slow_is_a_503_and_all_is_well_when_it_is_not() {
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|_| {});
    let client = &app.client(PATIENCE);
    let collect = |batch| client.collect(&key(batch), &body(batch)).unwrap();
    for (batch, (what, begin, end)) in (0..).step_by(2).zip(AILMENTS) {
        assert_eq!(collect(batch).status, 202, "{what}");
        let numbers = redis.say("GET log:next").unwrap();
        assert_eq!(redis.say(begin).unwrap(), "+OK", "{what}");
        thread::scope(|scope| {
            scope.spawn(|| {
                let answer = collect(batch + 1);
                // An instance that opens the store waits until Redis answers. Its append comes
                // after that, and may be acknowledged in time.
                if what != "slow" || answer.status != 202 {
                    check_unavailable(what, &answer);
                }
            });
            scope.spawn(|| {
                let answer = client.ask("/admin/global-stats").unwrap();
                // A slow store may still answer in time.
                if what != "slow" || answer.status != 200 {
                    check_old_or_unavailable(what, &answer);
                }
            });
        });
        if !["not writing", "slow"].contains(&what) {
            let taken = redis.say("GET log:next").unwrap();
            assert_eq!(taken, numbers, "{what}: nothing was recorded in part");
        }
        let back = Instant::now();
        assert!(redis.say(end).is_ok(), "{what}");
        send_until_acknowledged([client, client], batch + 1);
        check_answers(client, 0..batch + 2);
        let took = back.elapsed();
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    }
}

#[test]
fn on_redis_getting_many_is_tried_once_an_instance_and_then_values_are_got_at_once() {
    let Some(redis) = Redis::start() else { return };
    let store = Moody::default();
    let app = redis.app(|config| {
        config.store_layer = Some(store.layer());
        config.variables.insert("fanout_limit".into(), "1".into());
        // One or two instances serve all calls, because some calls come while others are in flight.
        // They live on during pauses.
        config.reuse.requests_max = usize::MAX;
        config.reuse.idle_timeout = PATIENCE;
    });
    let client = &app.client(PATIENCE);
    for batch in 0..40 {
        record(client, batch);
        if batch % 10 == 9 {
            check_answers(client, 0..batch + 1);
        }
    }
    // If `get_many` were tried each time, there would be about ninety calls.
    let tried = store.get_manys();
    assert!((1..=5).contains(&tried), "{tried} times");
    let most = store.most_gets_at_once();
    assert!((20..=64).contains(&most), "{most} gets at once");
}

#[test]
fn on_redis_what_is_known_of_a_single_ip_is_read_by_each_instance() {
    let Some(redis) = Redis::start() else { return };
    // Each call gets an instance of its own.
    let app = redis.app(|config| config.reuse.requests_max = 1);
    app.record(&cache::hit(0));
    app.record(&cache::hit(0));
    for (_, path) in questions() {
        assert_ne!(app.ask(&path).status, 503, "{path}");
    }
    let status = app.json("/admin/aggregator-status");
    assert_eq!(status["recordedHits"], 2, "{status}");
    assert_eq!(status["fanOut"]["batchesRetried"], 0, "{status}");
}

#[test]
fn the_host_has_spins_behaviour_on_redis_its_faults_included() {
    let Some(redis) = Redis::start() else { return };
    let mut config = fs::read_to_string(redis.runtime_config()).unwrap();
    config += &config.replace("default", "other");
    fs::write(redis.runtime_config(), config).unwrap();
    let stores: Arc<Mutex<Vec<Arc<dyn KeyValue>>>> = Arc::default();
    let found = stores.clone();
    let app = redis.app(|config| {
        config.store_layer = Some(Arc::new(move |store| {
            found.lock().unwrap().push(store.clone());
            store
        }));
    });
    let stores = stores.lock().unwrap().clone();
    let [one, other] = stores.as_slice() else {
        panic!("two stores are configured")
    };
    app.runtime().block_on(async {
        one.set("a", b"1").await.unwrap();
        assert_eq!(
            other.get("a").await.unwrap().unwrap(),
            b"1",
            "labels share keys"
        );
        assert!(one.exists("a").await.unwrap() && !one.exists("b").await.unwrap());
        assert_eq!(one.get("b").await.unwrap(), None);
        let several = one.get_many(vec!["a".into(), "b".into()]).await;
        assert!(several.is_err(), "KEYS takes one pattern");
        assert!(one.get_many(vec!["b".into()]).await.unwrap().is_empty());
        let store = one.clone();
        let there = tokio::spawn(async move { store.get_many(vec!["a".into()]).await.is_ok() });
        assert!(there.await.unwrap_err().is_panic(), "a key is no pair");
        let pairs = ["b", "c"].map(|key| (key.to_owned(), b"2".to_vec()));
        one.set_many(pairs.into()).await.unwrap();
        one.delete_many(vec!["b".into(), "ghost".into()])
            .await
            .unwrap();
        one.delete("ghost").await.unwrap();
        let keys: BTreeSet<String> = one.keys().await.unwrap().into_iter().collect();
        assert_eq!(keys, ["a".to_owned(), "c".to_owned()].into());
        assert_eq!(one.increment("n", 2).await.unwrap(), 2);
        assert_eq!(other.increment("n", 0).await.unwrap(), 2);
        assert!(
            one.increment("n", i64::MAX).await.is_err(),
            "it would overflow"
        );
        one.set("text", b"x").await.unwrap();
        assert!(one.increment("text", 1).await.is_err(), "it is no counter");
        let swapped = one.swap("a", Some(b"1".to_vec()), b"3".to_vec()).await;
        assert!(!swapped.unwrap(), "a swap says that it failed");
        assert_eq!(
            one.get("a").await.unwrap().unwrap(),
            b"3",
            "though it wrote"
        );
    });
}

/// Longer than the aggregator waits for a snapshot.
const ADMIN_BOUND: Duration = Duration::from_secs(30);
/// Longer than the router waits for the collector.
const COLLECT_BOUND: Duration = Duration::from_secs(10);

#[test]
fn while_redis_hangs_no_admin_question_hangs_and_afterwards_nothing_acknowledged_is_lost() {
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|_| {});
    let client = &app.client(PATIENCE);
    for batch in 0..20 {
        record(client, batch);
    }
    check_answers(client, 0..20);

    redis.freeze();
    let (app_, impatient) = (&app, &app.client(COLLECT_BOUND));
    thread::scope(|scope| {
        for batch in 20..60 {
            scope.spawn(move || {
                let answer = impatient.collect(&key(batch), &body(batch));
                check_unavailable("/collect", &answer.unwrap());
            });
        }
        for (_, path) in questions() {
            scope.spawn(move || {
                let answer = app_.client(ADMIN_BOUND).ask(&path).unwrap();
                check_old_or_unavailable(&path, &answer);
            });
        }
    });
    redis.thaw();

    let back = Instant::now();
    for batch in 20..60 {
        send_until_acknowledged([client, client], batch);
    }
    check_answers(client, 0..60);
    let took = back.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "recovered only after {took:?}"
    );
}

#[test]
fn redis_is_killed_and_started_again_and_nothing_acknowledged_is_lost() {
    let Some(mut redis) = Redis::start_durable() else {
        return;
    };
    let app = redis.app(|_| {});
    let client = &app.client(PATIENCE);
    let next = AtomicU64::new(0);
    let kills = thread::scope(|scope| {
        let import = || {
            loop {
                let batch = next.fetch_add(1, SeqCst);
                if batch >= 300 {
                    return;
                }
                send_until_acknowledged([client, client], batch);
            }
        };
        let imports: Vec<_> = (0..4).map(|_| scope.spawn(import)).collect();
        let mut kills = 0;
        for at in [60, 160] {
            while next.load(SeqCst) < at && !imports.iter().all(|import| import.is_finished()) {
                sleep(Duration::from_millis(1));
            }
            kills += u64::from(next.load(SeqCst) < 300);
            redis.kill();
            // Redis is back before the host tries a second time. After a second failure, the host
            // waits for a minute or two.
            assert!(redis.boot());
        }
        kills
    });
    assert_eq!(kills, 2, "each kill was in the middle of the import");
    check_answers(client, 0..300);
}

#[test]
fn redis_takes_every_setting_that_an_acknowledgement_needs() {
    let Some(redis) = Redis::start_durable() else {
        return;
    };
    let needed = [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("no-appendfsync-on-rewrite", "no"),
        ("maxmemory-policy", "noeviction"),
    ];
    for (setting, value) in needed {
        assert_eq!(redis.setting(setting), value, "{setting}");
    }
}

#[test]
fn while_redis_does_not_answer_collect_says_503_within_a_bounded_time() {
    let Some(mut redis) = Redis::start_durable() else {
        return;
    };
    let app = redis.app(|_| {});
    let client = &app.client(COLLECT_BOUND);
    assert_eq!(client.collect(&key(0), &body(0)).unwrap().status, 202);
    let check = |what: &str, from: u64| {
        thread::scope(|scope| {
            for batch in from..from + 20 {
                scope.spawn(move || {
                    let answer = client.collect(&key(batch), &body(batch));
                    check_unavailable(what, &answer.expect(what));
                });
            }
        });
    };
    redis.freeze();
    check("hanging", 1);
    redis.thaw();
    assert_eq!(client.collect(&key(1), &body(1)).unwrap().status, 202);
    redis.kill();
    check("gone", 100);
}

#[test]
fn three_hundred_gateways_at_once_are_all_answered() {
    const GATEWAYS: u64 = 300;
    const BATCHES_EACH: u64 = 10;
    let Some(redis) = Redis::start() else { return };
    let app = redis.app(|_| {});
    let client = &app.client(COLLECT_BOUND);
    thread::scope(|scope| {
        for gateway in 0..GATEWAYS {
            scope.spawn(move || {
                for batch in gateway * BATCHES_EACH..(gateway + 1) * BATCHES_EACH {
                    // At times this is too much for the machine. The gateway still gets an answer.
                    loop {
                        let answer = client.collect(&key(batch), &body(batch));
                        let answer = answer.expect("an answer, in time");
                        if answer.status == 202 {
                            break;
                        }
                        check_unavailable("/collect", &answer);
                    }
                }
            });
        }
    });
    check_answers(client, 0..GATEWAYS * BATCHES_EACH);
}
