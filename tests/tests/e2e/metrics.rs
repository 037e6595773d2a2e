//! The metrics: the values in a scrape, who may scrape, and what a scrape never does.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use openmetrics_parser::openmetrics::parse_openmetrics;
use openmetrics_parser::{OpenMetricsType, OpenMetricsValue};
use rollcall_store::LAYOUT;
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{ADMIN, Answer, App, workspace};
use serde_json::{Value, json};

const METRICS: &str = "/admin/metrics";

/// A scrape: each series as it is written, and its value.
type Series = BTreeMap<String, f64>;

/// The type and unit of each family, by its name.
type Families = BTreeMap<String, (String, String)>;

fn scrape(app: &App) -> Answer {
    let answer = app.ask_with(METRICS, &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn series(app: &App) -> Series {
    let text = scrape(app).text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|sample| {
            let (series, value) = sample.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// The families of a text. The text must keep all rules of OpenMetrics.
fn families(text: &str) -> Families {
    // The parser refuses units of histograms, which OpenMetrics allows.
    let unit = "# UNIT rollcall_response_time_seconds seconds\n";
    assert!(text.contains(unit), "{text}");
    let parsed = parse_openmetrics(&text.replace(unit, ""));
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {text}"));
    let families = parsed.families.into_values().map(|family| {
        let kind = match family.family_type {
            OpenMetricsType::Counter => "counter",
            OpenMetricsType::Gauge => "gauge",
            OpenMetricsType::Histogram => "histogram",
            OpenMetricsType::Info => "info",
            other => panic!("{other:?} of {}", family.family_name),
        };
        assert!(!family.help.is_empty(), "{}", family.family_name);
        for sample in family.iter_samples() {
            if let OpenMetricsValue::Histogram(histogram) = &sample.value {
                let all = histogram.buckets.last().expect("a bucket");
                assert_eq!(Some(all.count.as_f64()), histogram.count.map(|n| n as f64));
            }
        }
        let unit = match kind {
            "histogram" => "seconds".to_owned(),
            _ => family.unit,
        };
        (family.family_name, (kind.to_owned(), unit))
    });
    families.collect()
}

fn hit(ip: &str, method: &str, path: &str, status: Option<u16>) -> Value {
    json!({"ip": ip, "method": method, "path": path, "status": status})
}

/// An app in which everything has happened at least once. So every family has a series.
fn busy() -> App {
    let app = App::start();
    let mut slow = hit("192.0.2.1", "GET", "/a", Some(200));
    slow["responseTimeMs"] = json!(1_500.25);
    slow["bytes"] = json!(1_000);
    let mut quick = hit("2001:db8::1", "POST", "/b", Some(503));
    quick["responseTimeMs"] = json!(0.5);
    quick["bytes"] = json!(24);
    app.record(&json!([slow, quick, hit("192.0.2.1", "BREW", "/a", None)]));
    app.json("/admin/global-stats");
    // The numbers of a fan-out are stored a moment later.
    wait_until("the fan-out is told", || {
        series(&app).contains_key("rollcall_last_fan_out_coverage_ratio")
    });
    app
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_scrape_is_open_metrics_and_counts_what_was_recorded() {
    let app = busy();
    let answer = scrape(&app);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = answer.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    families(&text);
    let told = series(&app);
    let version = env!("CARGO_PKG_VERSION");
    let build = format!(r#"rollcall_build_info{{version="{version}",layout_version="{LAYOUT}"}}"#);
    let expected = [
        (
            r#"rollcall_requests_total{method="GET",status_class="2xx"}"#,
            1.0,
        ),
        (
            r#"rollcall_requests_total{method="POST",status_class="5xx"}"#,
            1.0,
        ),
        (
            r#"rollcall_requests_total{method="(other)",status_class="unknown"}"#,
            1.0,
        ),
        (
            r#"rollcall_requests_total{method="GET",status_class="4xx"}"#,
            0.0,
        ),
        ("rollcall_response_bytes_total", 1_024.0),
        ("rollcall_response_time_seconds_sum", 1.500_75),
        ("rollcall_response_time_seconds_count", 2.0),
        (
            r#"rollcall_response_time_seconds_bucket{le="0.001023"}"#,
            1.0,
        ),
        (
            r#"rollcall_response_time_seconds_bucket{le="1.048575"}"#,
            1.0,
        ),
        (
            r#"rollcall_response_time_seconds_bucket{le="2.097151"}"#,
            2.0,
        ),
        (
            r#"rollcall_response_time_seconds_bucket{le="33.554431"}"#,
            2.0,
        ),
        (r#"rollcall_response_time_seconds_bucket{le="+Inf"}"#, 2.0),
        ("rollcall_batches_total", 1.0),
        ("rollcall_folds_total", 1.0),
        ("rollcall_tracked_ips", 2.0),
        ("rollcall_pending_segments", 0.0),
        ("rollcall_open_segments", 0.0),
        ("rollcall_fold_lag_seconds", 0.0),
        (r#"rollcall_answers_total{source="computed"}"#, 1.0),
        ("rollcall_fan_outs_total", 1.0),
        ("rollcall_fan_out_batches_total", 1.0),
        ("rollcall_last_fan_out_coverage_ratio", 1.0),
        (build.as_str(), 1.0),
    ];
    for (series, value) in expected {
        assert_eq!(told.get(series), Some(&value), "{series}: {text}");
    }
    let requests = told
        .iter()
        .filter(|(series, _)| series.starts_with("rollcall_requests_total"));
    let recorded = app.json("/admin/aggregator-status")["recordedHits"].as_f64();
    assert_eq!(Some(requests.map(|(_, value)| value).sum()), recorded);
}

#[test]
fn a_store_that_was_never_written_to_can_be_scraped() {
    let text = scrape(&App::start()).text();
    let families = families(&text);
    assert!(families.contains_key("rollcall_requests"), "{text}");
    assert!(
        !text.contains("rollcall_last_"),
        "there was nothing yet: {text}"
    );
}

#[test]
fn a_scrape_tells_the_lag_and_neither_folds_nor_asks_any_ip() {
    let calls = Calls::default();
    for path in ["/take-snapshot", "/list-ips", "/summarize", "/put"] {
        calls.rule(path, |_| Fate::Call(0));
    }
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    app.record(&hit("192.0.2.1", "GET", "/", Some(200)));
    thread::sleep(Duration::from_millis(1_200));
    app.record(&hit("192.0.2.1", "GET", "/", Some(200)));
    let told = series(&app);
    assert!(told["rollcall_fold_lag_seconds"] >= 1.2, "{told:?}");
    let waits = [
        "rollcall_batches_total",
        "rollcall_pending_segments",
        "rollcall_folds_total",
    ];
    assert_eq!(waits.map(|series| told[series]), [2.0, 2.0, 0.0]);
    let lag = series(&app)["rollcall_fold_lag_seconds"];
    assert!(lag >= told["rollcall_fold_lag_seconds"], "it is told anew");
    for path in ["/take-snapshot", "/list-ips", "/summarize", "/put"] {
        assert_eq!(calls.made(path), 0, "{path}");
    }
    app.json("/admin/global-stats");
    let told = series(&app);
    assert_eq!(waits.map(|series| told[series]), [2.0, 0.0, 1.0]);
    assert_eq!(told["rollcall_fold_lag_seconds"], 0.0);
}

#[test]
fn nothing_that_a_hit_says_becomes_a_label() {
    let app = App::start();
    let before: BTreeSet<String> = series(&app).into_keys().collect();
    for i in 0..30 {
        let mut hit = hit(
            &format!("198.51.100.{i}"),
            &format!("SECRET{i}"),
            &format!("/hidden/{i}"),
            Some(200),
        );
        hit["userAgent"] = json!("Spy/1.0");
        hit["country"] = json!("LI");
        app.record(&hit);
    }
    app.json("/admin/top-paths");
    app.ask_with("/admin/ips/198.51.100.1", &[]);
    let text = scrape(&app).text();
    for secret in ["198.51.100", "SECRET", "hidden", "Spy", "\"LI\"", ADMIN] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let is_new = |series: &String| !before.contains(series) && !series.contains("_last_");
    let new: Vec<String> = series(&app).into_keys().filter(is_new).collect();
    assert!(new.is_empty(), "{new:?}");
}

#[test]
fn no_counter_goes_back() {
    let mut app = App::start();
    let mut last = Series::new();
    for round in 0..40 {
        let hit = |i: u64| {
            hit(
                &format!("192.0.2.{i}"),
                "GET",
                &format!("/{round}"),
                Some(200),
            )
        };
        let hits: Vec<Value> = (0..round % 7 + 1).map(hit).collect();
        app.collect(
            "application/json",
            &json!(hits).to_string(),
            &[("idempotency-key", "x")],
        );
        app.record(&json!(hits));
        match round % 4 {
            0 => drop(app.json("/admin/global-stats")),
            1 => drop(app.ask_with("/admin/top-ips", &[])),
            _ => {}
        }
        if round % 13 == 12 {
            app.restart();
        }
        let now = series(&app);
        let counts = |series: &str| {
            let name = series.split('{').next().unwrap_or_default();
            ["_total", "_count", "_sum", "_bucket"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        for (series, value) in last.iter().filter(|(series, _)| counts(series)) {
            assert!(
                now[series] >= *value,
                "{series}: {} after {value}",
                now[series]
            );
        }
        last = now;
    }
    assert!(last["rollcall_folds_total"] > 5.0, "{last:?}");
    assert!(last["rollcall_repeated_batches_total"] > 5.0, "{last:?}");
}

#[test]
fn without_its_store_it_tells_nothing_rather_than_what_was() {
    let moody = Moody::default();
    let app = App::start_with(|config| config.store_layer = Some(moody.layer()));
    scrape(&app);
    moody.set_mood(Mood::Down);
    let answer = app.ask_with(METRICS, &[]);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    moody.set_mood(Mood::Fine);
    scrape(&app);
}

/// The names of metrics in a text, without the endings that a type adds.
fn named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metrics = words.filter(|word| word.starts_with("rollcall_"));
    let ends = ["_total", "_bucket", "_count", "_sum", "_info"];
    let family = |word: &str| {
        let end = ends.iter().find_map(|end| word.strip_suffix(end));
        end.unwrap_or(word).to_owned()
    };
    metrics.map(family).collect()
}

/// Every query of the Grafana dashboard.
fn queries() -> Vec<String> {
    let file = workspace().join("deploy/grafana/dashboard.json");
    let text = std::fs::read_to_string(file).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    let queries = targets.flatten().map(|target| target["expr"].as_str());
    queries.map(|query| query.unwrap().to_owned()).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let told: BTreeSet<String> = families(&scrape(&busy()).text()).into_keys().collect();
    assert_eq!(named_in(&queries().join(" ")), told);
}

#[test]
fn the_alert_rules_ask_for_metrics_that_are_there() {
    let file = workspace().join("deploy/kubernetes/monitoring/rules.yaml");
    let asked = named_in(&std::fs::read_to_string(file).unwrap());
    let told: BTreeSet<String> = families(&scrape(&busy()).text()).into_keys().collect();
    assert!(!asked.is_empty() && asked.is_subset(&told), "{asked:?}");
}

#[test]
fn every_label_that_the_dashboard_asks_for_is_there() {
    let scraped = scrape(&busy()).text();
    for query in queries() {
        let metrics = named_in(&query);
        for by in query.split("by (").skip(1) {
            let (labels, _) = by.split_once(')').unwrap();
            for label in labels.split(", ") {
                let label = format!("{label}=\"");
                let mut lines = scraped.lines().filter(|line| line.contains(&label));
                let is_there = lines.any(|line| metrics.iter().any(|of| line.starts_with(of)));
                assert!(is_there, "{label} of {query}");
            }
        }
    }
}

#[test]
fn the_operations_manual_lists_every_metric_with_its_type_and_unit() {
    let manual = std::fs::read_to_string(workspace().join("docs/operations.md")).unwrap();
    let mut listed = Families::new();
    for line in manual
        .lines()
        .filter(|line| line.starts_with("| `rollcall_"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, _meaning] = cells.as_slice() else {
            panic!("{line}");
        };
        let name = named_in(name).into_iter().next().unwrap();
        listed.insert(name, ((*kind).to_owned(), (*unit).to_owned()));
    }
    assert_eq!(listed, families(&scrape(&busy()).text()));
}
