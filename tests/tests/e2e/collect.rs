//! `POST /collect`: every format, and every kind of bad request.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rollcall_tests::{ADMIN, App, INGEST};
use serde_json::json;

fn total(app: &App) -> u64 {
    app.json("/admin/global-stats?timeRange=all")["totalRequests"]
        .as_u64()
        .unwrap()
}

#[test]
fn every_form_of_a_hit_is_taken() {
    let app = App::start();
    let one = json!({"ip": "192.0.2.1", "method": "GET", "path": "/a?x=1", "responseTimeMs": 1.5});
    app.record(&one);
    app.record(&json!([one, one]));
    let lines = format!("{one}\n\n{one}\n");
    assert_eq!(
        app.collect("application/x-ndjson; charset=utf-8", &lines, &[])
            .status,
        202
    );
    let log = "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 2\n\
               192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 2 \"-\" \"curl/8\"\n";
    assert_eq!(app.collect("text/plain", log, &[]).status, 202);
    let token = format!("Bearer {INGEST}");
    let answer = app.send(
        "POST",
        "/collect?format=common",
        &[("authorization", &token)],
        log.as_bytes(),
    );
    assert_eq!(answer.status, 202, "{answer:?}");
    let top = app.json("/admin/top-paths?timeRange=all");
    assert_eq!(
        top["paths"].as_array().unwrap().len(),
        1,
        "the query string is no part of a path: {top}"
    );
    assert_eq!(top["paths"][0]["totalRequests"], 9);
}

#[test]
fn an_address_counts_as_one_however_it_is_written() {
    let app = App::start();
    for ip in ["192.0.2.9", "::ffff:192.0.2.9", "::FFFF:c000:209"] {
        app.record(&json!({"ip": ip, "method": "GET", "path": "/"}));
    }
    for ip in ["2001:db8:0:0::1", "2001:DB8::1"] {
        app.record(&json!({"ip": ip, "method": "GET", "path": "/"}));
    }
    let top = app.json("/admin/top-ips");
    let ips: Vec<&str> = top["ips"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ip| ip["ip"].as_str().unwrap())
        .collect();
    assert_eq!(ips, ["192.0.2.9", "2001:db8::1"]);
}

