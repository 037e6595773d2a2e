//! Hits made by a fixed rule, and the answers to them, worked out from the documentation alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollcall_tests::App;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

#[derive(Clone)]
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

const STATUSES: [Option<i64>; 6] = [Some(200), Some(204), Some(304), Some(404), Some(503), None];

/// Fifteen hundred hits by 60 IPs on 20 paths. Most are from the last three hours. Some are from
/// yesterday, this week and the months before. A few are from last year.
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
            3 => draw(120) * DAY_MS,
            _ => draw(3 * 60) * MINUTE_MS,
        };
        Hit {
            ip: match ip % 5 {
                0 => format!("2001:db8::{ip:x}"),
                _ => format!("198.51.100.{ip}"),
            },
            method: ["GET", "GET", "POST"][draw(3) as usize],
            path: format!("/path/{}", draw(20)),
            status: STATUSES[draw(6) as usize],
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

/// The start of a hit's bucket, by the documentation. `None`: the one bucket for everything older.
pub fn bucket_start(at_ms: i64, now_ms: i64) -> Option<i64> {
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
        "90d" => 90 * DAY_MS,
        _ => 100 * 365 * DAY_MS,
    }
}

pub fn is_within(hit: &Hit, window: &str, now_ms: i64) -> bool {
    match bucket_start(hit.at_ms, now_ms) {
        Some(start_ms) => start_ms >= now_ms - length_ms(window),
        None => window == "all",
    }
}

/// A filter: its text in a URL, and whether it matches a hit.
pub type Filter = (&'static str, fn(&Hit) -> bool);

pub const FILTERS: [Filter; 18] = [
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
    ("ip=2001:db8:0::f&method=GET", |hit| {
        hit.ip == "2001:db8::f" && hit.method == "GET"
    }),
    ("ip=2001:db8::20/123&country=unknown", |hit| {
        let last = hit.ip.strip_prefix("2001:db8::");
        let last = last.and_then(|last| u8::from_str_radix(last, 16).ok());
        hit.country.is_none() && last.is_some_and(|last| (0x20..0x40).contains(&last))
    }),
    ("pathPrefix=/path/1&method=post", |hit| {
        hit.path.starts_with("/path/1") && hit.method == "POST"
    }),
    ("status=4xx&country=de", |hit| {
        hit.class() == "4xx" && hit.country == Some("DE")
    }),
    ("country=unknown&method=GET&pathPrefix=/path/", |hit| {
        hit.country.is_none() && hit.method == "GET"
    }),
    ("status=204", |hit| hit.status == Some(204)),
    ("pathPrefix=/path/1&method=get&status=200", |hit| {
        hit.path.starts_with("/path/1") && hit.method == "GET" && hit.status == Some(200)
    }),
    ("status=unknown", |hit| hit.class() == "unknown"),
    ("pathPrefix=/nowhere", |_| false),
    ("path=!/path/1|/path/2|/healthz", |hit| {
        !["/path/1", "/path/2"].contains(&hit.path.as_str())
    }),
    (
        "ip=!198.51.100.0/28|2001:db8::/32&path=/path/1|/path/3",
        |hit| {
            let last = hit.ip.strip_prefix("198.51.100.");
            let is_out = last.is_some_and(|last| last.parse::<u8>().unwrap() < 16);
            !is_out && !hit.ip.contains(':') && ["/path/1", "/path/3"].contains(&hit.path.as_str())
        },
    ),
    ("method=!get&country=de|unknown", |hit| {
        hit.method != "GET" && [Some("DE"), None].contains(&hit.country)
    }),
    ("status=!2xx|404&pathPrefix=!/path/1|/nowhere", |hit| {
        hit.class() != "2xx" && hit.status != Some(404) && !hit.path.starts_with("/path/1")
    }),
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
    milliseconds(&answer["asOf"])
}

/// The hits that an answer must have counted.
pub fn counted<'a>(hits: &'a [Hit], filter: Filter, window: &str, answer: &Value) -> Vec<&'a Hit> {
    let now_ms = as_of_ms(answer);
    let hits = hits
        .iter()
        .filter(|hit| filter.1(hit) && is_within(hit, window, now_ms));
    hits.collect()
}

