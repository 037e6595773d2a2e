//! A body whose lines have any format.

use super::*;

#[test]
fn lines_of_several_formats_may_be_mixed() {
    let log = r#"192.0.2.1 - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" - -"#;
    let json = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a"}"#;
    let body = [log, json, log, "gw-1  | ", json, log].join("\n");
    let body = body.replace("| \n", "| ");
    let intake = read(body.as_bytes(), Format::Auto, NOW_MS).unwrap();
    assert_eq!(all_without_told(&intake), vec![hit(); 5]);
}

#[test]
fn rollcalls_own_json_keeps_its_errors() {
    let check = |line: &str, expect: &str| {
        assert_eq!(read_one(line, Format::Auto), Err(expect.to_owned()));
        assert_eq!(read_one(line, Format::Ndjson), Err(expect.to_owned()));
    };
    check(r#"{"ip": 1}"#, "ip: expected a string");
    check(r#"{"ip": }"#, "expected value at column 8");
    check(
        r#"{"ip": "192.0.2.1", "ip": "192.0.2.1"}"#,
        "duplicate field `ip` at column 24",
    );
}