#[test]
fn where_some_hits_are_bad_the_good_ones_count_and_the_others_are_told() {
    let app = App::start();
    let mut hits = vec![json!({"ip": "192.0.2.1", "method": "GET", "path": "/"})];
    hits.extend((0..12).map(|_| json!({"ip": "no", "method": "GET", "path": "/"})));
    let answer = app.collect("application/json", &json!(hits).to_string(), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(
        (told["accepted"].as_u64(), told["rejected"].as_u64()),
        (Some(1), Some(12))
    );
    assert_eq!(
        told["rejections"].as_array().unwrap().len(),
        10,
        "the first ten"
    );
    assert_eq!(
        told["rejections"][0],
        json!({"number": 2, "field": "ip", "reason": "not an IP address"})
    );
    assert_eq!(total(&app), 1);
}

#[test]
fn whoever_has_an_address_is_counted_whatever_the_caller_sent() {
    let app = App::start();
    let sent = [
        json!({"ip": "192.0.2.1"}),
        json!({"ip": "192.0.2.1", "method": "\u{16}\u{3}", "path": ""}),
        json!({"ip": "192.0.2.1:443", "method": "CONNECT", "path": "example.com:443"}),
        json!({"ip": "[2001:db8::1]:80", "method": "GET", "path": "/a\u{0}b", "status": 999}),
        json!({"ip": "fe80::1%eth0", "method": "GET", "path": "/", "bytes": -1, "responseTimeMs": "x"}),
        json!({"ip": "203.0.113.9, 192.0.2.1", "method": "GET", "path": "/", "country": "Germany"}),
    ];
    let answer = app.collect(
        "application/json",
        &json!(sent).to_string(),
        &[("idempotency-key", "a")],
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    let repaired = json!({
        "hits": 5, "unknownRequests": 2, "cutPaths": 0, "replacedText": 1, "unknownStatuses": 1,
        "unknownResponseTimes": 1, "unknownBytes": 1, "unknownCountries": 1,
    });
    assert_eq!(
        (told["accepted"].as_u64(), told["rejected"].as_u64()),
        (Some(6), Some(0))
    );
    assert_eq!(told["repaired"], repaired);
    // The same batch again counts nothing.
    app.collect(
        "application/json",
        &json!(sent).to_string(),
        &[("idempotency-key", "a")],
    );
    let stats = app.json("/admin/global-stats?timeRange=all");
    assert_eq!(
        (stats["totalRequests"].as_u64(), stats["uniqueIPs"].as_u64()),
        (Some(6), Some(3))
    );
    let status = app.json("/admin/aggregator-status");
    assert_eq!(status["repaired"], repaired);
    for key in [
        "-%20(unknown)",
        "CONNECT%20example.com:443",
        "GET%20/a%EF%BF%BDb",
    ] {
        let path = app.json(&format!("/admin/paths?key={key}&timeRange=all"));
        assert!(path["totalRequests"].as_u64() > Some(0), "{path}");
    }
    let verified = app.order("/admin/verify");
    assert_eq!(verified["agrees"], true, "{verified}");
}

#[test]
fn a_body_may_be_packed_and_a_bomb_is_refused() {
    let app = App::start();
    let line = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
    let post = |encoding: &str, body: &[u8]| {
        let token = format!("Bearer {INGEST}");
        let headers = [
            ("authorization", token.as_str()),
            ("content-type", "application/x-ndjson"),
            ("content-encoding", encoding),
        ];
        app.send("POST", "/collect", &headers, body).status
    };
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let zstd = |bytes| zstd::encode_all(bytes, 1).unwrap();
    let lines = format!("{line}\n").repeat(1_000);
    assert_eq!(post("gzip", &gzip(lines.as_bytes())), 202);
    assert_eq!(post("zstd", &zstd(lines.as_bytes())), 202);
    assert_eq!(post("identity", line.as_bytes()), 202);
    assert_eq!(total(&app), 2_001);
    let bomb = vec![b' '; (10 << 20) + 1];
    assert_eq!(post("gzip", &gzip(&bomb)), 413);
    assert_eq!(post("zstd", &zstd(&bomb)), 413);
    assert_eq!(post("gzip", line.as_bytes()), 400);
    assert_eq!(post("zstd", &gzip(lines.as_bytes())), 400);
    assert_eq!(post("br", line.as_bytes()), 415);
    assert_eq!(total(&app), 2_001);
}

#[test]
fn what_cannot_be_taken_is_refused_as_a_problem_and_changes_nothing() {
    let app = App::start();
    let check = |content_type: &str, body: &str, headers: &[(&str, &str)], status: u16| {
        let answer = app.collect(content_type, body, headers);
        assert_eq!(answer.status, status, "{body:.80}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["status"], status);
    };
    check(
        "application/json",
        r#"{"ip": "no", "method": "GET", "path": "/"}"#,
        &[],
        400,
    );
    check("application/json", "{", &[], 400);
    check("application/json", "", &[], 400);
    check("application/json", "[]", &[], 400);
    check("application/x-www-form-urlencoded", "{}", &[], 415);
    let good = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
    check("application/json", good, &[("idempotency-key", "")], 400);
    check(
        "application/json",
        good,
        &[("idempotency-key", &"x".repeat(256))],
        400,
    );
    check(
        "application/json",
        &format!("[{}]", " ".repeat(10 << 20)),
        &[],
        413,
    );
    let line = format!("{good}\n");
    check("application/x-ndjson", &line.repeat(100_001), &[], 413);
    let token = format!("Bearer {INGEST}");
    for path in ["/collect?format=xml", "/collect?fmt=json"] {
        let answer = app.send("POST", path, &[("authorization", &token)], good.as_bytes());
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.json()["invalidParams"][0]["name"].is_string());
    }
    assert_eq!(
        app.send("GET", "/collect", &[("authorization", &token)], b"")
            .status,
        405
    );
    assert_eq!(total(&app), 0);
}

#[test]
fn only_the_ingest_token_gets_in() {
    let app = App::start();
    let good = br#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
    let json = ("content-type", "application/json");
    let admin = format!("Bearer {}", rollcall_tests::ADMIN);
    for headers in [
        vec![json],
        vec![json, ("authorization", "Bearer wrong")],
        vec![json, ("authorization", &admin)],
    ] {
        let answer = app.send("POST", "/collect", &headers, good);
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").is_some());
    }
    assert_eq!(total(&app), 0);
}

#[test]
fn the_same_batch_sent_again_counts_once_even_after_a_restart() {
    let mut app = App::start();
    let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}).to_string();
    let send = |app: &App, key: &str| {
        let answer = app.collect("application/json", &hit, &[("idempotency-key", key)]);
        assert_eq!(answer.status, 202);
    };
    send(&app, "a");
    send(&app, "a");
    assert_eq!(total(&app), 1);
    app.restart();
    send(&app, "a");
    send(&app, "b");
    assert_eq!(total(&app), 2);
    let status = app.json("/admin/aggregator-status");
    assert_eq!(status["dropped"]["repeatedBatches"], 2);
}