/// Whether a filter matches the hit's path and method. The status does not matter.
pub fn lets_path(filter: Filter, hit: &Hit) -> bool {
    let with = |status| Hit {
        status,
        path: hit.path.clone(),
        ip: hit.ip.clone(),
        ..*hit
    };
    STATUSES.into_iter().any(|status| filter.1(&with(status)))
}

/// The hits in each bucket that begins at one of these times, if no other bucket is between them.
pub fn by_bucket(hits: &[&Hit], starts: &[i64], now_ms: i64) -> Vec<u64> {
    let mut counts = vec![0; starts.len()];
    for start_ms in hits
        .iter()
        .filter_map(|hit| bucket_start(hit.at_ms, now_ms))
    {
        let at = starts.partition_point(|start| *start <= start_ms);
        counts[at - 1] += 1;
    }
    counts
}

pub fn milliseconds(time: &Value) -> i64 {
    let time: Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

pub fn is_of_one_status(filter: Filter) -> bool {
    filter.0.contains("status=")
}

/// Checks statuses, errors, bytes and response times.
pub fn check_metrics(told: &Value, hits: &[&Hit], by_status: bool) {
    check_classes(told, hits);
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    for hit in hits {
        let code = hit.status.map(|status| status.to_string());
        *codes.entry(code.unwrap_or("unknown".into())).or_default() += 1;
    }
    assert_eq!(told["statusCodes"], json!(codes), "{told}");
    let rate = errors(hits) as f64 / hits.len().max(1) as f64;
    assert!(is_near(&told["errorRate"], rate), "{told}");
    check_times(
        told,
        &[
            ("p50ResponseTime", 50),
            ("p95ResponseTime", 95),
            ("p99ResponseTime", 99),
        ],
        hits,
        by_status,
    );
    let bytes: i64 = hits.iter().map(|hit| hit.bytes).sum();
    let bytes = (!by_status).then_some(bytes);
    assert_eq!(told["totalBytes"], json!(bytes), "{told}");
}

fn check_classes(told: &Value, hits: &[&Hit]) {
    for class in ["1xx", "2xx", "3xx", "4xx", "5xx", "unknown"] {
        let count = hits.iter().filter(|hit| hit.class() == class).count();
        assert_eq!(told["statusClasses"][class], count, "{class}: {told}");
    }
}

fn errors(hits: &[&Hit]) -> usize {
    hits.iter().filter(|hit| hit.status >= Some(400)).count()
}

fn is_near(told: &Value, expected: f64) -> bool {
    told.as_f64()
        .is_some_and(|told| (told - expected).abs() <= 1e-9 * expected.abs().max(1.0))
}

/// Checks the average response time and some percentiles.
fn check_times(told: &Value, percentiles: &[(&str, usize)], hits: &[&Hit], by_status: bool) {
    let times = hits.iter().filter_map(|hit| hit.time_us);
    let mut times: Vec<i64> = times.filter(|_| !by_status).collect();
    times.sort_unstable();
    if times.is_empty() {
        for name in percentiles.iter().map(|(name, _)| *name) {
            assert!(told[name].is_null(), "{name}: {told}");
        }
        assert!(told["avgResponseTime"].is_null(), "{told}");
        return;
    }
    for (name, percent) in percentiles {
        let rank = (times.len() * percent).div_ceil(100);
        let exact = times[rank - 1] as f64 / 1_000.0;
        let told = told[*name].as_f64().unwrap();
        let fits = told >= exact - 1e-9 && told <= exact * 1.02 + 1e-9;
        assert!(fits, "{name}: {told} for {exact}");
    }
    let average = times.iter().sum::<i64>() as f64 / times.len() as f64 / 1_000.0;
    assert!(is_near(&told["avgResponseTime"], average), "{told}");
}

/// The hits behind an answer, and the conditions on them.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// All recorded hits.
    pub hits: &'a [Hit],
    /// Whether a hit counts.
    pub counts: &'a dyn Fn(&Hit) -> bool,
    pub by_status: bool,
    pub window: &'a str,
    pub now_ms: i64,
}

impl<'a> About<'a> {
    pub fn new(hits: &'a [Hit], filter: &'a Filter, window: &'a str, answer: &Value) -> Self {
        Self {
            hits,
            counts: &filter.1,
            by_status: is_of_one_status(*filter),
            window,
            now_ms: as_of_ms(answer),
        }
    }

