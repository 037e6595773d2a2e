//! `docs/duckdb.md`: DuckDB asks the Parquet file of an export with the queries of the page, and
//! tells the numbers of the app.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use rollcall_tests::{ADMIN, App, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process;

const SCRIPT: &str = include_str!("duckdb.py");

/// The blocks of SQL of the page, in their order.
fn queries() -> Vec<String> {
    let page = fs::read_to_string(workspace().join("docs/duckdb.md")).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    let queries = blocks.map(|rest| rest.split_once("```").unwrap().0.to_owned());
    queries.collect()
}

/// The rows of each query. `None`: DuckDB is not there.
fn ask(folder: &Path, queries: &[String]) -> Option<Vec<Vec<Value>>> {
    let python = workspace().join("target/duckdb/bin/python");
    if !python.is_file() {
        rollcall_tests::skipped("DuckDB: `cargo xtask test` fetches it, with Python");
        return None;
    }
    let mut asked = Command::new(python)
        .args(["-c", SCRIPT])
        .current_dir(folder)
        .env("TZ", "Asia/Tokyo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = asked.stdin.take().unwrap();
    input
        .write_all(json!(queries).to_string().as_bytes())
        .unwrap();
    drop(input);
    let output = asked.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// An app with hits of some IPs on some paths, over the last days.
fn app() -> App {
    let app = App::start();
    let now = Timestamp::now();
    let paths = ["/login", "/orders", "/orders/1", "/search"];
    let methods = ["GET", "POST"];
    let statuses = [200, 404, 500];
    let countries = ["", "DE", "FR"];
    let hit = |n: usize| {
        let mut hit = json!({
            "ip": format!("192.0.2.{}", n % 23), "method": methods[n % 2],
            "path": paths[n % 7 % 4], "status": statuses[n % 3], "bytes": n,
            "timestamp": (now - SignedDuration::from_hours(n as i64 % 60)).to_string(),
        });
        if !(n % 23).is_multiple_of(3) {
            hit["country"] = json!(countries[n % 23 % 3]);
            hit["responseTimeMs"] = json!(n as f64 / 8.0);
        }
        hit
    };
    app.record(&(0..200).map(hit).collect());
    // This one calls only the first path, and is the only one to call another.
    let lone = |path: &str| json!({"ip": "192.0.2.200", "method": "GET", "path": path});
    app.record(&json!([lone("/login"), lone("/only")]));
    app
}

/// Writes `hits.parquet`.
fn export(app: &App, folder: &Path) {
    let output = Command::new(process::program())
        .args([
            "export",
            "--parquet",
            "hits.parquet",
            "dateRange=7d",
            "--url",
            &app.url(""),
        ])
        .current_dir(folder)
        .env("ROLLCALL_ADMIN_TOKEN", ADMIN)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// These fields of each entry, by the name of the column.
fn table(list: &Value, columns: &[(&str, &str)]) -> Vec<Value> {
    let row = |entry: &Value| {
        let cells = columns
            .iter()
            .map(|(column, field)| ((*column).to_owned(), entry[*field].clone()));
        rounded(&cells.collect())
    };
    list.as_array().unwrap().iter().map(row).collect()
}

/// The row with shares as text: the last bit of a number may change when it is read from JSON.
fn rounded(row: &Value) -> Value {
    let cell = |(column, value): (&String, &Value)| {
        let value = match value.as_f64() {
            Some(share) if value.is_f64() => json!(format!("{share:.9}")),
            _ => value.clone(),
        };
        (column.clone(), value)
    };
    row.as_object().unwrap().iter().map(cell).collect()
}

#[test]
fn the_queries_of_the_page_tell_the_numbers_of_the_app() {
    let app = app();
    let folder = TempDir::new().unwrap();
    export(&app, folder.path());
    let Some(told) = ask(folder.path(), &queries()) else {
        return;
    };
    let told = told
        .iter()
        .map(|rows| rows.iter().map(rounded).collect::<Vec<_>>());
    let [paths, ips, countries, login, lone, new] = told.collect::<Vec<_>>().try_into().unwrap();

    let answer = |question: &str, list: &str| {
        app.json(&format!("/admin/{question}?timeRange=7d"))[list].clone()
    };
    let count = ("requests", "totalRequests");
    let expect = [
        ("pathKey", "pathKey"),
        count,
        ("ips", "uniqueIPs"),
        ("errorRate", "errorRate"),
    ];
    assert_eq!(paths, table(&answer("top-paths", "paths"), &expect));
    let expect = [
        ("ip", "ip"),
        count,
        ("paths", "uniquePaths"),
        ("lastSeen", "lastSeen"),
    ];
    assert_eq!(ips, table(&answer("top-ips", "ips"), &expect));
    let expect = [
        ("country", "country"),
        count,
        ("ips", "uniqueIPs"),
        ("bytes", "totalBytes"),
    ];
    assert_eq!(countries, table(&answer("countries", "countries"), &expect));

    let rows = app.json("/admin/export?includeMetadata=false");
    let rows = rows.as_array().unwrap().iter();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let (mut called, mut callers) = (BTreeMap::new(), BTreeMap::new());
    for row in rows.clone() {
        let paths: &mut BTreeSet<_> = called.entry(text(row, "ip")).or_default();
        paths.insert(text(row, "path"));
        let ips: &mut BTreeSet<_> = callers.entry(text(row, "pathKey")).or_default();
        ips.insert(text(row, "ip"));
    }
    called.retain(|_, paths| paths.contains("/login") && !paths.contains("/orders"));
    callers.retain(|_, ips| ips.len() == 1);
    let names = |rows: &[Value], column: &str| {
        rows.iter()
            .map(|row| text(row, column))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&login, "ip"), called.into_keys().collect());
    assert_eq!(names(&lone, "pathKey"), callers.into_keys().collect());
    let day = format!("{:.3}", Timestamp::now() - SignedDuration::from_hours(24));
    let expect = rows.filter(|row| text(row, "firstSeen") >= day);
    let expect: BTreeSet<String> = expect.map(|row| text(row, "firstSeen")).collect();
    assert_eq!(names(&new, "firstSeen"), expect);
    for rows in [&login, &lone, &new] {
        assert!(!rows.is_empty());
    }
}
