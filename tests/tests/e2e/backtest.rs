//! Whom a rate limit would have refused, worked out from the documentation alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use rollcall_tests::App;
use serde_json::{Value, json};

use crate::plain_count::{FILTERS, Hit, as_of_ms, hits, record};

const MINUTE_MS: i64 = 60_000;

fn ms(text: &Value) -> i64 {
    let time: Timestamp = text.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

fn number(of: &Value) -> u64 {
    of.as_u64().unwrap()
}

/// Checks an answer against hits, each given by its caller and its time.
fn check(told: &Value, unit_ms: i64, hits: &[(&str, i64)]) {
    let (max, from_ms) = (number(&told["max"]), ms(&told["from"]));
    assert_eq!(from_ms % unit_ms, 0, "{told}");
    let mut counts: BTreeMap<&str, BTreeMap<i64, u64>> = BTreeMap::new();
    for (caller, at_ms) in hits.iter().filter(|(_, at_ms)| *at_ms >= from_ms) {
        let start_ms = at_ms / unit_ms * unit_ms;
        *counts
            .entry(caller)
            .or_default()
            .entry(start_ms)
            .or_default() += 1;
    }
    let over = |of: &BTreeMap<i64, u64>| {
        of.values()
            .map(|hits| hits.saturating_sub(max))
            .sum::<u64>()
    };
    let total: u64 = counts.values().flat_map(BTreeMap::values).sum();
    let refused: u64 = counts.values().map(over).sum();
    assert_eq!(
        (
            number(&told["totalRequests"]),
            number(&told["refusedRequests"])
        ),
        (total, refused)
    );
    let share = refused as f64 / total.max(1) as f64;
    assert!(
        (told["refusedShare"].as_f64().unwrap() - share).abs() < 1e-9,
        "{told}"
    );
    let mut callers: Vec<(&str, &BTreeMap<i64, u64>)> =
        counts.iter().map(|(name, of)| (*name, of)).collect();
    assert_eq!(told["totalCallers"], callers.len());
    for sparing in told["sparing"].as_array().unwrap() {
        let refused = |max: u64| {
            counts
                .values()
                .filter(|of| of.values().any(|hits| *hits > max))
                .count()
        };
        let (max, share) = (number(&sparing["max"]), sparing["share"].as_f64().unwrap());
        let allowed = share * callers.len() as f64;
        assert_eq!(sparing["refusedCallers"], refused(max), "{told}");
        assert!(
            refused(max) as f64 <= allowed && refused(max - 1) as f64 > allowed,
            "{told}"
        );
    }
    callers.retain(|(_, of)| over(of) > 0);
    callers.sort_by_key(|(name, of)| (Reverse(over(of)), *name));
    assert_eq!(told["refusedCallers"], callers.len());
    let listed = told["callers"].as_array().unwrap();
    assert_eq!(listed.len(), callers.len().min(100));
    for (told, (name, of)) in listed.iter().zip(callers) {
        let starts = || {
            of.iter()
                .filter(|(_, hits)| **hits > max)
                .map(|(start, _)| *start)
        };
        let (worst_ms, worst) = of
            .iter()
            .max_by_key(|(start, hits)| (**hits, Reverse(**start)))
            .unwrap();
        let expect = json!({
            "name": name, "totalRequests": of.values().sum::<u64>(), "refusedRequests": over(of),
            "refusedBuckets": starts().count(), "worstRequests": worst,
            "firstBucket": text(starts().next().unwrap()), "lastBucket": text(starts().next_back().unwrap()),
            "worstBucket": text(*worst_ms),
        });
        assert_eq!(told, &expect);
    }
    let buckets = told["buckets"].as_array().unwrap();
    let starts: Vec<i64> = buckets.iter().map(|bucket| ms(&bucket["start"])).collect();
    let end_ms = as_of_ms(told);
    let expect: Vec<i64> = (from_ms..=end_ms).step_by(unit_ms as usize).collect();
    assert_eq!(starts, expect);
    for (bucket, start_ms) in buckets.iter().zip(starts) {
        let hits = || counts.values().filter_map(|of| of.get(&start_ms));
        assert_eq!(bucket["requests"], hits().sum::<u64>());
        assert_eq!(
            bucket["refused"],
            hits().map(|hits| hits.saturating_sub(max)).sum::<u64>()
        );
    }
    let with_refused = buckets
        .iter()
        .filter(|bucket| number(&bucket["refused"]) > 0);
    assert_eq!(told["refusedBuckets"], with_refused.count());
}

fn text(ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap())
}

#[test]
fn a_limit_on_each_ip_refuses_the_hits_that_a_plain_count_refuses() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for (window, per, minutes, max) in [
        ("1h", "5m", 5, 1),
        ("1h", "1h", 60, 3),
        ("24h", "1h", 60, 2),
        ("24h", "1d", 24 * 60, 20),
        ("30d", "1d", 24 * 60, 3),
    ] {
        for (filter, counts) in FILTERS {
            let query = format!("timeRange={window}&per={per}&max={max}&limit=100&{filter}");
            let told = app.json(&format!("/admin/backtest?{query}"));
            let counted = hits.iter().filter(|hit| counts(hit));
            let counted: Vec<(&str, i64)> = counted
                .map(|hit: &Hit| (hit.ip.as_str(), hit.at_ms))
                .collect();
            check(&told, minutes * MINUTE_MS, &counted);
            assert_eq!((&told["by"], &told["per"]), (&json!("ip"), &json!(per)));
        }
    }
    // Without `per`, it is the shortest that is kept for all of the window.
    for (window, per) in [("1h", "5m"), ("24h", "1h"), ("7d", "1d"), ("90d", "1d")] {
        let told = app.json(&format!("/admin/backtest?timeRange={window}"));
        assert_eq!(told["per"], per, "{window}");
    }
}

