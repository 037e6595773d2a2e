//! Batches of hits, made by a rule, and the plain count of their hits.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use rollcall_tests::{Client, PATIENCE};
use serde_json::{Value, json};

/// The number of hits of each IP and path.
type Counts = BTreeMap<(String, String), u64>;

pub const HITS_PER_BATCH: u64 = 5;

/// The hits of a batch. By the rule, batches share IPs and paths.
fn hits(batch: u64) -> Vec<(String, String)> {
    let hit = |i| {
        let ip = (batch * 13 + i * 7) % 83;
        let address = match ip % 5 {
            0 => format!("2001:db8::{:x}", ip + 1),
            _ => format!("198.51.100.{}", ip + 1),
        };
        (address, format!("/path/{}", (batch * 3 + i) % 29))
    };
    (0..HITS_PER_BATCH).map(hit).collect()
}

pub fn body(batch: u64) -> String {
    let hits = hits(batch).into_iter();
    let hits = hits.map(|(ip, path)| json!({"ip": ip, "method": "GET", "path": path, "bytes": 3}));
    Value::from_iter(hits).to_string()
}

/// Counts the hits of the batches.
fn count(batches: impl Iterator<Item = u64>) -> Counts {
    let mut counts = Counts::new();
    for (ip, path) in batches.flat_map(hits) {
        *counts.entry((ip, format!("GET {path}"))).or_default() += 1;
    }
    counts
}

/// Compares the app's answers with a plain count, in which each batch counts once.
pub fn check_answers(client: &Client, batches: impl Iterator<Item = u64>) {
    let expected = count(batches);
    let total: u64 = expected.values().sum();
    let ips: BTreeSet<&String> = expected.keys().map(|(ip, _)| ip).collect();
    let paths: BTreeSet<&String> = expected.keys().map(|(_, path)| path).collect();
    // If many hits were just recorded, an answer may be behind, and says so.
    let deadline = Instant::now() + PATIENCE;
    let stats = loop {
        let stats = answer(client, "/admin/global-stats?timeRange=24h");
        if stats["behind"].is_null() {
            break stats;
        }
        assert!(Instant::now() < deadline, "{stats}");
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(stats["totalRequests"], total, "{stats}");
    assert_eq!(stats["uniqueIPs"], ips.len(), "{stats}");
    assert_eq!(stats["uniquePaths"], paths.len(), "{stats}");
    assert_eq!(stats["totalPaths"], expected.len(), "{stats}");
    assert_eq!(stats["totalBytes"], 3 * total, "{stats}");
    assert_eq!(stats["coverage"], 1.0, "{stats}");

    let rows = answer(client, "/admin/export?dateRange=1d&includeMetadata=false");
    let rows = rows.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told: Vec<_> = rows
        .map(|row| {
            let key = (text(&row["ip"]), text(&row["pathKey"]));
            (key, row["count"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told.len(), expected.len(), "a row for each IP and path");
    assert_eq!(Counts::from_iter(told), expected);

    let status = answer(client, "/admin/aggregator-status");
    assert_eq!(status["recordedHits"], total, "{status}");
}

/// Sends a batch. It must be acknowledged.
pub fn record(client: &Client, batch: u64) {
    let answer = client.collect(&key(batch), &body(batch)).unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// Asks the admin API. The answer must be a 200.
pub fn answer(client: &Client, path: &str) -> Value {
    let answer = client.ask(path).unwrap();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

pub fn total(client: &Client) -> u64 {
    let stats = answer(client, "/admin/global-stats?timeRange=all");
    stats["totalRequests"].as_u64().unwrap()
}

pub fn key(batch: u64) -> String {
    format!("batch-{batch}")
}
