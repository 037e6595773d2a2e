//! Exports: their rows in every form, that rows leave as they are made, and that a broken export
//! never looks whole.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use jiff::Timestamp;
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::Moody;
use rollcall_tests::{ADMIN, App};
use serde_json::{Value, json};

use crate::plain_count::{self, FILTERS, is_of_one_status, is_within};

/// A form of an export.
#[derive(Clone, Copy, Debug)]
struct Form {
    format: &'static str,
    metadata: bool,
    gzip: bool,
}

fn every_form() -> Vec<Form> {
    let formats = [
        ("json", true),
        ("json", false),
        ("csv", true),
        ("ndjson", true),
    ];
    let forms = formats.into_iter().flat_map(|(format, metadata)| {
        [false, true].map(|gzip| Form {
            format,
            metadata,
            gzip,
        })
    });
    forms.collect()
}

impl Form {
    fn path(self) -> String {
        let Self {
            format,
            metadata,
            gzip,
        } = self;
        format!("/admin/export?format={format}&includeMetadata={metadata}&compression={gzip}")
    }

    /// The text of a whole export.
    fn text(self, body: &[u8]) -> String {
        let mut text = String::new();
        let read = match self.gzip {
            true => GzDecoder::new(body).read_to_string(&mut text),
            false => { body }.read_to_string(&mut text),
        };
        read.unwrap();
        text
    }

    /// The rows of a whole export as JSON, by address and path key.
    fn rows(self, body: &[u8]) -> Vec<Value> {
        let text = self.text(body);
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut rows: Vec<Value> = match self.format {
            "json" if self.metadata => {
                let export = json(&text);
                let rows = export["data"].as_array().unwrap().clone();
                assert_eq!(export["totalRecords"], rows.len());
                rows
            }
            "json" => json(&text).as_array().unwrap().clone(),
            "ndjson" => text.lines().map(json).collect(),
            _ => {
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let columns = reader.headers().unwrap().clone();
                let records = reader.records().map(|record| record.unwrap());
                records
                    .map(|record| {
                        columns
                            .iter()
                            .zip(&record)
                            .map(|(name, text)| (name.to_owned(), csv_value(name, text)))
                            .collect()
                    })
                    .collect()
            }
        };
        rows.sort_by_key(|row| (row["ip"].to_string(), row["pathKey"].to_string()));
        rows
    }
}

fn csv_value(name: &str, text: &str) -> Value {
    match name {
        "count" | "errors" | "bytes" | "avgResponseTime" if text.is_empty() => Value::Null,
        "count" | "errors" | "bytes" => json!(text.parse::<u64>().unwrap()),
        "avgResponseTime" => json!(text.parse::<f64>().unwrap()),
        _ => json!(text),
    }
}

/// Reads an export to its end. The second value says whether it ended as a whole export does.
fn read_out(mut export: impl Read) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let is_whole = export.read_to_end(&mut body).is_ok();
    (body, is_whole)
}

/// An app with this many IPs. Each IP is a batch of its own.
fn app(calls: &Calls, ips: usize, variables: &[(&str, &str)]) -> App {
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        for (name, value) in [("batch_size", "1")].iter().chain(variables) {
            config.variables.insert((*name).into(), (*value).into());
        }
    });
    app.record(&(0..ips).map(hit).collect());
    app
}

fn hit(n: usize) -> Value {
    let ip = format!("198.51.{}.{}", n / 250, n % 250);
    json!({"ip": ip, "method": "GET", "path": "/"})
}

