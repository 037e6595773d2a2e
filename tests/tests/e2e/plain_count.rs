//! A plain count: hits made by a fixed rule, and what is counted of them, reckoned by the documentation alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollcall_tests::App;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

pub struct Hit {
    pub ip: String,
    pub method: &'static str,
    pub path: String,
    pub status: Option<i64>,
    pub time_us: Option<i64>,
    pub bytes: i64,
    pub country: Option<&'static str>,
    pub at_ms: i64,
}

impl Hit {
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn class(&self) -> &'static str {
        match self.status.map(|status| status / 100) {
            Some(2) => "2xx",
            Some(3) => "3xx",
            Some(4) => "4xx",
            Some(5) => "5xx",
            _ => "unknown",
        }
    }
}

/// Fifteen hundred hits by 60 IPs on 20 paths: most of the last three hours, some of yesterday and the week before, few of last year.
pub fn hits() -> Vec<Hit> {
    let now_ms = Timestamp::now().as_millisecond();
    let mut seed = 7u64;
    let mut draw = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) % below) as i64
    };
    let hit = |_| {
        let ip = 1 + draw(60);
        let age_ms = match draw(10) {
            0 => draw(48) * HOUR_MS,
            1 => draw(14) * DAY_MS,
            2 if ip % 4 == 0 => 400 * DAY_MS,
            _ => draw(3 * 60) * MINUTE_MS,
        };
        Hit {
            ip: match ip % 5 {
                0 => format!("2001:db8::{ip:x}"),
                _ => format!("198.51.100.{ip}"),
            },
            method: ["GET", "GET", "POST"][draw(3) as usize],
            path: format!("/path/{}", draw(20)),
            status: [Some(200), Some(204), Some(304), Some(404), Some(503), None][draw(6) as usize],
            time_us: (draw(4) > 0).then(|| draw(900_000)),
            bytes: draw(10_000),
            country: [Some("DE"), Some("US"), None][ip as usize % 3],
            at_ms: now_ms - age_ms,
        }
    };
    (0..1_500).map(hit).collect()
}

pub fn record(app: &App, hits: &[Hit]) {
    let hit = |hit: &Hit| {
        json!({
            "ip": hit.ip, "method": hit.method, "path": hit.path, "status": hit.status, "bytes": hit.bytes,
            "responseTimeMs": hit.time_us.map(|us| us as f64 / 1_000.0), "country": hit.country,
            "timestamp": hit.at_ms,
        })
    };
    for part in hits.chunks(400) {
        app.record(&part.iter().map(hit).collect());
    }
}

/// Where the documentation says that a hit's cell starts; `None` is the one cell for all before.
pub fn cell_start(at_ms: i64, now_ms: i64) -> Option<i64> {
    let reaches_back = |kept_ms: i64, unit_ms: i64| at_ms >= (now_ms - kept_ms) / unit_ms * unit_ms;
    let start = |unit_ms: i64| Some(at_ms / unit_ms * unit_ms);
    if reaches_back(2 * HOUR_MS, HOUR_MS) {
        start(5 * MINUTE_MS)
    } else if reaches_back(48 * HOUR_MS, DAY_MS) {
        start(HOUR_MS)
    } else if reaches_back(90 * DAY_MS, DAY_MS) {
        start(DAY_MS)
    } else {
        None
    }
}

pub fn length_ms(window: &str) -> i64 {
    match window {
        "1h" => HOUR_MS,
        "24h" | "1d" => DAY_MS,
        "7d" => 7 * DAY_MS,
        "30d" => 30 * DAY_MS,
        _ => 100 * 365 * DAY_MS,
    }
}

pub fn is_within(hit: &Hit, window: &str, now_ms: i64) -> bool {
    match cell_start(hit.at_ms, now_ms) {
        Some(start_ms) => start_ms >= now_ms - length_ms(window),
        None => window == "all",
    }
}

/// A filter as it is asked for, and what it lets through.
pub type Filter = (&'static str, fn(&Hit) -> bool);

pub const FILTERS: [Filter; 10] = [
    ("", |_| true),
    ("ip=198.51.100.0/28", |hit| {
        hit.ip
            .strip_prefix("198.51.100.")
            .is_some_and(|last| last.parse::<u8>().unwrap() < 16)
    }),
    ("ip=2001:db8::/32&status=5xx", |hit| {
        hit.ip.contains(':') && hit.class() == "5xx"
    }),
    ("ip=198.51.100.7", |hit| hit.ip == "198.51.100.7"),
    ("pathPrefix=/path/1&method=post", |hit| {
        hit.path.starts_with("/path/1") && hit.method == "POST"
    }),
    ("status=4xx&country=de", |hit| {
        hit.class() == "4xx" && hit.country == Some("DE")
    }),
    ("country=unknown&method=GET&pathPrefix=/path/", |hit| {
        hit.country.is_none() && hit.method == "GET"
    }),
    ("status=unknown", |hit| hit.class() == "unknown"),
    ("pathPrefix=/nowhere", |_| false),
    (
        "ip=198.51.0.0/16&pathPrefix=/path/&method=GET&status=2xx&country=US",
        |hit| {
            hit.ip.starts_with("198.51.")
                && hit.method == "GET"
                && hit.class() == "2xx"
                && hit.country == Some("US")
        },
    ),
];

/// Asks with a filter.
pub fn ask(app: &App, path: &str, filter: &str) -> Value {
    app.json(&format!("/admin/{path}&{filter}"))
}

pub fn as_of_ms(answer: &Value) -> i64 {
    let as_of: Timestamp = answer["asOf"].as_str().unwrap().parse().unwrap();
    as_of.as_millisecond()
}

/// The hits that an answer must have counted.
pub fn counted<'a>(hits: &'a [Hit], filter: Filter, window: &str, answer: &Value) -> Vec<&'a Hit> {
    let now_ms = as_of_ms(answer);
    let hits = hits
        .iter()
        .filter(|hit| filter.1(hit) && is_within(hit, window, now_ms));
    hits.collect()
}