    /// The hits that count in a window.
    fn within(self, window: &str) -> Vec<&'a Hit> {
        let counted = self
            .hits
            .iter()
            .filter(|hit| (self.counts)(hit) && is_within(hit, window, self.now_ms));
        counted.collect()
    }

    /// Whether the hit would count with some status.
    fn counts_with_any_status(self, hit: &Hit) -> bool {
        STATUSES.into_iter().any(|status| {
            let hit = Hit {
                status,
                ..hit.clone()
            };
            (self.counts)(&hit)
        })
    }

    /// Checks the counts of three windows.
    fn check_recent(self, told: &Value) {
        for (name, window) in [("last24h", "24h"), ("last7d", "7d"), ("last30d", "30d")] {
            let count = self.within(window).len();
            assert_eq!(told["recentActivity"][name], count, "{name}: {told}");
        }
    }

    /// Checks the times of the first and the last of these hits.
    fn check_seen<'h>(self, told: &Value, hits: impl Iterator<Item = &'h Hit>) {
        let times: BTreeSet<i64> = hits.map(|hit| hit.at_ms).collect();
        for (name, expected) in [("firstSeen", times.first()), ("lastSeen", times.last())] {
            let time = told[name].as_str().map(|text| text.parse().unwrap());
            let time = time.map(Timestamp::as_millisecond);
            assert_eq!(time.as_ref(), expected, "{name}: {told}");
        }
    }

    /// Checks everything that an answer says of a path.
    pub fn check_path(self, told: &Value) {
        let is_mine = |hit: &Hit| told["pathKey"] == hit.key();
        let counts = |hit: &Hit| is_mine(hit) && (self.counts)(hit);
        let mine = About {
            counts: &counts,
            ..self
        };
        let within = mine.within(self.window);
        let callers: BTreeSet<&str> = within.iter().map(|hit| hit.ip.as_str()).collect();
        assert_eq!(told["totalRequests"], within.len(), "{told}");
        assert_eq!(told["uniqueIPs"], callers.len(), "{told}");
        let each = within.len() as f64 / callers.len().max(1) as f64;
        assert!(is_near(&told["avgRequestsPerIP"], each), "{told}");
        check_metrics(told, &within, self.by_status);
        check_countries(told, &within);
        if within.is_empty() {
            return;
        }
        mine.check_recent(told);
        let seen = self.hits.iter();
        self.check_seen(told, seen.filter(|hit| mine.counts_with_any_status(hit)));
    }

    /// Checks everything that an answer says of an IP.
    pub fn check_ip(self, told: &Value) {
        let is_mine = |hit: &Hit| told["ip"] == hit.ip;
        let counts = |hit: &Hit| is_mine(hit) && (self.counts)(hit);
        let mine = About {
            counts: &counts,
            ..self
        };
        let within = mine.within(self.window);
        let keys: BTreeSet<String> = within.iter().map(|hit| hit.key()).collect();
        assert_eq!(told["totalRequests"], within.len(), "{told}");
        assert_eq!(told["uniquePaths"], keys.len(), "{told}");
        check_metrics(told, &within, self.by_status);
        mine.check_recent(told);
        let seen = || {
            let hits = self.hits.iter();
            hits.filter(|hit| mine.counts_with_any_status(hit))
        };
        self.check_seen(told, seen());
        let length_ms = match self.window {
            "all" => seen().map(|hit| self.now_ms - hit.at_ms).max(),
            window => Some(length_ms(window)),
        };
        let minutes = length_ms.unwrap_or(0).max(MINUTE_MS) as f64 / MINUTE_MS as f64;
        let rate = within.len() as f64 / minutes;
        assert!(is_near(&told["requestsPerMinute"], rate), "{told}");
        let country = self.hits.iter().find(|hit| is_mine(hit)).unwrap().country;
        assert_eq!(told["country"], json!(country), "{told}");
    }
}

/// The countries of a path, the most hits first, each with its share.
fn check_countries(told: &Value, hits: &[&Hit]) {
    let expected = ranked(
        hits.iter()
            .map(|hit| hit.country.unwrap_or("unknown").to_owned()),
    );
    let countries = told["topCountries"].as_array().unwrap();
    let found = countries.iter().map(|country| {
        let requests = country["requests"].as_u64().unwrap();
        let share = 100.0 * requests as f64 / hits.len() as f64;
        assert!(is_near(&country["percentage"], share), "{told}");
        (country["country"].as_str().unwrap().to_owned(), requests)
    });
    let found: Vec<(String, u64)> = found.collect();
    let is_sorted = found.is_sorted_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    assert!(is_sorted, "{told}");
    assert_eq!(BTreeMap::from_iter(found), BTreeMap::from_iter(expected));
}