#[test]
fn the_rows_are_those_of_a_plain_count_in_every_form() {
    let app = App::start();
    let hits = plain_count::hits();
    plain_count::record(&app, &hits);
    let time = |ms: i64| format!("{:.3}", Timestamp::from_millisecond(ms).unwrap());
    for filter in [FILTERS[0], FILTERS[5]] {
        let mut expected = BTreeMap::new();
        let now_ms = Timestamp::now().as_millisecond();
        let within = hits
            .iter()
            .filter(|hit| filter.1(hit) && is_within(hit, "7d", now_ms));
        for hit in within {
            let key = (hit.ip.as_str(), hit.key());
            expected.entry(key).or_insert(Vec::new()).push(hit);
        }
        let row = |((ip, key), found): (&(&str, String), &Vec<&plain_count::Hit>)| {
            let ever = hits.iter().filter(|hit| hit.ip == *ip && hit.key() == *key);
            let ever: Vec<i64> = ever.map(|hit| hit.at_ms).collect();
            let times: Vec<i64> = found.iter().filter_map(|hit| hit.time_us).collect();
            let average = times.iter().sum::<i64>() as f64 / times.len() as f64 / 1_000.0;
            let by_status = is_of_one_status(filter);
            json!({
                "ip": ip, "pathKey": key, "method": found[0].method, "path": found[0].path, "count": found.len(),
                "firstSeen": time(*ever.iter().min().unwrap()), "lastAccessed": time(*ever.iter().max().unwrap()),
                "country": found[0].country.unwrap_or("unknown"), "userAgent": "unknown",
                "errors": found.iter().filter(|hit| hit.status >= Some(400)).count(),
                "bytes": (!by_status).then(|| found.iter().map(|hit| hit.bytes).sum::<i64>()),
                "avgResponseTime": (!by_status && !times.is_empty()).then(|| to_the_nanosecond(average)),
            })
        };
        let mut expected: Vec<Value> = expected.iter().map(row).collect();
        expected.sort_by_key(|row| (row["ip"].to_string(), row["pathKey"].to_string()));
        assert!(expected.len() > 10);
        for form in every_form() {
            let answer = app.ask(&format!("{}&{}", form.path(), filter.0));
            let mut rows = form.rows(&answer.body);
            for row in &mut rows {
                // The last bit of a number may change when it is read from text.
                if let Some(average) = row["avgResponseTime"].as_f64() {
                    row["avgResponseTime"] = json!(to_the_nanosecond(average));
                }
            }
            assert_eq!(rows, expected, "{form:?}, {}", filter.0);
        }
    }
}

/// Rounds milliseconds to the nanosecond.
fn to_the_nanosecond(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e6
}

#[test]
fn an_export_says_what_it_is() {
    let app = App::start();
    app.record(&hit(0));
    for form in every_form() {
        let answer = app.ask(&form.path());
        let media_type = match form.format {
            "json" => "application/json",
            "csv" => "text/csv; charset=utf-8",
            _ => "application/x-ndjson",
        };
        assert_eq!(answer.header("content-type"), Some(media_type));
        let name = format!("attachment; filename=\"path-stats-7d.{}\"", form.format);
        assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
        let encoding = form.gzip.then_some("gzip");
        assert_eq!(answer.header("content-encoding"), encoding, "{form:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn an_empty_export_is_whole_in_every_form() {
    let app = App::start();
    for form in every_form() {
        let answer = app.ask(&form.path());
        assert_eq!(answer.status, 200);
        assert_eq!(form.rows(&answer.body), Vec::<Value>::new());
        if form.format == "csv" {
            assert_eq!(
                form.text(&answer.body),
                "ip,pathKey,method,count,firstSeen,lastAccessed,country,userAgent,path,errors,bytes,avgResponseTime\n"
            );
        }
    }
}

#[test]
fn csv_holds_any_text_and_no_formula() {
    let app = App::start();
    // Each text, and what a spreadsheet gets.
    let agents = [
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠1", "'＠1"),
        ("\u{A0}=1", "'\u{A0}=1"),
        ("a; =1;b;+2", "a;' =1;b;'+2"),
        ("\t=1", "\\u{9}=1"),
        ("\r=1", "\\u{d}=1"),
        ("\n=1", "\\u{a}=1"),
        ("\u{FEFF}\u{200B}=1", "\\u{feff}\\u{200b}=1"),
        ("a\u{202E}b", "a\\u{202e}b"),
        ("a, \"b\"\r\nc; d", "a, \"b\"\\u{d}\\u{a}c; d"),
        ("plain", "plain"),
        ("1=1", "1=1"),
        ("'", "'"),
        ("ä", "ä"),
    ];
    let hit = |(n, (agent, _)): (usize, &(&str, &str))| json!({"ip": format!("192.0.2.{n}"), "method": "GET", "path": "/", "userAgent": agent});
    app.record(&agents.iter().enumerate().map(hit).collect());
    let told = |format| {
        let form = Form {
            format,
            metadata: true,
            gzip: false,
        };
        let rows = form.rows(&app.ask(&form.path()).body);
        let pair = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("ip"), text("userAgent"))
        };
        rows.iter().map(pair).collect::<BTreeMap<_, _>>()
    };
    let (csv, json) = (told("csv"), told("json"));
    for (n, (agent, safe)) in agents.into_iter().enumerate() {
        let ip = format!("192.0.2.{n}");
        assert_eq!(json[&ip], agent);
        assert_eq!(csv[&ip], safe);
    }
}

