#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;

use crate::server::{Act, Server as FakeServer};

fn server(fake: &FakeServer) -> Server {
    Server {
        url: fake.url.clone(),
        token: Some("the-token".to_owned()),
    }
}

#[test]
fn a_question_is_asked_with_its_parameters_and_the_token() {
    let fake = FakeServer::start([Act::Answer(200, "", r#"{"paths": []}"#.to_owned())]);
    let parameters = [parse_parameter("pathPrefix=/a b&c=d").unwrap()];
    let answer = server(&fake).ask("top-paths", &parameters).unwrap();
    assert_eq!(answer, json!({"paths": []}));
    let request = &fake.requests()[0];
    assert!(
        request.head.starts_with("GET /admin/top-paths?pathPrefix="),
        "{}",
        request.head
    );
    let query = request.head.split(' ').nth(1).unwrap();
    assert!(!query.contains("&c=d") && query.contains("%26c"), "{query}");
    assert_eq!(request.header("authorization"), Some("Bearer the-token"));
}

#[test]
fn a_failure_is_told() {
    let check = |status: u16, body: &str, expect: &str| {
        let fake = FakeServer::start([Act::Answer(status, "", body.to_owned())]);
        let error = server(&fake).ask("x", &[]).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(401, "", "401: the server does not accept this token");
    check(
        404,
        r#"{"detail": "no such path"}"#,
        "the server answered 404: no such path",
    );
    check(
        200,
        "<html>",
        "the server does not answer as Rollcall does. Is the URL right?",
    );
    assert!(parse_parameter("=a").is_err() && parse_parameter("a").is_err());
}

#[test]
fn a_list_is_a_table_of_the_fields_that_it_has() {
    let list = json!([
        {"pathKey": "GET /a\u{1b}[2J", "totalRequests": 12_345, "uniqueIPs": 3, "errorRate": 0.25, "p95ResponseTime": 1.25},
        {"pathKey": "GET /b", "totalRequests": 7, "uniqueIPs": 1, "errorRate": 0.0, "p95ResponseTime": null},
    ]);
    let table = table::rows(&list);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["path", "requests", "IPs", "errors", "p95", "ms"]);
    assert_eq!(rows[1][2..], ["12,345", "3", "25.0", "%", "1.2"]);
    assert_eq!(rows[2], ["GET", "/b", "7", "1", "0.0", "%", "-"]);
    assert!(!table.contains('\u{1b}'));
    assert_eq!(table::rows(&json!([])), "no hits");
}

#[test]
fn the_fields_of_an_object_are_a_table() {
    let table = table::fields(&json!({"a": 1, "b": {"c": "x", "d": null}}));
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(rows, [["a", "1"], ["b.c", "x"], ["b.d", "-"]]);
}
