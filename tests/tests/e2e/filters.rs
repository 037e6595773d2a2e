//! Under any filter and in any window, every answer is what a plain count over the same hits gives.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollcall_tests::App;
use serde_json::{Value, json};

use crate::plain_count::{
    FILTERS, Hit, as_of_ms, ask, check_metrics, check_timeline, counted, hits, is_of_one_class,
    is_within, length_ms, lets_path, ranked, record, told,
};

#[test]
fn totals_and_rankings_are_those_of_a_plain_count_under_every_filter() {
    let app = App::start_with(|config| {
        config.variables.insert("batch_size".into(), "7".into());
    });
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for window in ["1h", "24h", "7d", "30d", "all"] {
            let stats = ask(&app, &format!("global-stats?timeRange={window}"), filter.0);
            let within = counted(&hits, filter, window, &stats);
            let label = format!("{window}, {}", filter.0);
            assert_eq!(stats["totalRequests"], within.len(), "{label}");
            let ips: BTreeSet<&str> = within.iter().map(|hit| hit.ip.as_str()).collect();
            let keys: BTreeSet<String> = within.iter().map(|hit| hit.key()).collect();
            let pairs: BTreeSet<(&str, String)> = within
                .iter()
                .map(|hit| (hit.ip.as_str(), hit.key()))
                .collect();
            assert_eq!(stats["uniqueIPs"], ips.len(), "{label}");
            assert_eq!(stats["uniquePaths"], keys.len(), "{label}");
            assert_eq!(stats["totalPaths"], pairs.len(), "{label}");
            check_metrics(&stats, &within, is_of_one_class(filter));

            let top = ask(
                &app,
                &format!("top-paths?limit=100&timeRange={window}"),
                filter.0,
            );
            let within = counted(&hits, filter, window, &top);
            let expected = ranked(within.iter().map(|hit| hit.key()));
            assert_eq!(told(&top["paths"], "pathKey"), expected, "{label}");

            let top = ask(
                &app,
                &format!("top-ips?limit=100&timeRange={window}"),
                filter.0,
            );
            let within = counted(&hits, filter, window, &top);
            let expected = ranked(within.iter().map(|hit| hit.ip.clone()));
            assert_eq!(told(&top["ips"], "ip"), expected, "{label}");
            for ip in top["ips"].as_array().unwrap() {
                let of_ip: Vec<&Hit> = within
                    .iter()
                    .copied()
                    .filter(|hit| ip["ip"] == hit.ip)
                    .collect();
                check_metrics(ip, &of_ip, is_of_one_class(filter));
            }
        }
    }
}

#[test]
fn an_overview_is_that_of_a_plain_count_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for window in ["1h", "24h", "7d", "30d", "all"] {
            let overview = ask(&app, &format!("overview?timeRange={window}"), filter.0);
            let now_ms = as_of_ms(&overview);
            let within = counted(&hits, filter, window, &overview);
            let label = format!("{window}, {}", filter.0);
            assert_eq!(overview["totalRequests"], within.len(), "{label}");
            check_metrics(&overview, &within, is_of_one_class(filter));
            check_timeline(&overview["timeline"], &hits, filter, window, now_ms);
            let mut callers = ranked(within.iter().map(|hit| hit.ip.clone()));
            let is_new = |ip: &str| {
                // Of any status, as first seen is.
                let prefix_fits = |hit: &&Hit| hit.ip == ip && lets_path(filter, hit);
                let first = hits.iter().filter(prefix_fits).map(|hit| hit.at_ms).min();
                window == "all" || first >= Some(now_ms - length_ms(window))
            };
            let new = callers.iter().filter(|(ip, _)| is_new(ip)).count();
            assert_eq!(overview["newIPs"], new, "{label}");
            callers.truncate(10);
            assert_eq!(told(&overview["topIPs"], "ip"), callers, "{label}");
            let shares = |list: &str, key: &str| -> Vec<(String, u64)> {
                let entry = |entry: &Value| {
                    let requests = entry["requests"].as_u64().unwrap();
                    let percentage = 100.0 * requests as f64 / within.len() as f64;
                    assert!((entry["percentage"].as_f64().unwrap() - percentage).abs() < 1e-9);
                    (entry[key].as_str().unwrap().to_owned(), requests)
                };
                let list = overview[list].as_array().unwrap();
                list.iter().map(entry).collect()
            };
            let methods = ranked(within.iter().map(|hit| hit.method.to_owned()));
            assert_eq!(shares("methods", "method"), methods, "{label}");
            let mut countries = shares("topCountries", "country");
            countries.sort();
            let country = |hit: &&Hit| hit.country.unwrap_or("unknown").to_owned();
            let mut expected = ranked(within.iter().map(country));
            expected.sort();
            assert_eq!(countries, expected, "{label}");
        }
    }
}

