//! The Grafana dashboard that reads the admin API: the app answers every query of it, and every
//! field that a panel names is in the answer. The queries are read as the Infinity data source
//! reads them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rollcall_tally::hit::Grouping;
use rollcall_tests::{App, workspace};
use serde_json::{Value, json};

fn dashboard() -> Value {
    let file = workspace().join("deploy/grafana/infinity.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name}: {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {value}"))
}

/// An app with hits that tell every property, except a network: that needs a file.
fn app() -> App {
    let app = App::start();
    let hit = |n: u64| {
        json!({
            "ip": format!("192.0.2.{n}"), "method": "GET", "path": format!("/{n}"), "country": "DE",
            "status": 200 + 100 * (n % 4), "responseTimeMs": 1.5, "bytes": 7, "host": "example.com",
            "consumer": "mobile", "protocol": "h2", "referrer": "https://example.org/a",
            "userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        })
    };
    app.record(&(0..10).map(hit).collect());
    app
}

/// The values of the variable `by`.
fn groupings(dashboard: &Value) -> Vec<&str> {
    let variables = list(&dashboard["templating"], "list").iter();
    let mut by = variables.filter(|variable| variable["name"] == "by");
    let by = by.next().unwrap();
    let options: Vec<&str> = list(by, "options")
        .iter()
        .map(|option| text(option, "value"))
        .collect();
    assert_eq!(text(by, "query"), options.join(","));
    assert!(options.contains(&text(&by["current"], "value")));
    options
}

/// The path that a query asks for the last day, with this value of the variable `by`.
fn path(target: &Value, by: &str) -> String {
    assert_eq!(
        (text(target, "source"), text(target, "type")),
        ("url", "json")
    );
    let options = &target["url_options"];
    assert_eq!(text(options, "method"), "GET");
    let now = Timestamp::now();
    let filled = |value: &str| match value {
        "${__from:date:iso}" => format!("{:.3}", now - SignedDuration::from_hours(24)),
        "${__to:date:iso}" => format!("{now:.3}"),
        value => value.replace("${by}", by),
    };
    let params = list(options, "params").iter();
    let params =
        params.map(|param| format!("{}={}", text(param, "key"), filled(text(param, "value"))));
    let path = format!(
        "{}?{}",
        text(target, "url"),
        params.collect::<Vec<_>>().join("&")
    );
    assert!(
        !path.contains('$'),
        "{path} has a variable that Grafana is not asked to fill in"
    );
    path
}

/// The rows of an answer, as the query selects them.
fn rows<'a>(answer: &'a Value, target: &Value) -> &'a [Value] {
    match text(target, "root_selector") {
        "" => std::slice::from_ref(answer),
        root => list(answer, root),
    }
}

/// `null` fits every type: a table then shows nothing.
fn is_of(kind: &str, value: &Value) -> bool {
    value.is_null()
        || match kind {
            "number" => value.is_number(),
            "string" => value.is_string(),
            "timestamp" => value
                .as_str()
                .is_some_and(|text| text.parse::<Timestamp>().is_ok()),
            kind => panic!("{kind} is no type of a column here"),
        }
}

#[test]
fn every_query_is_answered_and_has_every_field_that_its_panel_names() {
    let dashboard = dashboard();
    let app = app();
    let mut asked = BTreeSet::new();
    for panel in list(&dashboard, "panels") {
        let [target] = list(panel, "targets") else {
            panic!("{panel}");
        };
        for by in groupings(&dashboard) {
            let path = path(target, by);
            let answer = app.json(&path);
            let rows = rows(&answer, target);
            assert!(!rows.is_empty() || by == "network", "{path}: {answer}");
            for (row, column) in rows.iter().flat_map(|row| {
                list(target, "columns")
                    .iter()
                    .map(move |column| (row, column))
            }) {
                let value = row.get(text(column, "selector"));
                let is_there = value.is_some_and(|value| is_of(text(column, "type"), value));
                assert!(is_there, "{path}: {column} of {row}");
            }
            asked.insert(path);
            if !target.to_string().contains("${by}") {
                break;
            }
        }
    }
    // The queries of six panels, and one for each value of the variable.
    assert_eq!(asked.len(), 6 + Grouping::EVERY.len());
}

#[test]
fn a_unit_is_of_a_column() {
    for panel in list(&dashboard(), "panels") {
        let columns = list(&panel["targets"][0], "columns").iter();
        let columns: Vec<&str> = columns.map(|column| text(column, "text")).collect();
        for rule in list(&panel["fieldConfig"], "overrides") {
            let name = text(&rule["matcher"], "options");
            assert!(columns.contains(&name), "{name} of {columns:?}");
        }
    }
}

#[test]
fn the_variable_has_every_property() {
    let every = Grouping::EVERY.map(Grouping::name);
    assert_eq!(groupings(&dashboard()), every);
}
