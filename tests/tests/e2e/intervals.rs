//! Intervals and days. Every answer counts the hits of the interval that it names. This is the
//! interval of the question, widened to whole buckets. Days begin in the operator's time zone.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rollcall_tests::App;
use serde_json::{Value, json};

use crate::plain_count::{Hit, as_of_ms, bucket_start, hits, ranked, record, told};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn ms(text: &Value) -> Option<i64> {
    let time: Timestamp = text.as_str()?.parse().unwrap();
    Some(time.as_millisecond())
}

/// Whether a hit is in the interval that an answer names.
fn is_named(answer: &Value, hit: &Hit) -> bool {
    let until_now = answer["to"] == answer["asOf"];
    let to_ms = ms(&answer["to"]).unwrap();
    ms(&answer["from"]).is_none_or(|from_ms| from_ms <= hit.at_ms)
        && (until_now || hit.at_ms < to_ms)
}

/// The widened interval by the documentation: the start of its first bucket, and the end of its
/// last bucket.
fn widened(from_ms: i64, to_ms: i64, now_ms: i64) -> (Option<i64>, i64) {
    let unit_ms = |at_ms: i64| {
        let start_ms = bucket_start(at_ms, now_ms)?;
        let units = [HOUR_MS / 12, HOUR_MS, DAY_MS];
        // The bucket is as long as the longest unit whose last moment still lies in it.
        let same = |unit: &&i64| bucket_start(start_ms + **unit - 1, now_ms) == Some(start_ms);
        units.iter().rev().find(same).copied()
    };
    let last_ms = to_ms - 1;
    let end_ms = match bucket_start(last_ms, now_ms) {
        Some(start_ms) => start_ms + unit_ms(last_ms).unwrap(),
        None => (now_ms - 90 * DAY_MS) / DAY_MS * DAY_MS,
    };
    (bucket_start(from_ms, now_ms), end_ms.min(now_ms))
}

#[test]
fn every_question_counts_the_hits_of_the_interval_that_its_answer_names() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    check_intervals(&app, &hits);
}

pub fn check_intervals(app: &App, hits: &[Hit]) {
    let now_ms = Timestamp::now().as_millisecond();
    let text = |age_ms: i64| {
        let at = Timestamp::from_millisecond(now_ms - age_ms).unwrap();
        at.to_string()
    };
    for (from_age_ms, to_age_ms) in [
        (100 * 60_000, 20 * 60_000),
        (40 * HOUR_MS, 90 * 60_000),
        (20 * DAY_MS, 2 * DAY_MS),
        (110 * DAY_MS, 30 * DAY_MS),
        (500 * DAY_MS, 100 * DAY_MS),
    ] {
        let asked = format!("from={}&to={}", text(from_age_ms), text(to_age_ms));
        for via in ["", "&via=ips"] {
            let stats = app.json(&format!("/admin/global-stats?{asked}{via}"));
            let label = format!("{asked}{via}: {} to {}", stats["from"], stats["to"]);
            let (from_ms, end_ms) =
                widened(now_ms - from_age_ms, now_ms - to_age_ms, as_of_ms(&stats));
            assert_eq!(
                (ms(&stats["from"]), ms(&stats["to"])),
                (from_ms, Some(end_ms)),
                "{label}"
            );
            assert_eq!(stats.get("timeRange"), None, "{label}");
            let within: Vec<&Hit> = hits.iter().filter(|hit| is_named(&stats, hit)).collect();
            assert_eq!(stats["totalRequests"], within.len(), "{label}");
            let ips: BTreeSet<&str> = within.iter().map(|hit| hit.ip.as_str()).collect();
            assert_eq!(stats["uniqueIPs"], ips.len(), "{label}");
            let expected = ranked(within.iter().map(|hit| hit.key()));
            let top = told(&stats["topPaths"], "pathKey");
            assert_eq!(top, expected[..expected.len().min(10)], "{label}");

            let top = app.json(&format!("/admin/top-ips?limit=100&{asked}{via}"));
            let expected = ranked(within.iter().map(|hit| hit.ip.clone()));
            assert_eq!(told(&top["ips"], "ip"), expected, "{label}");

            let overview = app.json(&format!("/admin/overview?{asked}{via}"));
            let before = |hit: &&&Hit| {
                let older = |other: &&Hit| other.ip == hit.ip && Some(other.at_ms) < from_ms;
                from_ms.is_some() && hits.iter().any(|hit| older(&hit))
            };
            let known: BTreeSet<&str> = within
                .iter()
                .filter(before)
                .map(|hit| hit.ip.as_str())
                .collect();
            assert_eq!(overview["newIPs"], ips.len() - known.len(), "{label}");
            let shown: u64 = overview["timeline"]["buckets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|bucket| bucket["requests"].as_u64().unwrap())
                .sum();
            let before = overview["timeline"]["before"].as_u64().unwrap_or(0);
            assert_eq!(shown + before, within.len() as u64, "{label}");
        }
        let export = app.json(&format!("/admin/export?{asked}"));
        let rows = export["data"].as_array().unwrap();
        let counted: u64 = rows.iter().map(|row| row["count"].as_u64().unwrap()).sum();
        let within = hits.iter().filter(|hit| is_named(&export, hit)).count();
        // An export has no `asOf`. No hit is so new that this matters.
        assert_eq!(counted, within as u64, "{asked}");
        assert_eq!(export.get("dateRange"), None);
    }
}

#[test]
fn the_period_before_has_the_length_of_the_interval() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |ago: i64| today.checked_sub(ago.days()).unwrap().to_string();
    let asked = format!("from={}&to={}", day(20), day(11));
    let series = app.json(&format!("/admin/timeseries?{asked}"));
    let from_ms = ms(&series["from"]).unwrap();
    let starts: Vec<i64> = series["previous"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| ms(&bucket["start"]).unwrap())
        .collect();
    let expected: Vec<i64> = (1..=10).rev().map(|ago| from_ms - ago * DAY_MS).collect();
    assert_eq!(starts, expected);
    let before = hits
        .iter()
        .filter(|hit| (from_ms - 10 * DAY_MS..from_ms).contains(&hit.at_ms));
    assert_eq!(series["previous"]["totalRequests"], before.count());
    // The app does not keep the days before this interval.
    let asked = format!("from={}&to={}", day(80), day(11));
    let series = app.json(&format!("/admin/timeseries?{asked}"));
    assert_eq!(series["previous"], Value::Null);
    assert_eq!(series["buckets"].as_array().unwrap().len(), 70);
}