/// Whether a filter lets a hit's path and method through, whatever its status.
pub fn lets_path(filter: Filter, hit: &Hit) -> bool {
    let statuses = [Some(200), Some(304), Some(404), Some(503), None];
    let with = |status| Hit {
        status,
        path: hit.path.clone(),
        ip: hit.ip.clone(),
        ..*hit
    };
    statuses.into_iter().any(|status| filter.1(&with(status)))
}

pub fn is_of_one_class(filter: Filter) -> bool {
    filter.0.contains("status=")
}

/// Status classes, errors, bytes and response times.
pub fn check_metrics(told: &Value, hits: &[&Hit], by_class: bool) {
    for class in ["1xx", "2xx", "3xx", "4xx", "5xx", "unknown"] {
        let count = hits.iter().filter(|hit| hit.class() == class).count();
        assert_eq!(told["statusClasses"][class], count, "{class}: {told}");
    }
    let errors = hits.iter().filter(|hit| hit.status >= Some(400)).count();
    let rate = errors as f64 / hits.len().max(1) as f64;
    assert!((told["errorRate"].as_f64().unwrap() - rate).abs() < 1e-9);
    if by_class {
        for name in ["totalBytes", "avgResponseTime", "p95ResponseTime"] {
            assert!(told[name].is_null(), "{name}: {told}");
        }
        return;
    }
    let bytes: i64 = hits.iter().map(|hit| hit.bytes).sum();
    assert_eq!(told["totalBytes"], bytes, "{told}");
    let mut times: Vec<i64> = hits.iter().filter_map(|hit| hit.time_us).collect();
    times.sort_unstable();
    for (name, percent) in [
        ("p50ResponseTime", 50),
        ("p95ResponseTime", 95),
        ("p99ResponseTime", 99),
    ] {
        let rank = (times.len() * percent).div_ceil(100);
        let exact = rank.checked_sub(1).map(|at| times[at] as f64 / 1_000.0);
        match (told[name].as_f64(), exact) {
            (Some(told), Some(exact)) => {
                let fits = told >= exact - 1e-9 && told <= exact * 1.125 + 1e-9;
                assert!(fits, "{name}: {told} for {exact}");
            }
            (told, exact) => assert_eq!(told, exact, "{name}"),
        }
    }
    let average = times.iter().sum::<i64>() as f64 / times.len() as f64 / 1_000.0;
    match told["avgResponseTime"].as_f64() {
        Some(told) => assert!((told - average).abs() < 1e-6),
        None => assert!(times.is_empty()),
    }
}

/// Keys by how often they are there, most first, equals by key.
pub fn ranked(keys: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked
}

pub fn told(list: &Value, key: &str) -> Vec<(String, u64)> {
    let entry = |entry: &Value| {
        let key = entry[key].as_str().unwrap().to_owned();
        (key, entry["totalRequests"].as_u64().unwrap())
    };
    list.as_array().unwrap().iter().map(entry).collect()
}

/// The totals of a timeline, each of its buckets, and the period before.
pub fn check_timeline(told: &Value, hits: &[Hit], filter: Filter, window: &str, now_ms: i64) {
    let bucket_ms = told["bucketMinutes"].as_i64().unwrap() * MINUTE_MS;
    let cells: Vec<(i64, &str)> = hits
        .iter()
        .filter(|hit| filter.1(hit))
        .filter_map(|hit| Some((cell_start(hit.at_ms, now_ms)?, hit.ip.as_str())))
        .collect();
    let check = |period: &Value, from_ms: i64, to_ms: i64, before: u64| {
        let mut sum = before;
        for bucket in period["buckets"].as_array().unwrap() {
            let start: Timestamp = bucket["start"].as_str().unwrap().parse().unwrap();
            let start_ms = start.as_millisecond();
            assert!((from_ms..to_ms).contains(&start_ms), "{bucket}");
            let within = |(cell, _): &&(i64, &str)| cell / bucket_ms * bucket_ms == start_ms;
            let count = cells.iter().filter(within).count();
            assert_eq!(
                bucket["requests"], count,
                "{window}, {}: {bucket}",
                filter.0
            );
            sum += count as u64;
        }
        assert_eq!(period["totalRequests"], sum);
        if before == 0 {
            let cells = cells.iter();
            let within = cells.filter(|(cell, _)| (from_ms..to_ms).contains(cell));
            let ips: BTreeSet<&str> = within.map(|(_, ip)| *ip).collect();
            assert_eq!(period["uniqueIPs"], ips.len(), "{window}, {}", filter.0);
        }
    };
    let from_ms = now_ms - length_ms(window);
    check(
        told,
        from_ms,
        now_ms + 1,
        told["before"].as_u64().unwrap_or(0),
    );
    match window {
        "90d" | "all" => assert!(told["previous"].is_null()),
        _ => check(&told["previous"], from_ms - length_ms(window), from_ms, 0),
    }
}