#[test]
fn the_last_that_is_sent_says_that_it_is_whole() {
    let app = App::start();
    app.record(&json!([hit(0), hit(1)]));
    let exchange = |more: &str| {
        let mut stream = TcpStream::connect(app.host().addr()).unwrap();
        let request = format!(
            "GET /admin/export?format=ndjson HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {ADMIN}\r\n{more}connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = exchange("te: trailers\r\n");
    assert!(answer.contains("\r\ntrailer: export-complete\r\n"));
    assert!(
        answer.ends_with("\r\n0\r\nexport-complete: rows=2\r\n\r\n"),
        "{answer}"
    );
    let answer = exchange("");
    assert!(answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
}

#[test]
fn rows_leave_before_the_last_batch_is_read() {
    const IPS: usize = 100;
    for form in every_form() {
        let calls = Calls::default();
        let app = app(&calls, IPS, &[("batch_deadline_ms", "30000")]);
        calls.rule("/rows", |n| match n {
            0..3 => Fate::Call(0),
            _ => Fate::Held,
        });
        let mut export = app.stream(&form.path());
        let mut read = Vec::new();
        while rows_so_far(form, &read) < 3 {
            let mut some = [0; 4_096];
            let length = export.read(&mut some).unwrap();
            assert_ne!(length, 0);
            read.extend_from_slice(&some[..length]);
        }
        assert!(calls.made("/rows") <= 3 + 2, "{}", calls.made("/rows"));
        calls.release();
        let (rest, is_whole) = read_out(export);
        assert!(is_whole);
        read.extend(rest);
        assert_eq!(form.rows(&read).len(), IPS, "{form:?}");
    }
}

/// The number of rows in the first part of an export.
fn rows_so_far(form: Form, body: &[u8]) -> usize {
    let mut text = Vec::new();
    match form.gzip {
        // The gzip stream is cut off.
        true => _ = GzDecoder::new(body).read_to_end(&mut text),
        false => text.extend_from_slice(body),
    }
    String::from_utf8_lossy(&text).matches("GET /,").count()
        + String::from_utf8_lossy(&text).matches("GET /\"").count()
}

/// If an export cannot be finished, it must not look whole, in any form. The next export is whole
/// again.
fn check_broken(app: &App, ips: usize, disturb: impl Fn(), restore: impl Fn()) {
    for form in every_form() {
        disturb();
        let (body, is_whole) = read_out(app.stream(&form.path()));
        assert!(!is_whole, "{form:?}: {}", String::from_utf8_lossy(&body));
        let rows = rows_so_far(form, &body);
        assert!((1..ips).contains(&rows), "{form:?}: {rows} rows");
        let mut text = String::new();
        if form.gzip {
            let unpacked = GzDecoder::new(body.as_slice()).read_to_string(&mut text);
            assert!(unpacked.is_err(), "{form:?}");
        } else if form.format == "json" {
            assert!(serde_json::from_slice::<Value>(&body).is_err());
        }
        restore();
        let answer = app.ask(&form.path());
        assert_eq!(form.rows(&answer.body).len(), ips, "{form:?}");
    }
}

fn check_broken_by(fate: Fate, times: u64) {
    let calls = Calls::default();
    let app = app(&calls, 100, &[("batch_deadline_ms", "200")]);
    let disturb = || {
        calls.rule("/rows", move |n| match n {
            n if (50..50 + times).contains(&n) => fate,
            _ => Fate::Call(5),
        })
    };
    check_broken(&app, 100, disturb, || {
        calls.rule("/rows", |_| Fate::Call(0));
    });
}

#[test]
fn an_export_breaks_off_when_a_batch_fails_twice() {
    check_broken_by(Fate::CalleeTraps, 1_000);
}

#[test]
fn an_export_breaks_off_when_a_batch_does_not_answer_in_time() {
    check_broken_by(Fate::Hang, 1_000);
}

#[test]
fn an_export_breaks_off_when_the_aggregator_dies() {
    check_broken_by(Fate::CallerTraps, 1);
}

#[test]
fn an_export_breaks_off_at_a_state_that_is_damaged_or_gone() {
    let store = Moody::default();
    let app = App::start_with(|config| {
        config.store_layer = Some(store.layer());
        config.variables.insert("batch_size".into(), "1".into());
        config.variables.insert("fanout_limit".into(), "1".into());
    });
    app.record(&(0..100).map(hit).collect());
    let ips = app.json("/admin/export?includeMetadata=false");
    // The order of the rows is not promised, but it is always the same here.
    let key = format!("ip:1:{}", ips[50]["ip"].as_str().unwrap());
    let get = store.inner().get(&key);
    let state = app.runtime().block_on(get).unwrap().unwrap();
    let set = |bytes: &[u8]| {
        let set = store.inner().set(&key, bytes);
        app.runtime().block_on(set).unwrap();
    };
    check_broken(&app, 100, || set(&[9]), || set(&state));
    let delete = || {
        let delete = store.inner().delete(&key);
        app.runtime().block_on(delete).unwrap();
    };
    // This happens if later folds replace the version, and cleaning deletes it two minutes later.
    check_broken(&app, 100, delete, || set(&state));
}

#[test]
fn a_batch_or_a_list_that_fails_once_is_missed_by_nobody() {
    let calls = Calls::default();
    let app = app(&calls, 100, &[]);
    calls.rule("/list-ips", |n| match n % 2 {
        0 => Fate::CalleeTraps,
        _ => Fate::Call(0),
    });
    for form in every_form() {
        calls.rule("/rows", |n| match n {
            50 => Fate::CalleeTraps,
            _ => Fate::Call(0),
        });
        let answer = app.ask(&form.path());
        assert_eq!(form.rows(&answer.body).len(), 100);
        assert_eq!(calls.made("/rows"), 101);
    }
}

#[test]
fn an_index_that_cannot_be_listed_is_a_problem_with_a_name() {
    let calls = Calls::default();
    let app = app(&calls, 10, &[]);
    calls.rule("/list-ips", |_| Fate::CalleeTraps);
    let answer = app.ask("/admin/export?format=csv");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
}

#[test]
fn no_more_is_in_flight_than_may_be() {
    for (limit, expected) in [("1", 1), ("2", 2), ("1000", 2)] {
        let calls = Calls::default();
        let app = app(&calls, 60, &[("fanout_limit", limit)]);
        calls.rule("/rows", |_| Fate::Call(50));
        calls.rule("/list-ips", |_| Fate::Call(5));
        assert_eq!(app.json("/admin/export")["totalRecords"], 60);
        assert_eq!(calls.most_at_once("/rows"), expected);
        assert_eq!(calls.most_at_once("/list-ips"), 1);
    }
}

#[test]
fn a_client_that_goes_away_is_worked_for_no_longer() {
    const IPS: usize = 400;
    let calls = Calls::default();
    let app = app(&calls, IPS, &[]);
    for form in every_form() {
        calls.rule("/rows", |_| Fate::Call(50));
        let mut export = app.stream(&form.path());
        assert_eq!(export.read(&mut [0]).unwrap(), 1);
        drop(export);
        std::thread::sleep(Duration::from_millis(500));
        let made = calls.made("/rows");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(calls.made("/rows"), made, "{form:?}");
        assert!(made < IPS as u64 / 2, "{form:?}: {made}");
    }
}

#[test]
fn a_slow_client_gets_everything_and_takes_no_memory() {
    const IPS: usize = 6_000;
    let calls = Calls::default();
    let variables = [("batch_size", "50"), ("batch_deadline_ms", "400")];
    let app = app(&calls, 1, &variables);
    // 24 MB of JSON. The buffers on the way hold less.
    let long = "x".repeat(2_000);
    let hits: Vec<Value> = (0..IPS)
        .map(|n| {
            let mut hit = hit(n);
            hit["path"] = json!(format!("/{long}"));
            hit
        })
        .collect();
    for part in hits.chunks(2_000) {
        app.record(&Value::from(part));
    }
    let form = every_form()[0];
    app.json("/admin/global-stats");
    let before = app.host().memory_peak("aggregator");
    calls.rule("/rows", |_| Fate::Call(0));
    let mut export = app.stream(&form.path());
    let mut body = vec![0];
    export.read_exact(&mut body).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let made = calls.made("/rows");
    assert!((8..IPS as u64 / 50 - 10).contains(&made), "{made}");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(calls.made("/rows"), made, "nobody asks ahead");
    while body.len() < 2_000_000 {
        let mut some = [0; 50_000];
        let length = export.read(&mut some).unwrap();
        body.extend_from_slice(&some[..length]);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (rest, is_whole) = read_out(export);
    assert!(is_whole);
    body.extend(rest);
    assert_eq!(form.rows(&body).len(), IPS + 1);
    let grown = app.host().memory_peak("aggregator").saturating_sub(before);
    println!(
        "a slow client of {} MB: {grown} bytes",
        body.len() / 1_000_000
    );
    assert!(grown < 12_000_000, "{grown}");
}

/// Takes an export in every form. Measures the time, and the memory of the aggregator.
fn measure(ips: u32) -> usize {
    const PATHS: u32 = 2;
    let app = App::start();
    for first in (0..ips).step_by(10_000) {
        let mut lines = String::new();
        for n in first..ips.min(first + 10_000) {
            let ip = std::net::Ipv4Addr::from(0x0a00_0000 + n);
            for path in 0..PATHS {
                lines += &format!(
                    "{{\"ip\":\"{ip}\",\"method\":\"GET\",\"path\":\"/api/v1/items/{}\",\"status\":200,\"bytes\":{n},\
                     \"responseTimeMs\":{path},\"country\":\"DE\",\"userAgent\":\"curl/8.{}.0\"}}\n",
                    (n + path) % 97,
                    n % 13
                );
            }
        }
        let answer = app.collect("application/x-ndjson", &lines, &[]);
        assert_eq!(answer.status, 202);
    }
    app.ask("/admin/aggregator-status");
    app.ask("/admin/export?pathPrefix=/nowhere&dateRange=1d");
    let mut plain_length = 0;
    for form in every_form() {
        let began = Instant::now();
        let mut export = app.stream(&form.path());
        let mut body = vec![0];
        export.read_exact(&mut body).unwrap();
        let first_byte = began.elapsed();
        let (rest, is_whole) = read_out(export);
        assert!(is_whole);
        let whole = began.elapsed();
        body.extend(rest);
        let rows = form.rows(&body).len();
        assert_eq!(rows, (ips * PATHS) as usize, "{form:?}");
        let ratio = match form.gzip {
            true => plain_length as f64 / body.len() as f64,
            false => 1.0,
        };
        plain_length = body.len();
        println!(
            "{ips} IPs, {form:?}: first byte {first_byte:?}, whole {whole:?}, {:.0} rows/s, {} bytes (1:{ratio:.1}), memory {} KiB",
            rows as f64 / whole.as_secs_f64(),
            body.len(),
            app.host().memory_peak("aggregator") / 1024
        );
    }
    app.host().memory_peak("aggregator")
}

#[test]
fn an_export_of_50_000_ips_takes_no_more_memory_than_one_of_1_000() {
    let (few, many) = (measure(1_000), measure(50_000));
    assert!(
        many <= few * 3 / 2 + 2 * 1024 * 1024,
        "{few} bytes for 1,000 IPs, {many} for 50,000"
    );
}