#[test]
fn an_interval_that_makes_no_sense_is_refused() {
    let app = App::start();
    for (query, name, reason) in [
        ("from=yesterday", "from", "expected a date"),
        ("to=2026-02-30", "to", "expected a date"),
        ("from=2026-02-20&to=2026-02-10", "to", "or a later one"),
        (
            "from=2026-02-20T10:00:00Z&to=2026-02-20T10:00:00Z",
            "to",
            "after from",
        ),
        ("from=2026-02-20&timeRange=7d", "from", "not beside"),
        ("to=2026-02-20&timeRange=7d", "to", "not beside"),
    ] {
        for path in ["/admin/global-stats", "/admin/export"] {
            let query = match path {
                "/admin/export" => query.replace("timeRange", "dateRange"),
                _ => query.to_owned(),
            };
            let answer = app.ask(&format!("{path}?{query}"));
            assert_eq!(answer.status, 400, "{path}?{query}: {answer:?}");
            let bad = &answer.json()["invalidParams"][0];
            assert_eq!(bad["name"], name, "{query}");
            let told = bad["reason"].as_str().unwrap();
            assert!(told.contains(reason), "{query}: {told}");
        }
    }
    // Only the store's time zone tells which times these days are.
    for query in ["from=2999-01-01", "from=2026-02-21&to=2026-02-20T23:00:00Z"] {
        for path in ["/admin/global-stats", "/admin/export"] {
            let answer = app.ask(&format!("{path}?{query}"));
            assert_eq!(answer.status, 400, "{path}?{query}: {answer:?}");
        }
    }
}

#[test]
fn a_day_begins_at_midnight_in_the_time_zone_that_an_empty_store_took() {
    let mut app = App::start_with(|config| {
        let zone = "Asia/Kolkata".to_owned();
        config.variables.insert("time_zone".into(), zone);
    });
    let hits = hits();
    record(&app, &hits);
    for configured in ["Asia/Kolkata", "Europe/Berlin", "nowhere"] {
        app.restart_with(|config| {
            config
                .variables
                .insert("time_zone".into(), configured.to_owned());
        });
        let zone = TimeZone::fixed(jiff::tz::Offset::from_seconds(5 * 3_600 + 1_800).unwrap());
        let now = Timestamp::now().to_zoned(zone);
        let stats = app.json(&format!("/admin/global-stats?from={}", now.date()));
        assert_eq!(stats["timeZone"], "Asia/Kolkata", "{configured}");
        let midnight = now.start_of_day().unwrap().timestamp();
        assert_eq!(ms(&stats["from"]), Some(midnight.as_millisecond()));
        let today = hits
            .iter()
            .filter(|hit| hit.at_ms >= midnight.as_millisecond());
        assert_eq!(stats["totalRequests"], today.count(), "{configured}");
        let series = app.json("/admin/timeseries?timeRange=7d");
        for bucket in series["buckets"].as_array().unwrap() {
            let start_ms = ms(&bucket["start"]).unwrap();
            assert_eq!((start_ms + 5 * HOUR_MS + HOUR_MS / 2) % DAY_MS, 0);
            assert_eq!(bucket["utcOffsetMinutes"], 330);
            let day = start_ms..start_ms + DAY_MS;
            let within = hits.iter().filter(|hit| day.contains(&hit.at_ms));
            assert_eq!(bucket["requests"], within.count());
        }
        let status = app.json("/admin/aggregator-status");
        assert_eq!(status["timeZone"], "Asia/Kolkata");
    }
    assert_eq!(app.order("/admin/verify")["agrees"], true);
}

#[test]
fn an_empty_store_is_not_opened_under_a_time_zone_that_nobody_knows() {
    let mut app = App::start_with(|config| {
        let zone = "Europe/Atlantis".to_owned();
        config.variables.insert("time_zone".into(), zone);
    });
    let hit = json!([{ "ip": "192.0.2.1", "method": "GET", "path": "/" }]);
    let refused = app.collect("application/json", &hit.to_string(), &[]);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(app.ask("/admin/global-stats").status, 503);
    app.restart_with(|config| {
        let zone = "Europe/Berlin".to_owned();
        config.variables.insert("time_zone".into(), zone);
    });
    app.record(&hit);
    let stats = app.json("/admin/global-stats?timeRange=all");
    assert_eq!(stats["totalRequests"], 1);
    assert_eq!(stats["timeZone"], "Europe/Berlin");
}
