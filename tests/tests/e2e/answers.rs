//! Sends an access log, and compares the answers with a plain count of its lines.
//!
//! The log is made by a fixed rule. A few IPs call much, and most call little. All IPs share the
//! paths.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rollcall_tests::App;
use serde_json::Value;

struct Line {
    ip: String,
    path: String,
    status: u16,
    bytes: u64,
}

/// Two thousand lines over the last three hours, by 137 IPs on 41 paths.
fn lines() -> Vec<Line> {
    let mut seed = 42u64;
    let mut draw = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // The smaller of two draws. So few values are drawn often.
        ((seed >> 33) % below).min((seed >> 13) % below)
    };
    let line = |_| {
        let ip = 1 + draw(137);
        let address = if ip % 5 == 0 {
            format!("2001:db8::{ip:x}")
        } else {
            format!("198.51.100.{ip}")
        };
        Line {
            ip: address,
            path: format!("/path/{}", draw(41)),
            status: [200, 200, 200, 304, 404, 500][draw(6) as usize],
            bytes: draw(100_000),
        }
    };
    (0..2_000).map(line).collect()
}

fn access_log(lines: &[Line]) -> String {
    let now = Timestamp::now();
    let each = lines.iter().enumerate().map(|(i, line)| {
        let at = (now - SignedDuration::from_secs(5 * i as i64)).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
        let Line { ip, path, status, bytes } = line;
        format!("{ip} - - [{at}] \"GET {path}?i={i} HTTP/1.1\" {status} {bytes} \"-\" \"agent, \\\"{i}\\\"\"\n")
    });
    each.collect()
}

/// Keys by their number of occurrences, the most first. Keys with equal numbers are sorted by name.
fn ranked<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    let mut ranked: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(key, count)| (key.to_owned(), count))
        .collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked
}

fn told(list: &Value, key: &str) -> Vec<(String, u64)> {
    let entry = |entry: &Value| {
        (
            entry[key].as_str().unwrap().to_owned(),
            entry["totalRequests"].as_u64().unwrap(),
        )
    };
    list.as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn totals_rankings_and_exports_are_those_of_a_plain_count() {
    // Batches are small, so that there are more batches than may be in flight at once.
    let app = App::start_with(|config| {
        config.variables.insert("batch_size".into(), "7".into());
        config.variables.insert("fanout_limit".into(), "3".into());
    });
    let lines = lines();
    for part in lines.chunks(150) {
        assert_eq!(
            app.collect("text/plain", &access_log(part), &[]).status,
            202
        );
    }

    let stats = app.json("/admin/global-stats?timeRange=24h");
    let ips: BTreeSet<&str> = lines.iter().map(|line| line.ip.as_str()).collect();
    let paths: BTreeSet<&str> = lines.iter().map(|line| line.path.as_str()).collect();
    let pairs: BTreeSet<(&str, &str)> = lines
        .iter()
        .map(|line| (line.ip.as_str(), line.path.as_str()))
        .collect();
    let bytes: u64 = lines.iter().map(|line| line.bytes).sum();
    assert_eq!(stats["totalRequests"], 2_000);
    assert_eq!(stats["uniqueIPs"], ips.len());
    assert_eq!(stats["totalActiveDOs"], ips.len());
    assert_eq!(stats["uniquePaths"], paths.len());
    assert_eq!(stats["totalPaths"], pairs.len());
    assert_eq!(stats["totalBytes"], bytes);
    let errors = lines.iter().filter(|line| line.status >= 400).count();
    assert_eq!(stats["errorRate"], errors as f64 / 2_000.0);

    let top = app.json("/admin/top-paths?limit=100");
    let expected = ranked(lines.iter().map(|line| line.path.as_str()));
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(path, count)| (format!("GET {path}"), count))
        .collect();
    let mut found = told(&top["paths"], "pathKey");
    assert_eq!(found.len(), expected.len());
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut by_key = expected.clone();
    by_key.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    assert_eq!(found, by_key);

    let top = app.json("/admin/top-ips?limit=100");
    let expected = ranked(lines.iter().map(|line| line.ip.as_str()));
    assert_eq!(told(&top["ips"], "ip"), expected[..100]);

    let csv = app.ask("/admin/export?format=csv&dateRange=1d");
    let mut reader = csv::Reader::from_reader(csv.body.as_slice());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (count, bytes_column, errors_column) = (column("count"), column("bytes"), column("errors"));
    let mut sums = [0u64; 3];
    let mut rows = BTreeSet::new();
    for record in reader.records() {
        let record = record.unwrap();
        for (sum, at) in sums.iter_mut().zip([count, bytes_column, errors_column]) {
            *sum += record[at].parse::<u64>().unwrap();
        }
        assert!(
            record[column("userAgent")].starts_with("agent, \""),
            "quotes and commas survive"
        );
        rows.insert((
            record[column("ip")].to_owned(),
            record[column("pathKey")].to_owned(),
        ));
    }
    assert_eq!(sums, [2_000, bytes, errors as u64]);
    assert_eq!(rows.len(), pairs.len(), "a row for each IP and path");
}

#[test]
fn each_window_holds_the_hits_that_the_documentation_says() {
    let app = App::start();
    let hours_ago = [0, 5, 30, 5 * 24, 20 * 24, 60 * 24, 200 * 24];
    let hits: Vec<Value> = hours_ago
        .iter()
        .map(|hours| {
            let at = Timestamp::now() - SignedDuration::from_hours(*hours);
            serde_json::json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "timestamp": at.to_string()})
        })
        .collect();
    app.record(&Value::from(hits));
    for (window, expected) in [
        ("1h", 1),
        ("24h", 2),
        ("7d", 4),
        ("30d", 5),
        ("90d", 6),
        ("all", 7),
    ] {
        let stats = app.json(&format!("/admin/global-stats?timeRange={window}"));
        assert_eq!(stats["totalRequests"], expected, "{window}");
    }
}