#[test]
fn a_limit_on_each_consumer_counts_it_over_all_ips() {
    let app = App::start();
    // Early enough that no other bucket begins while the test runs.
    let at_ms =
        (Timestamp::now().as_millisecond() - 10 * MINUTE_MS) / (5 * MINUTE_MS) * 5 * MINUTE_MS;
    let hit = |at: i64| {
        let consumer = match at % 10 {
            0..5 => Some("partner X"),
            5..8 => Some("partner Y"),
            _ => None,
        };
        let at_ms = at_ms + (at % 3) * 10_000;
        (
            consumer,
            json!({
                "ip": format!("192.0.2.{at}"), "method": "GET", "path": "/", "consumer": consumer, "timestamp": at_ms,
            }),
        )
    };
    let hits: Vec<(Option<&str>, Value)> = (0..100).map(hit).collect();
    app.record(&hits.iter().map(|(_, hit)| hit.clone()).collect());
    let told = app.json("/admin/backtest?timeRange=1h&max=40&by=consumer");
    for (field, expect) in [
        ("totalRequests", 100),
        ("refusedRequests", 10),
        ("totalCallers", 2),
        ("refusedCallers", 1),
        ("refusedBuckets", 1),
        ("unknownRequests", 20),
        ("otherRequests", 0),
    ] {
        assert_eq!(told[field], expect, "{field}: {told}");
    }
    let start = text(at_ms);
    let caller = json!({
        "name": "partner X", "totalRequests": 50, "refusedRequests": 10, "refusedBuckets": 1,
        "firstBucket": start, "lastBucket": start, "worstBucket": start, "worstRequests": 50,
    });
    assert_eq!(told["callers"], json!([caller]));
    assert_eq!(
        told["sparing"][2],
        json!({"share": 0.05, "max": 50, "refusedCallers": 0})
    );
    assert_eq!(told["warnings"], json!([]));
    let page = app
        .ask("/admin/dashboard/backtest?timeRange=1h&max=40&by=consumer")
        .text();
    assert!(
        page.contains("<span class=\"row\">partner X</span>"),
        "{page}"
    );
    assert!(page.contains("20 requests tell no consumer."), "{page}");
}

#[test]
fn a_limit_that_cannot_be_tested_is_refused_and_the_reason_says_how_far_back_it_can_be() {
    let app = App::start();
    app.record(&json!([{"ip": "192.0.2.1", "method": "GET", "path": "/"}]));
    for (query, reason) in [
        ("per=5m", "buckets of 5m are kept since"),
        ("timeRange=7d&per=1h", "or choose per=1d."),
        ("timeRange=all", "buckets of 1d are kept since"),
        ("to=2026-01-01", "buckets of 1d are kept since"),
    ] {
        for path in ["/admin/backtest", "/admin/dashboard/backtest"] {
            let refused = app.ask(&format!("{path}?{query}"));
            assert_eq!(refused.status, 400, "{path}?{query}");
            let text = refused.text();
            assert!(text.contains(reason), "{path}?{query}: {text}");
        }
    }
    for (query, name) in [
        ("max=0", "max"),
        ("max=1000000001", "max"),
        ("per=1m", "per"),
        ("by=path", "by"),
        ("limit=101", "limit"),
        ("via=ips", "via"),
        ("by=consumer&path=/", "path"),
        ("by=consumer&ip=192.0.2.1", "ip"),
    ] {
        let refused = app.ask(&format!("/admin/backtest?{query}"));
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.json()["invalidParams"][0]["name"], name, "{query}");
    }
    for edge in [
        "max=1",
        "max=1000000000",
        "limit=100",
        "timeRange=90d&per=1d",
    ] {
        assert_eq!(
            app.ask(&format!("/admin/backtest?{edge}")).status,
            200,
            "{edge}"
        );
    }
}

#[test]
fn the_page_links_to_each_refused_ip_and_to_the_limits_that_refuse_few() {
    let app = App::start();
    let hit = |at: usize| json!({"ip": if at < 30 { "192.0.2.1" } else { "192.0.2.2" }, "method": "GET", "path": "/a"});
    app.record(&Value::from_iter((0..50).map(hit)));
    let page = app
        .ask("/admin/dashboard/backtest?timeRange=24h&max=25&per=1d&method=GET")
        .text();
    for part in [
        "<a class=\"row\" href=\"/admin/dashboard/ips/192.0.2.1?method=GET&#38;timeRange=24h",
        "this limit lets the first 25 requests of each IP through",
        "&#38;max=30&#38;per=1d&#38;by=ip",
        // All windows but that without a beginning, and all lengths that are kept.
        ">90d</a>",
        "<option value=\"1h\">",
        "<option value=\"1d\" selected>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for part in [">192.0.2.2<", ">all</a>", "<option value=\"5m\">"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    let page = app.ask("/admin/dashboard/backtest?max=1000").text();
    assert!(page.contains("This limit refuses nobody."), "{page}");
    // The other pages link to it, with a window that it takes.
    let paths = app
        .ask("/admin/dashboard/top-paths?timeRange=all&method=GET")
        .text();
    let link = "/admin/dashboard/backtest?method=GET&#38;timeRange=90d";
    assert!(paths.contains(link), "{paths}");
}
