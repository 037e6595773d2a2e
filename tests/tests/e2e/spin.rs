//! The app on Spin itself: it loses no hit there, and answers as on the embedded host.
//!
//! If Spin is not installed, the tests say so and end.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use rollcall_tests::{ADMIN, Client, INGEST, questions};

use crate::batches::{body, check_answers, key, record};
use crate::process::{Process, Runtime, is_spin_installed};
use crate::redis::Redis;

#[test]
fn on_spin_every_acknowledged_batch_counts_once_whenever_it_is_killed() {
    const BATCHES: u64 = 400;
    if !is_spin_installed() {
        return;
    }
    let mut spin = Process::start(Runtime::Spin, None);
    let next = AtomicU64::new(0);
    let mut unknown: Vec<u64> = Vec::new();
    for kill_at in [BATCHES / 3, BATCHES * 2 / 3] {
        let client = &spin.client();
        let lost = thread::scope(|scope| {
            let send = || send_until_one_is_not_acknowledged(client, &next, BATCHES);
            let senders: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
            while next.load(SeqCst) < kill_at && !senders.iter().any(|sender| sender.is_finished())
            {
                thread::yield_now();
            }
            spin.kill();
            senders
                .into_iter()
                .filter_map(|sender| sender.join().unwrap())
                .collect::<Vec<u64>>()
        });
        assert!(
            !lost.is_empty(),
            "it was killed in the middle of the import"
        );
        unknown.extend(lost);
        spin.start_again();
    }
    let client = spin.client();
    let rest = next.load(SeqCst)..BATCHES;
    for batch in unknown.into_iter().chain(rest) {
        record(&client, batch);
    }
    check_answers(&client, 0..BATCHES);
    spin.start_again();
    check_answers(&spin.client(), 0..BATCHES);
}

/// Sends one batch after another, until one is not acknowledged. Returns this batch. Nobody knows
/// whether it counts.
fn send_until_one_is_not_acknowledged(
    client: &Client,
    next: &AtomicU64,
    batches: u64,
) -> Option<u64> {
    loop {
        let batch = next.fetch_add(1, SeqCst);
        if batch >= batches {
            return None;
        }
        match client.collect(&key(batch), &body(batch)) {
            Ok(answer) => assert_eq!(answer.status, 202, "{answer:?}"),
            Err(_) => return Some(batch),
        }
    }
}

/// These headers depend on the server and the time, not on the app.
const NOT_COMPARED: [&str; 5] = [
    "age",
    "cache-status",
    "connection",
    "date",
    "transfer-encoding",
];

#[test]
fn spin_and_the_embedded_host_answer_alike() {
    let Some(redis) = is_spin_installed().then(Redis::start).flatten() else {
        return;
    };
    let hosts = [Runtime::Embedded, Runtime::Spin].map(|runtime| redis.process(runtime));
    let clients = hosts.each_ref().map(Process::client);
    let check = |status, method: &str, headers: &[(&str, &str)], path: &str, body: &[u8]| {
        let [embedded, spin] = clients.each_ref().map(|client| {
            let mut answer = client.send(method, path, headers, body).unwrap();
            let headers = &mut answer.headers;
            headers.retain(|(name, _)| !NOT_COMPARED.contains(&name.as_str()));
            headers.sort();
            (answer.status, answer.headers, answer.body)
        });
        assert_eq!(embedded, spin, "{method} {path} {headers:?}");
        assert_eq!(embedded.0, status, "{method} {path} {headers:?}");
    };
    let [admin, ingest] = [ADMIN, INGEST].map(|token| format!("Bearer {token}"));
    let admin = ("authorization", admin.as_str());
    let ingest = ("authorization", ingest.as_str());
    let json = ("content-type", "application/json");

    let hit = br#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
    check(202, "POST", &[ingest, json], "/collect", hit);
    let too_much = vec![b' '; 10 * 1024 * 1024 + 1];
    check(413, "POST", &[ingest, json], "/collect", &too_much);
    for body in [b"[]".as_slice(), b"{", b"\xff"] {
        check(400, "POST", &[ingest, json], "/collect", body);
    }
    let csv = ("content-type", "text/csv");
    check(415, "POST", &[ingest, csv], "/collect", hit);
    check(401, "POST", &[admin, json], "/collect", hit);
    check(403, "POST", &[], "/admin/sign-in", b"token=wrong");

    // The first host keeps the answer, and the second one finds it. An export is not kept, and its
    // metadata has a time.
    for (_, path) in questions() {
        let path = match path.as_str() {
            "/admin/export" => "/admin/export?includeMetadata=false",
            path => path,
        };
        // Both have the folder of spin.toml, which has no OpenAPI file.
        let status = if path == "/admin/api-usage" { 404 } else { 200 };
        check(status, "GET", &[admin], path, b"");
        check(401, "GET", &[], path, b"");
        check(405, "POST", &[admin], path, b"");
    }
    let asked = [
        (400, "/admin/global-stats?timeRange=2h&limit=0"),
        (400, "/admin/ips/nobody"),
        (400, "/admin/paths"),
        (400, "/admin/export?format=xml"),
        (400, "/admin/global-stats?ip=10.0.0.1%2F33"),
        (404, "/admin/ips/203.0.113.77"),
        (404, "/admin/unknown"),
        (404, "/admin//global-stats"),
        (404, "/admin/%67lobal-stats"),
        (200, "/admin/export?format=csv"),
        (200, "/admin/export?format=ndjson&compression=true"),
        (200, "/admin/docs"),
        (200, "/admin/openapi.json"),
        (200, "/admin/assets/dashboard.css"),
    ];
    for (status, path) in asked {
        check(status, "GET", &[admin], path, b"");
    }
    let html = ("accept", "text/html");
    for (status, path) in [
        (200, "/admin/sign-in"),
        (303, "/admin/"),
        (303, "/admin"),
        (303, "/"),
        (200, "/healthz"),
    ] {
        check(status, "GET", &[html], path, b"");
    }
    // Paths for calls between components, and paths that do not exist.
    for path in [
        "/take-snapshot",
        "/status-and-traffic",
        "/collector",
        "/healthz/x",
    ] {
        check(404, "POST", &[admin], path, b"");
    }
}
