//! Under any filter and in any window, every answer agrees with a plain count of the same hits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollcall_tests::App;
use serde_json::{Value, json};

use crate::plain_count::{
    About, FILTERS, Hit, as_of_ms, ask, bucket_start, by_bucket, check_metrics, check_timeline,
    counted, hits, is_of_one_status, is_within, length_ms, lets_path, milliseconds, ranked, record,
    told,
};

const WINDOWS: [&str; 6] = ["1h", "24h", "7d", "30d", "90d", "all"];

#[test]
fn totals_are_those_of_a_plain_count_under_every_filter_and_in_every_window() {
    let app = app_of_small_batches();
    let hits = hits();
    record(&app, &hits);
    check_totals(&app, &hits);
}

pub fn check_totals(app: &App, hits: &[Hit]) {
    for filter in FILTERS {
        for window in WINDOWS {
            let question = format!("global-stats?includeCosts=true&timeRange={window}");
            let stats = ask(app, &question, filter.0);
            let within = counted(hits, filter, window, &stats);
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
            let each = pairs.len() as f64 / ips.len().max(1) as f64;
            assert_eq!(stats["avgPathsPerIP"], each, "{label}");
            let by_status = is_of_one_status(filter);
            check_metrics(&stats, &within, by_status);
            let about = About::new(hits, &filter, window, &stats);
            let expected = ranked(within.iter().map(|hit| hit.key()));
            let top = told(&stats["topPaths"], "pathKey");
            assert_eq!(top, expected[..expected.len().min(10)], "{label}");
            for path in stats["topPaths"].as_array().unwrap() {
                about.check_path(path);
            }
            let costs = &stats["costMetrics"];
            assert_eq!(costs["doRequestCount"], within.len(), "{label}");
            let hours = within.iter().filter_map(|hit| hit.time_us).sum::<i64>() as f64 / 3.6e9;
            assert_eq!(costs["activeDurationHours"].as_f64().is_none(), by_status);
            if let Some(told) = costs["activeDurationHours"].as_f64() {
                assert!((told - hours).abs() < 1e-12, "{label}: {costs}");
            }
        }
    }
}

#[test]
fn who_is_active_and_who_is_asked_is_what_a_plain_count_says() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for window in WINDOWS {
        let stats = ask(&app, &format!("global-stats?timeRange={window}"), "");
        let seen_since = |since_ms: i64| {
            let seen = hits.iter().filter(|hit| hit.at_ms >= since_ms);
            seen.map(|hit| &hit.ip).collect::<BTreeSet<_>>().len()
        };
        let now_ms = as_of_ms(&stats);
        let asked = seen_since(now_ms - length_ms(window));
        assert_eq!(stats["totalActiveDOs"], asked, "{window}");
        let active = seen_since(now_ms - length_ms("7d"));
        assert_eq!(stats["totalActiveIPs"], active, "{window}");
    }
}

/// A question has many batches, more than may be in flight at once.
fn app_of_small_batches() -> App {
    App::start_with(|config| {
        for (name, value) in [("batch_size", "7"), ("fanout_limit", "3")] {
            config.variables.insert(name.into(), value.into());
        }
    })
}

#[test]
fn top_paths_are_those_of_a_plain_count_under_every_filter_and_in_every_window() {
    let app = app_of_small_batches();
    let hits = hits();
    record(&app, &hits);
    check_top_paths(&app, &hits);
}

pub fn check_top_paths(app: &App, hits: &[Hit]) {
    for filter in FILTERS {
        for window in WINDOWS {
            let question = format!("top-paths?limit=100&timeRange={window}");
            let top = ask(app, &question, filter.0);
            let within = counted(hits, filter, window, &top);
            let expected = ranked(within.iter().map(|hit| hit.key()));
            let label = format!("{window}, {}", filter.0);
            assert_eq!(told(&top["paths"], "pathKey"), expected, "{label}");
            let about = About::new(hits, &filter, window, &top);
            for path in top["paths"].as_array().unwrap() {
                about.check_path(path);
            }
        }
        let sorts = [
            "requests",
            "uniqueIPs",
            "avgResponseTime",
            "errorRate",
            "p95ResponseTime",
        ];
        check_sorts(app, "top-paths", ("paths", "pathKey"), &sorts, filter.0);
    }
}

#[test]
fn top_ips_are_those_of_a_plain_count_under_every_filter_and_in_every_window() {
    let app = app_of_small_batches();
    let hits = hits();
    record(&app, &hits);
    check_top_ips(&app, &hits);
}