#[test]
fn timelines_are_those_of_a_plain_count_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for window in ["1h", "24h", "7d", "30d", "90d", "all"] {
            let series = ask(&app, &format!("timeseries?timeRange={window}"), filter.0);
            check_timeline(&series, &hits, filter, window, as_of_ms(&series));
            if window != "90d" {
                let within = counted(&hits, filter, window, &series);
                assert_eq!(series["totalRequests"], within.len());
            }
        }
    }
}

#[test]
fn one_ip_and_one_path_are_told_as_a_plain_count_does_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS
        .into_iter()
        .filter(|filter| !filter.0.contains("ip="))
    {
        for window in ["1h", "24h", "7d", "all"] {
            let ip = ask(
                &app,
                &format!("ips/198.51.100.7?limit=100&timeRange={window}"),
                filter.0,
            );
            let is_mine = |hit: &Hit| hit.ip == "198.51.100.7";
            let within = counted(&hits, filter, window, &ip);
            let within: Vec<&Hit> = within.into_iter().filter(|hit| is_mine(hit)).collect();
            assert_eq!(ip["totalRequests"], within.len(), "{window}, {}", filter.0);
            check_metrics(&ip, &within, is_of_one_class(filter));
            let expected = ranked(within.iter().map(|hit| hit.key()));
            assert_eq!(told(&ip["paths"], "pathKey"), expected);
            assert_eq!(ip["totalPaths"], expected.len());
            assert_eq!(ip["timeline"]["totalRequests"], within.len());
            if !is_of_one_class(filter) {
                let seen = hits.iter().filter(|hit| is_mine(hit) && filter.1(hit));
                let last: Option<Timestamp> =
                    ip["lastSeen"].as_str().map(|last| last.parse().unwrap());
                let newest = seen.map(|hit| hit.at_ms).max();
                assert_eq!(last.map(Timestamp::as_millisecond), newest);
            }
        }
    }
    for filter in FILTERS {
        for window in ["1h", "24h", "7d", "all"] {
            let query = format!("paths?key=get%20/path/3&limit=100&timeRange={window}");
            let path = ask(&app, &query, filter.0);
            let within = counted(&hits, filter, window, &path);
            let within: Vec<&Hit> = within
                .into_iter()
                .filter(|hit| hit.key() == "GET /path/3")
                .collect();
            assert_eq!(path["pathKey"], "GET /path/3");
            assert_eq!(
                path["totalRequests"],
                within.len(),
                "{window}, {}",
                filter.0
            );
            check_metrics(&path, &within, is_of_one_class(filter));
            let expected = ranked(within.iter().map(|hit| hit.ip.clone()));
            assert_eq!(told(&path["callers"], "ip"), expected);
            assert_eq!(path["uniqueIPs"], expected.len());
            assert_eq!(path["timeline"]["totalRequests"], within.len());
        }
    }
}

#[test]
fn exports_hold_what_a_plain_count_gives_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for range in ["1d", "7d", "30d"] {
            let export = ask(&app, &format!("export?dateRange={range}"), filter.0);
            let exported: Timestamp = export["exportedAt"].as_str().unwrap().parse().unwrap();
            let now_ms = exported.as_millisecond();
            let within = hits
                .iter()
                .filter(|hit| filter.1(hit) && is_within(hit, range, now_ms));
            let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
            for hit in within {
                *expected.entry((hit.ip.clone(), hit.key())).or_default() += 1;
            }
            let row = |row: &Value| {
                assert_eq!(row["bytes"].is_null(), is_of_one_class(filter), "{row}");
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                (
                    (text("ip"), text("pathKey")),
                    row["count"].as_u64().unwrap(),
                )
            };
            let found: BTreeMap<_, _> =
                export["data"].as_array().unwrap().iter().map(row).collect();
            assert_eq!(found, expected, "{range}, {}", filter.0);
        }
    }
}

#[test]
fn an_answer_says_which_filter_applied() {
    let app = App::start();
    let filter = "ip=::ffff:192.0.2.9/120&pathPrefix=/a%20b&method=get&status=5xx&country=de";
    let expected = json!({
        "ip": "192.0.2.0/24", "pathPrefix": "/a b", "method": "GET", "status": "5xx", "country": "DE"
    });
    for path in [
        "global-stats?",
        "top-paths?",
        "top-ips?",
        "timeseries?",
        "paths?key=GET%20/",
        "export?",
    ] {
        assert_eq!(ask(&app, path, filter)["filter"], expected, "{path}");
        assert!(ask(&app, path, "").get("filter").is_none(), "{path}");
    }
}