/// Keys by their number of occurrences, the most first. Keys with equal numbers are sorted by name.
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

/// Checks the totals of a timeline, each of its buckets, and the period before.
pub fn check_timeline(told: &Value, hits: &[Hit], filter: Filter, window: &str, now_ms: i64) {
    let bucket_ms = told["bucketMinutes"].as_i64().unwrap() * MINUTE_MS;
    // The status does not matter, as for `firstSeen`.
    let on_paths = hits.iter().filter(|hit| lets_path(filter, hit));
    let mut first_ms: BTreeMap<&str, i64> = BTreeMap::new();
    for hit in on_paths {
        let first = first_ms.entry(hit.ip.as_str()).or_insert(hit.at_ms);
        *first = hit.at_ms.min(*first);
    }
    let hits: Vec<&Hit> = hits.iter().filter(|hit| filter.1(hit)).collect();
    let among = |is_in: &dyn Fn(i64) -> bool| {
        let among = hits
            .iter()
            .filter(|hit| bucket_start(hit.at_ms, now_ms).is_some_and(is_in));
        among.copied().collect::<Vec<&Hit>>()
    };
    let check = |told: &Value, hits: &[&Hit]| {
        assert_eq!(told["errors"], errors(hits), "{told}");
        check_classes(told, hits);
        let percentiles = [
            ("p50ResponseTime", 50),
            ("p95ResponseTime", 95),
            ("p99ResponseTime", 99),
        ];
        check_times(told, &percentiles, hits, is_of_one_status(filter));
    };
    let check_period = |period: &Value, from_ms: i64, to_ms: i64| {
        let mut sum = 0;
        for bucket in period["buckets"].as_array().unwrap() {
            let start_ms = milliseconds(&bucket["start"]);
            assert!((from_ms..to_ms).contains(&start_ms), "{bucket}");
            let is_here = |start| start / bucket_ms * bucket_ms == start_ms;
            let within = among(&is_here);
            let label = format!("{window}, {}: {bucket}", filter.0);
            assert_eq!(bucket["requests"], within.len(), "{label}");
            let ips: BTreeSet<&str> = within.iter().map(|hit| hit.ip.as_str()).collect();
            let is_new = |ip: &&&str| bucket_start(first_ms[**ip], now_ms).is_some_and(is_here);
            assert_eq!(bucket["uniqueIPs"], ips.len(), "{label}");
            assert_eq!(
                bucket["newIPs"],
                ips.iter().filter(is_new).count(),
                "{label}"
            );
            check(bucket, &within);
            sum += within.len();
        }
        sum
    };
    let from_ms = now_ms - length_ms(window);
    let shown = check_period(told, from_ms, now_ms + 1);
    let within = hits.iter().copied();
    let within: Vec<&Hit> = within
        .filter(|hit| is_within(hit, window, now_ms))
        .collect();
    assert_eq!(
        told["totalRequests"],
        within.len(),
        "{window}, {}",
        filter.0
    );
    let before = (window == "all").then(|| within.len() - shown);
    assert_eq!(told["before"].as_u64(), before.map(|before| before as u64));
    check(told, &within);
    let ips = |hits: &[&Hit]| {
        let ips = hits.iter().map(|hit| hit.ip.clone());
        ips.collect::<BTreeSet<String>>().len()
    };
    assert_eq!(told["uniqueIPs"], ips(&within), "{window}, {}", filter.0);
    match window {
        "90d" | "all" => assert!(told["previous"].is_null()),
        _ => {
            let previous = &told["previous"];
            let previous_ms = from_ms - length_ms(window);
            let sum = check_period(previous, previous_ms, from_ms);
            let within = among(&|start| (previous_ms..from_ms).contains(&start));
            assert_eq!(
                (&previous["totalRequests"], sum),
                (&json!(sum), within.len())
            );
            check(previous, &within);
            assert_eq!(
                previous["uniqueIPs"],
                ips(&within),
                "{window}, {}",
                filter.0
            );
        }
    }
}