pub fn check_top_ips(app: &App, hits: &[Hit]) {
    for filter in FILTERS {
        for window in WINDOWS {
            let top = ask(
                app,
                &format!("top-ips?limit=100&timeRange={window}"),
                filter.0,
            );
            let within = counted(hits, filter, window, &top);
            let expected = ranked(within.iter().map(|hit| hit.ip.clone()));
            let label = format!("{window}, {}", filter.0);
            assert_eq!(told(&top["ips"], "ip"), expected, "{label}");
            let about = About::new(hits, &filter, window, &top);
            for ip in top["ips"].as_array().unwrap() {
                about.check_ip(ip);
            }
        }
        let sorts = ["requests", "uniquePaths", "errorRate", "lastSeen"];
        check_sorts(app, "top-ips", ("ips", "ip"), &sorts, filter.0);
    }
}

/// For each order, the first seven entries must be those of the whole list, sorted by the same
/// value.
fn check_sorts(app: &App, question: &str, of: (&str, &str), sorts: &[&str], filter: &str) {
    let (list, name) = of;
    let question = format!("{question}?timeRange=30d");
    let list = |more: &str| {
        let answer = ask(app, &format!("{question}&{more}"), filter);
        answer[list].as_array().unwrap().clone()
    };
    let all = list("limit=100");
    for sort in sorts {
        let field = match *sort {
            "requests" => "totalRequests",
            other => other,
        };
        // Times as text sort as times do. An entry without a value comes last.
        let rank = |entry: &Value| match &entry[field] {
            Value::String(text) => (0.0, text.clone()),
            number => (number.as_f64().unwrap_or(-1.0), String::new()),
        };
        let text = |entry: &Value| entry[name].as_str().unwrap().to_owned();
        let mut expected = all.clone();
        expected.sort_by(|a, b| {
            let by_rank = rank(b).partial_cmp(&rank(a)).unwrap();
            by_rank.then_with(|| text(a).cmp(&text(b)))
        });
        expected.truncate(7);
        let first = list(&format!("limit=7&sortBy={sort}"));
        let names = |entries: &[Value]| entries.iter().map(text).collect::<Vec<_>>();
        assert_eq!(names(&first), names(&expected), "{sort}, {filter}");
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
            check_metrics(&overview, &within, is_of_one_status(filter));
            check_timeline(&overview["timeline"], &hits, filter, window, now_ms);
            let mut callers = ranked(within.iter().map(|hit| hit.ip.clone()));
            let is_new = |ip: &str| {
                // The status does not matter, as for `firstSeen`.
                let prefix_fits = |hit: &&Hit| hit.ip == ip && lets_path(filter, hit);
                let first = hits.iter().filter(prefix_fits).map(|hit| hit.at_ms).min();
                window == "all" || first >= Some(now_ms - length_ms(window))
            };
            let new = callers.iter().filter(|(ip, _)| is_new(ip)).count();
            assert_eq!(overview["newIPs"], new, "{label}");
            callers.truncate(10);
            assert_eq!(told(&overview["topIPs"], "ip"), callers, "{label}");
            let buckets = overview["timeline"]["buckets"].as_array().unwrap();
            let starts = buckets.iter().map(|bucket| milliseconds(&bucket["start"]));
            let starts: Vec<i64> = starts.collect();
            let check_buckets = |list: &str, name: fn(&Hit) -> String, field: &str| {
                for of in overview[list].as_array().unwrap() {
                    let mine = within.iter().copied();
                    let mine: Vec<&Hit> = mine.filter(|hit| name(hit) == of[field]).collect();
                    let expected = by_bucket(&mine, &starts, now_ms);
                    assert_eq!(of["buckets"], json!(expected), "{label}: {of}");
                }
            };
            check_buckets("topPaths", Hit::key, "pathKey");
            check_buckets("topIPs", |hit| hit.ip.clone(), "ip");
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
fn groups_by_bucket_are_those_of_a_plain_count() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    let status = |hit: &Hit| {
        let status = hit.status.map(|status| status.to_string());
        status.unwrap_or("unknown".to_owned())
    };
    let country = |hit: &Hit| hit.country.unwrap_or("unknown").to_owned();
    type Name = fn(&Hit) -> String;
    let groupings: [(&str, Name); 8] = [
        ("path", Hit::key),
        ("path&sortBy=errorRate", Hit::key),
        ("ip", |hit| hit.ip.clone()),
        ("ip&sortBy=errorRate", |hit| hit.ip.clone()),
        ("method", |hit| hit.method.to_owned()),
        ("country", country),
        ("statusCode", status),
        ("statusClass", |hit| hit.class().to_owned()),
    ];
    // The sums over all IPs tell the first and the last, the IPs the others.
    let filters = [0, 1, 7, 6].map(|at| FILTERS[at]);
    for (by, name) in groupings {
        for (filter, window) in filters.into_iter().zip(["24h", "1h", "7d", "all"]) {
            let question = format!("breakdown?by={by}&limit=100&buckets=true&timeRange={window}");
            let answer = ask(&app, &question, filter.0);
            let label = format!("{question}&{}", filter.0);
            let within = counted(&hits, filter, window, &answer);
            let starts = answer["bucketStarts"].as_array().unwrap().iter();
            let starts: Vec<i64> = starts.map(milliseconds).collect();
            let groups = answer["groups"].as_array().unwrap();
            let names: BTreeSet<String> = within.iter().map(|hit| name(hit)).collect();
            assert_eq!(groups.len(), names.len(), "{label}");
            for group in groups {
                let mine = within
                    .iter()
                    .copied()
                    .filter(|hit| name(hit) == group["name"]);
                // The bucket for everything older has no place in a timeline.
                let mine = mine.filter(|hit| bucket_start(hit.at_ms, as_of_ms(&answer)).is_some());
                let expected = by_bucket(&mine.collect::<Vec<_>>(), &starts, as_of_ms(&answer));
                assert_eq!(group["buckets"], json!(expected), "{label}: {group}");
            }
        }
    }
}

#[test]
fn timelines_are_those_of_a_plain_count_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for window in WINDOWS {
            let series = ask(&app, &format!("timeseries?timeRange={window}"), filter.0);
            check_timeline(&series, &hits, filter, window, as_of_ms(&series));
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
        for (address, window) in ["198.51.100.7", "2001:db8::f"]
            .into_iter()
            .flat_map(|ip| WINDOWS.map(|window| (ip, window)))
        {
            let question = format!("ips/{address}?limit=100&timeRange={window}");
            let ip = ask(&app, &question, filter.0);
            let about = About::new(&hits, &filter, window, &ip);
            about.check_ip(&ip);
            let is_mine = |hit: &Hit| hit.ip == address;
            let within = counted(&hits, filter, window, &ip);
            let within = within.iter().filter(|hit| is_mine(hit));
            let expected = ranked(within.map(|hit| hit.key()));
            assert_eq!(told(&ip["paths"], "pathKey"), expected);
            assert_eq!(ip["totalPaths"], expected.len());
            let counts = |hit: &Hit| is_mine(hit) && filter.1(hit);
            let of_ip = About {
                counts: &counts,
                ..about
            };
            for path in ip["paths"].as_array().unwrap() {
                of_ip.check_path(path);
            }
            let mine: Vec<Hit> = hits.iter().filter(|hit| is_mine(hit)).cloned().collect();
            check_timeline(&ip["timeline"], &mine, filter, window, as_of_ms(&ip));
        }
    }
    for filter in FILTERS {
        for window in WINDOWS {
            let query = format!("paths?key=get%20/path/3&limit=100&timeRange={window}");
            let path = ask(&app, &query, filter.0);
            assert_eq!(path["pathKey"], "GET /path/3");
            let about = About::new(&hits, &filter, window, &path);
            about.check_path(&path);
            let is_mine = |hit: &Hit| hit.key() == "GET /path/3";
            let within = counted(&hits, filter, window, &path);
            let within = within.iter().filter(|hit| is_mine(hit));
            let expected = ranked(within.map(|hit| hit.ip.clone()));
            assert_eq!(told(&path["callers"], "ip"), expected);
            let counts = |hit: &Hit| is_mine(hit) && filter.1(hit);
            let of_path = About {
                counts: &counts,
                ..about
            };
            for caller in path["callers"].as_array().unwrap() {
                of_path.check_ip(caller);
            }
            let mine: Vec<Hit> = hits.iter().filter(|hit| is_mine(hit)).cloned().collect();
            check_timeline(&path["timeline"], &mine, filter, window, as_of_ms(&path));
        }
    }
}

