//! Receipts: what became of a batch, by the number that its acknowledgement told.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use rollcall_tests::{Answer, App, PATIENCE};
use serde_json::{Value, json};

const HOST: &str = "gateway-7.example.com";

fn send(app: &App, hits: &Value, key: Option<&str>) -> Answer {
    let headers = key.map(|key| ("idempotency-key", key));
    app.collect("application/json", &hits.to_string(), headers.as_slice())
}

fn number(answer: &Answer) -> u64 {
    let number = answer.header("rollcall-batch");
    number
        .unwrap_or_else(|| panic!("{answer:?}"))
        .parse()
        .unwrap()
}

fn receipt(app: &App, number: u64) -> Value {
    app.json(&format!("/admin/batches/{number}"))
}

/// The state of a batch, as soon as it is not pending.
fn state(app: &App, number: u64) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let receipt = receipt(app, number);
        assert_eq!(receipt["batch"], number, "{receipt}");
        match receipt["state"].as_str().unwrap() {
            "pending" => assert!(Instant::now() < deadline, "{receipt}"),
            state => return state.to_owned(),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn hit(n: u64) -> Value {
    json!({"ip": format!("192.0.2.{}", n % 200), "method": "GET", "path": "/a", "host": HOST})
}

#[test]
fn the_hits_that_a_gateway_sent_are_those_that_are_counted() {
    let app = App::start();
    // Hits of another gateway.
    let other = send(
        &app,
        &json!([{"ip": "192.0.2.1", "host": "other.example.com"}]),
        None,
    );
    assert_eq!(state(&app, number(&other)), "counted");
    let (mut sent, mut batches) = (0, BTreeSet::new());
    for batch in 0..40u64 {
        let hits = Value::from_iter((0..=batch % 5).map(hit));
        let key = format!("day-1-{batch}");
        let answer = send(&app, &hits, Some(&key));
        assert_eq!(answer.status, 202, "{answer:?}");
        assert!(answer.body.is_empty(), "{answer:?}");
        assert!(
            batches.insert(number(&answer)),
            "each batch has its own number"
        );
        sent += batch % 5 + 1;
    }
    // Some hits of this batch are rejected.
    let answer = send(&app, &json!([hit(1), {"ip": "localhost"}, hit(2)]), None);
    assert_eq!(answer.status, 200, "{answer:?}");
    sent += answer.json()["accepted"].as_u64().unwrap();
    batches.insert(number(&answer));
    // A batch is sent again, because its acknowledgement did not come.
    let again = send(&app, &Value::from_iter([hit(0)]), Some("day-1-0"));
    assert_eq!(again.status, 202, "{again:?}");
    assert_eq!(state(&app, number(&again)), "repeated");

    for number in batches {
        assert_eq!(state(&app, number), "counted", "{number}");
    }
    let of_host = format!("/admin/breakdown?by=host&search={HOST}&timeRange=24h");
    let counted = app.json(&of_host);
    assert_eq!(counted["groups"][0]["name"], HOST, "{counted}");
    assert_eq!(counted["groups"][0]["totalRequests"], sent, "{counted}");
}

#[test]
fn requests_that_share_an_append_have_numbers_of_their_own() {
    let app = App::start();
    let numbers: Vec<(u64, u64)> = thread::scope(|scope| {
        let send_some = |thread: u64| {
            let app = &app;
            scope.spawn(move || {
                let mut sent = Vec::new();
                for n in 0..20 {
                    // Every second batch is a repetition.
                    let key = format!("{thread}-{}", n / 2);
                    let answer = send(app, &Value::from_iter([hit(n)]), Some(&key));
                    assert_eq!(answer.status, 202, "{answer:?}");
                    sent.push((number(&answer), n % 2));
                }
                sent
            })
        };
        let threads: Vec<_> = (0..8).map(send_some).collect();
        let sent = threads.into_iter().map(|thread| thread.join().unwrap());
        sent.flatten().collect()
    });
    let distinct: BTreeSet<u64> = numbers.iter().map(|(number, _)| *number).collect();
    assert_eq!(distinct.len(), 160);
    for (number, is_again) in numbers {
        let expect = ["counted", "repeated"][is_again as usize];
        assert_eq!(state(&app, number), expect, "{number}");
    }
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 80);
}

#[test]
fn a_number_that_no_batch_has_is_not_found_and_no_number_is_refused() {
    let mut app = App::start();
    for number in ["0", "1", "18446744073709551615"] {
        let answer = app.ask(&format!("/admin/batches/{number}"));
        assert_eq!(answer.status, 404, "{number}: {answer:?}");
    }
    for bad in ["", "x", "-1", "1.5", "18446744073709551616"] {
        let answer = app.ask(&format!("/admin/batches/{bad}"));
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
    let none = send(&app, &json!([{"ip": "localhost"}]), None);
    assert_eq!((none.status, none.header("rollcall-batch")), (400, None));
    let answer = send(&app, &Value::from_iter([hit(1)]), None);
    let first = receipt(&app, number(&answer));
    assert_eq!(first["state"], "counted", "the question counts it: {first}");
    assert!(first["root"].as_u64().unwrap() > 0, "{first}");
    assert!(first["asOf"].is_string(), "{first}");
    app.restart();
    assert_eq!(receipt(&app, number(&answer))["state"], "counted");
}