#[test]
fn twins_that_race_each_other_count_once() {
    const BATCHES: u64 = 20;
    const TWINS: u64 = 6;
    let app = App::start();
    let client = &app.client(Duration::from_secs(30));
    let hit = &json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}).to_string();
    thread::scope(|scope| {
        for batch in (0..BATCHES).flat_map(|batch| [batch; TWINS as usize]) {
            scope.spawn(move || {
                let answer = client.collect(&format!("batch-{batch}"), hit).unwrap();
                assert_eq!(answer.status, 202);
            });
        }
    });
    assert_eq!(total(&app), BATCHES);
    let status = app.json("/admin/aggregator-status");
    let repeated = &status["dropped"]["repeatedBatches"];
    assert_eq!(*repeated, BATCHES * (TWINS - 1));
}

#[test]
fn a_body_that_comes_slowly_is_taken() {
    let app = App::start();
    let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/"}).to_string();
    let (first, rest) = hit.split_at(20);
    let mut connection = TcpStream::connect(app.host().addr()).unwrap();
    write!(
        connection,
        "POST /collect HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {INGEST}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        hit.len()
    )
    .unwrap();
    // This is longer than the collector may take after it has the body.
    sleep(Duration::from_secs(9));
    connection.write_all(rest.as_bytes()).unwrap();
    let mut said = String::new();
    BufReader::new(connection).read_line(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 202 "), "{said}");
    assert_eq!(total(&app), 1);
}

#[test]
fn a_silent_body_is_given_up() {
    let app = App::start();
    let open = |head: &str| {
        let mut connection = TcpStream::connect(app.host().addr()).unwrap();
        let patience = Some(Duration::from_secs(30));
        connection.set_read_timeout(patience).unwrap();
        write!(
            connection,
            "{head}Host: localhost\r\nContent-Length: 1000\r\n\r\n["
        )
        .unwrap();
        connection
    };
    let hits = format!(
        "POST /collect HTTP/1.1\r\nAuthorization: Bearer {INGEST}\r\nContent-Type: application/json\r\n"
    );
    let label = format!("PUT /admin/labels/a HTTP/1.1\r\nAuthorization: Bearer {ADMIN}\r\n");
    let form = "POST /admin/sign-in HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    let began = Instant::now();
    for connection in [open(&hits), open(&label), open(form)] {
        let mut said = String::new();
        BufReader::new(connection).read_line(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(9), "{took:?}");
    assert_eq!(total(&app), 0);
}

#[test]
fn a_bad_head_is_refused_before_the_body_has_come() {
    let app = App::start();
    let check = |query: &str, headers: &str, status: u16| {
        let mut connection = TcpStream::connect(app.host().addr()).unwrap();
        let patience = Some(Duration::from_secs(10));
        connection.set_read_timeout(patience).unwrap();
        write!(
            connection,
            "POST /collect{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {INGEST}\r\n\
             {headers}Content-Length: 10485760\r\n\r\n["
        )
        .unwrap();
        let mut said = String::new();
        BufReader::new(connection).read_line(&mut said).unwrap();
        let expect = format!("HTTP/1.1 {status} ");
        assert!(said.starts_with(&expect), "{query} {headers}: {said}");
    };
    let json = "Content-Type: application/json\r\n";
    check("?format=xml", json, 400);
    check("?fmt=json", json, 400);
    check("", &format!("{json}Idempotency-Key: a b\r\n"), 400);
    check("", "Content-Type: text/html\r\n", 415);
    check("", "", 415);
    assert_eq!(total(&app), 0);
}

#[test]
fn a_hit_from_the_future_is_refused_but_for_5_minutes() {
    let app = App::start();
    let post = |ahead_s: i64| {
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead_s);
        let hit = json!({"ip": "192.0.2.1", "method": "GET", "path": "/", "timestamp": later.to_string()});
        app.collect("application/json", &hit.to_string(), &[])
    };
    // The gateway's clock is ahead. The hit counts in every window.
    assert_eq!(post(5 * 60 - 1).status, 202);
    for window in ["1h", "24h", "90d", "all"] {
        let stats = app.json(&format!("/admin/global-stats?timeRange={window}"));
        assert_eq!(stats["totalRequests"], 1, "{window}");
    }
    let answer = post(5 * 60 + 5);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["rejections"][0]["field"], "timestamp");
    assert_eq!(total(&app), 1);
}