#[test]
fn exports_hold_what_a_plain_count_gives_under_every_filter() {
    let app = App::start();
    let hits = hits();
    record(&app, &hits);
    for filter in FILTERS {
        for range in ["1d", "7d", "30d", "90d"] {
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
                assert_eq!(row["bytes"].is_null(), is_of_one_status(filter), "{row}");
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
    let others = "ip=::ffff:192.0.2.9/120&pathPrefix=/a%20b&method=get&country=de";
    for path in [
        "global-stats?",
        "top-paths?",
        "top-ips?",
        "timeseries?",
        "paths?key=GET%20/",
        "export?",
    ] {
        for status in ["5xx", "503", "unknown", "!404|5xx"] {
            let filter = format!("{others}&status={status}");
            let expected = json!({
                "ip": "192.0.2.0/24", "pathPrefix": "/a b", "method": "GET", "status": status,
                "country": "DE"
            });
            assert_eq!(ask(&app, path, &filter)["filter"], expected, "{path}");
        }
        let told = ask(&app, path, "path=!/b|/a|/b&network=AS2")["filter"].clone();
        assert_eq!(told, json!({"path": "!/a|/b", "network": "AS2"}), "{path}");
        assert!(ask(&app, path, "").get("filter").is_none(), "{path}");
    }
}
