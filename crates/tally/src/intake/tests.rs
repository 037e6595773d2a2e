#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::hit::{FUTURE_MS_MAX, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, TIMESTAMP_MS_MIN};

/// 2025-05-17T10:05:03Z.
const NOW_MS: u64 = 1_747_476_303_000;

fn hit() -> Hit {
    Hit {
        ip: [192, 0, 2, 1].into(),
        timestamp_ms: NOW_MS,
        method: "GET".into(),
        path: "/a".into(),
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
    }
}

/// `number field: reason` of each refusal.
fn refusals(intake: &Intake) -> Vec<String> {
    let describe = |rejection: &Rejection| match &rejection.field {
        Some(field) => format!("{} {field}: {}", rejection.number, rejection.reason),
        None => format!("{} {}", rejection.number, rejection.reason),
    };
    intake.rejections.iter().map(describe).collect()
}

/// The one hit of a body, or why it is refused.
fn read_one(body: &str, format: Format) -> Result<Hit, String> {
    let intake = read(body.as_bytes(), format, NOW_MS).unwrap();
    match (intake.hits.as_slice(), refusals(&intake).as_slice()) {
        ([hit], []) => Ok(hit.clone()),
        ([], [refusal]) => Err(refusal.trim_start_matches("1 ").to_owned()),
        _ => panic!("{body} is not one hit"),
    }
}

/// Reads `{"ip": "192.0.2.1", "method": "GET", "path": "/a", FIELDS}`.
#[track_caller]
fn check_json(fields: &str, expect: Result<Hit, &str>) {
    let body = format!(r#"{{"ip": "192.0.2.1", "method": "GET", "path": "/a", {fields}}}"#);
    let got = read_one(&body, Format::Json);
    assert_eq!(
        got.as_ref().map_err(String::as_str),
        expect.as_ref().map_err(|error| *error),
        "{body}"
    );
    assert_eq!(got, read_one(&body, Format::Ndjson), "{body}");
}

/// Reads a line whose parts after the address and the user are given.
#[track_caller]
fn check_line(rest: &str, expect: Result<Hit, &str>) {
    let line = format!("192.0.2.1 - - {rest}");
    let got = read_one(&line, Format::AccessLog);
    assert_eq!(
        got.as_ref().map_err(String::as_str),
        expect.as_ref().map_err(|error| *error),
        "{line}"
    );
}

#[track_caller]
fn check_error(body: &[u8], format: Format, expect: &str) {
    let error = read(body, format, NOW_MS).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn formats_have_names() {
    let names = ["json", "ndjson", "common", "combined", "access-log"];
    let formats = names.map(|name| Format::from_name(name).unwrap());
    let log = Format::AccessLog;
    assert_eq!(formats, [Format::Json, Format::Ndjson, log, log, log]);
    for name in ["", "JSON", "csv", "text/plain"] {
        assert_eq!(Format::from_name(name), None);
    }
}

#[test]
fn formats_are_known_by_their_content_type() {
    let check = |content_type, expect| assert_eq!(Format::from_content_type(content_type), expect);
    check("application/json", Some(Format::Json));
    check("Application/JSON; charset=utf-8", Some(Format::Json));
    check("application/x-ndjson", Some(Format::Ndjson));
    check("application/ndjson", Some(Format::Ndjson));
    check("application/jsonl", Some(Format::Ndjson));
    check("application/x-jsonlines ;v=1", Some(Format::Ndjson));
    check("text/plain", Some(Format::AccessLog));
    for other in [
        "",
        "application/json-seq",
        "application/x-www-form-urlencoded",
        "text/html",
        "*/*",
    ] {
        check(other, None);
    }
}

#[test]
fn a_full_object_is_read() {
    let body = r#"{
        "ip": "::ffff:192.0.2.1", "method": "get", "path": "/a?b=c", "timestamp": "2025-05-17T12:05:02.5+02:00",
        "status": 200, "responseTimeMs": 12.5, "bytes": 5120, "country": "de", "userAgent": "curl/8.5.0"
    }"#;
    let expect = Hit {
        timestamp_ms: NOW_MS - 500,
        status: Some(200),
        response_time_us: Some(12_500),
        bytes: Some(5_120),
        country: Some("DE".into()),
        user_agent: Some("curl/8.5.0".into()),
        ..hit()
    };
    assert_eq!(read_one(body, Format::Json), Ok(expect));
}

#[test]
fn null_means_missing() {
    let nulls = r#""timestamp": null, "status": null, "responseTimeMs": null, "bytes": null, "country": null, "userAgent": null"#;
    check_json(nulls, Ok(hit()));
    let ip_is_null = r#"{"ip": null, "method": "GET", "path": "/"}"#;
    assert_eq!(
        read_one(ip_is_null, Format::Json),
        Err("ip: missing".into())
    );
}

#[test]
fn what_is_required_is_asked_for_by_name() {
    let check = |body, expect: &str| assert_eq!(read_one(body, Format::Json), Err(expect.into()));
    check("{}", "ip: missing");
    check(r#"{"ip": "192.0.2.1"}"#, "method: missing");
    check(r#"{"ip": "192.0.2.1", "method": "GET"}"#, "path: missing");
    check(
        r#"{"ip": 1, "method": "GET", "path": "/"}"#,
        "ip: expected a string",
    );
    check(
        r#"{"ip": "192.0.2.1", "method": [], "path": "/"}"#,
        "method: expected a string",
    );
    check(
        r#"{"ip": "192.0.2.1", "method": "GET", "path": {"a": [1]}}"#,
        "path: expected a string",
    );
    check(
        r#"{"ip": "localhost", "method": "GET", "path": "/"}"#,
        "ip: not an IP address",
    );
}

#[test]
fn unknown_fields_are_ignored() {
    check_json(
        r#""IP": 1, "response_time_ms": -1, "x": {"ip": [1, {}]}"#,
        Ok(hit()),
    );
}

#[test]
fn a_field_given_twice_is_refused() {
    check_json(
        r#""ip": "192.0.2.2""#,
        Err("duplicate field `ip` at column 55"),
    );
}

#[test]
fn a_timestamp_is_rfc_3339_or_milliseconds() {
    let at = |timestamp_ms| {
        Ok(Hit {
            timestamp_ms,
            ..hit()
        })
    };
    check_json(r#""timestamp": 1747476303000"#, at(NOW_MS));
    check_json(r#""timestamp": 1747476303000.0"#, at(NOW_MS));
    check_json(r#""timestamp": "2025-05-17T10:05:03Z""#, at(NOW_MS));
    check_json(
        r#""timestamp": "2025-05-17T10:05:02.9999Z""#,
        at(NOW_MS - 1),
    );
    check_json(r#""timestamp": "2025-05-17T05:05:03-05:00""#, at(NOW_MS));
    check_json(
        &format!(r#""timestamp": {TIMESTAMP_MS_MIN}"#),
        at(TIMESTAMP_MS_MIN),
    );
    check_json(
        &format!(r#""timestamp": {}"#, NOW_MS + FUTURE_MS_MAX),
        at(NOW_MS + FUTURE_MS_MAX),
    );
}

#[test]
fn what_is_no_timestamp_is_refused() {
    let expected = "timestamp: expected a time of RFC 3339 or milliseconds since 1970, an integer";
    let inputs = [
        r#""""#,
        r#""now""#,
        r#""1747476303000""#,
        r#""2025-05-17T10:05:03""#,
        r#""2025-05-17""#,
    ];
    for input in inputs
        .into_iter()
        .chain(["1747476303000.5", "true", "[]", "{}", "1e30"])
    {
        check_json(&format!(r#""timestamp": {input}"#), Err(expected));
    }
    for input in ["-1", "-1747476303000", "-0.5", r#""1969-12-31T23:59:59Z""#] {
        check_json(
            &format!(r#""timestamp": {input}"#),
            Err("timestamp: before 1970"),
        );
    }
    let seconds = "timestamp: expected milliseconds since 1970, this looks like seconds";
    for input in ["0", "1747476303", "99999999999"] {
        check_json(&format!(r#""timestamp": {input}"#), Err(seconds));
    }
    let later = format!(r#""timestamp": {}"#, NOW_MS + FUTURE_MS_MAX + 1);
    check_json(&later, Err("timestamp: more than 5 minutes in the future"));
}

#[test]
fn a_status_is_an_integer_from_100_to_599() {
    for (input, status) in [("100", 100), ("599", 599), ("404.0", 404)] {
        let expect = Hit {
            status: Some(status),
            ..hit()
        };
        check_json(&format!(r#""status": {input}"#), Ok(expect));
    }
    for input in [
        "99", "600", "0", "-200", "200.5", "65736", "1e30", r#""200""#, "false", "[]",
    ] {
        let expect = "status: expected an integer from 100 to 599";
        check_json(&format!(r#""status": {input}"#), Err(expect));
    }
}

#[test]
fn a_response_time_is_rounded_to_microseconds() {
    let inputs = [
        ("0", 0),
        ("-0.0", 0),
        ("12", 12_000),
        ("0.0004", 0),
        ("0.0005", 1),
        ("1.2345678", 1_235),
        ("1e3", 1_000_000),
        ("86400000", RESPONSE_TIME_US_MAX),
    ];
    for (input, us) in inputs {
        let expect = Hit {
            response_time_us: Some(us),
            ..hit()
        };
        check_json(&format!(r#""responseTimeMs": {input}"#), Ok(expect));
    }
    for input in ["86400000.001", "86400001", "18446744073709551615", "1e300"] {
        let expect = "responseTimeMs: longer than a day";
        check_json(&format!(r#""responseTimeMs": {input}"#), Err(expect));
    }
    for input in ["-1", "-0.001", r#""12""#, "true", "{}"] {
        let expect = "responseTimeMs: expected a number of 0 or more";
        check_json(&format!(r#""responseTimeMs": {input}"#), Err(expect));
    }
}

#[test]
fn bytes_are_an_integer_of_0_or_more() {
    for bytes in [0, 1, RESPONSE_BYTES_MAX] {
        let expect = Hit {
            bytes: Some(bytes),
            ..hit()
        };
        check_json(&format!(r#""bytes": {bytes}"#), Ok(expect));
    }
    check_json(
        &format!(r#""bytes": {}"#, RESPONSE_BYTES_MAX + 1),
        Err("bytes: more than 1 TiB"),
    );
    for input in ["-1", "0.5", r#""1""#, "true", "18446744073709551616"] {
        let expect = "bytes: expected an integer of 0 or more";
        check_json(&format!(r#""bytes": {input}"#), Err(expect));
    }
}

#[test]
fn a_country_and_a_user_agent_are_strings() {
    check_json(r#""country": 1"#, Err("country: expected a string"));
    check_json(
        r#""country": "Germany""#,
        Err("country: expected a code of two letters, or null"),
    );
    check_json(r#""userAgent": []"#, Err("userAgent: expected a string"));
    check_json(r#""userAgent": """#, Ok(hit()));
    let expect = Hit {
        user_agent: Some("a\"b/é".into()),
        ..hit()
    };
    check_json(r#""userAgent": "a\"b\/\u00e9""#, Ok(expect));
}

#[test]
fn an_array_refuses_its_bad_elements_alone_and_by_number() {
    let body = r#"[
        {"ip": "192.0.2.1", "method": "GET", "path": "/a"},
        1, null, "a", ["192.0.2.1", "GET", "/a"], [], true,
        {"ip": "192.0.2.1", "method": "GET", "path": "a"},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a", "userAgent": "\ud800"},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a", "bytes": 1e999},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a"}
    ]"#;
    let intake = read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(intake.hits, [hit(), hit()]);
    let mut expect: Vec<_> = (2..=7)
        .map(|number| format!("{number} expected an object"))
        .collect();
    expect.push("8 path: expected /path, http://host/path or *".into());
    expect.push("9 unexpected end of hex escape at column 72".into());
    expect.push("10 number out of range at column 65".into());
    assert_eq!(refusals(&intake), expect);
}

#[test]
fn an_empty_array_holds_no_hits() {
    assert_eq!(read(b" [ ] ", Format::Json, NOW_MS), Ok(Intake::default()));
}

#[test]
fn only_ten_refusals_are_described_and_all_are_counted() {
    let body = format!("[{}1]", "1,".repeat(10));
    let intake = read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(intake.rejected_count, 11);
    assert_eq!(intake.rejections.len(), REJECTIONS_SHOWN);
}

#[test]
fn a_refusal_is_json_with_its_field_if_it_has_one() {
    let intake = read(b"[1, {}]", Format::Json, NOW_MS).unwrap();
    let json = serde_json::to_string(&intake.rejections).unwrap();
    let expect = r#"[{"number":1,"reason":"expected an object"},{"number":2,"field":"ip","reason":"missing"}]"#;
    assert_eq!(json, expect);
}

#[test]
fn a_document_that_is_not_json_is_refused_as_a_whole() {
    let check = |body: &str, expect: &str| check_error(body.as_bytes(), Format::Json, expect);
    check(
        "{",
        "the body is not JSON: EOF while parsing an object at line 1, column 1",
    );
    check(
        "[{}\n,]",
        "the body is not JSON: trailing comma at line 2, column 2",
    );
    check(
        "[{}",
        "the body is not JSON: EOF while parsing a list at line 1, column 3",
    );
    check(
        "[] []",
        "the body is not JSON: trailing characters at line 1, column 4",
    );
    check(
        "{} {}",
        "the body is not JSON: trailing characters at line 1, column 4",
    );
    check(
        "hello",
        "the body is not JSON: expected value at line 1, column 1",
    );
    check(
        "[{\"ip\": }]",
        "the body is not JSON: expected value at line 1, column 9",
    );
}

#[test]
fn a_document_of_another_kind_holds_no_hits() {
    for body in ["1", "null", "\"a\"", " true "] {
        check_error(
            body.as_bytes(),
            Format::Json,
            "expected an object or an array of objects",
        );
    }
}

#[test]
fn a_document_that_is_not_utf_8_is_refused_as_a_whole() {
    check_error(
        b"[\"\xff\"]",
        Format::Json,
        "the body is not UTF-8 after 2 bytes",
    );
}

#[test]
fn an_empty_body_is_refused_in_every_format() {
    for format in [Format::Json, Format::Ndjson, Format::AccessLog] {
        for body in ["", " ", "\r\n\n\t"] {
            check_error(body.as_bytes(), format, "the body is empty");
        }
    }
}

#[test]
fn a_deeply_nested_document_does_not_exhaust_the_stack() {
    let nested = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let body = format!(
        r#"[{{"ip": "192.0.2.1", "method": "GET", "path": "/a", "x": {nested}}}, {nested}]"#
    );
    let intake = read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(intake.hits, [hit()]);
    let body = format!(r#"{{"ip": {nested}}}"#);
    assert_eq!(
        read(body.as_bytes(), Format::Json, NOW_MS)
            .unwrap()
            .rejected_count,
        1
    );
}

#[test]
fn a_request_may_hold_100_000_hits_and_no_more() {
    let json = |count| format!("[{}1]", "1,".repeat(count - 1));
    let lines = |count| "1\n".repeat(count);
    let check = |body: String, format, expect: Result<u64, IntakeError>| {
        let got = read(body.as_bytes(), format, NOW_MS).map(|intake| intake.rejected_count);
        assert_eq!(got, expect);
    };
    check(json(HITS_MAX), Format::Json, Ok(HITS_MAX as u64));
    check(
        json(HITS_MAX + 1),
        Format::Json,
        Err(IntakeError::TooManyHits),
    );
    for format in [Format::Ndjson, Format::AccessLog] {
        check(lines(HITS_MAX), format, Ok(HITS_MAX as u64));
        check(lines(HITS_MAX + 1), format, Err(IntakeError::TooManyHits));
    }
}

#[test]
fn a_bad_line_is_refused_alone_and_by_its_number() {
    let good = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a"}"#;
    let mut body = format!("{good}\r\n\n  \n{{\"ip\": }}\n[{good}]\n").into_bytes();
    body.extend_from_slice(b"\"\xff\"\n");
    body.extend_from_slice(format!("{good} 1\n  {good}").as_bytes());
    let intake = read(&body, Format::Ndjson, NOW_MS).unwrap();
    assert_eq!(intake.hits, [hit(), hit()]);
    let expect = [
        "4 expected value at column 8",
        "5 expected an object",
        "6 not UTF-8",
        "7 trailing characters at column 52",
    ];
    assert_eq!(refusals(&intake), expect);
}

#[test]
fn common_and_combined_lines_may_be_mixed() {
    let common = r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5120"#;
    let combined = format!(r#"{common} "http://example.com/" "curl/8.5.0""#);
    let body = format!("{common}\n{combined}\n");
    let intake = read(body.as_bytes(), Format::AccessLog, NOW_MS).unwrap();
    let expect = Hit {
        timestamp_ms: 1_431_857_103_000,
        status: Some(200),
        bytes: Some(5_120),
        ..hit()
    };
    let agent = Some("curl/8.5.0".to_owned());
    let with_agent = Hit {
        user_agent: agent,
        ..expect.clone()
    };
    assert_eq!(intake.hits, [expect, with_agent]);
}

/// A line's hit at `NOW_MS` with the status 200 and 7 bytes.
fn logged() -> Hit {
    Hit {
        status: Some(200),
        bytes: Some(7),
        ..hit()
    }
}

#[test]
fn a_dash_in_a_line_means_none() {
    let start = r#"[17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1""#;
    check_line(&format!(r#"{start} - - "-" "-""#), Ok(hit()));
    check_line(
        &format!(r#"{start} 200 - "-" "-""#),
        Ok(Hit {
            bytes: None,
            ..logged()
        }),
    );
    check_line(&format!(r#"{start} 200 7 "-" """#), Ok(logged()));
}

#[test]
fn what_follows_the_user_agent_is_ignored() {
    let agent = Hit {
        user_agent: Some("x".into()),
        ..logged()
    };
    let start = r#"[17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "x""#;
    check_line(&format!(r#"{start} "203.0.113.9" 0.123 ""#), Ok(agent));
}

#[test]
fn an_unfinished_user_agent_is_none() {
    let start = r#"[17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-""#;
    check_line(&format!(r#"{start} "x"#), Ok(logged()));
}

#[test]
fn quotes_are_escaped_as_in_apache_or_nginx() {
    let start = r#"[17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 7"#;
    let check = |field: &str, expect: &str| {
        let expect = Hit {
            user_agent: Some(expect.into()),
            ..logged()
        };
        check_line(&format!(r#"{start} "\"\\" "{field}""#), Ok(expect));
    };
    check(r#"a \"b\" c"#, r#"a "b" c"#);
    check(r#"a \x22b\x22 \x5Cc"#, r#"a "b" \c"#);
    check(r"\\", r"\");
    check(r"\xc3\xa9\xff", "é\u{fffd}");
    check(r"\xg0 \x", r"\xg0 \x");
    check(r"\b\t\n\v\f\r", "\u{8}\t\n\u{b}\u{c}\r");
    check(r"\q \ ", r"\q \ ");
}

#[test]
fn a_user_name_may_contain_spaces() {
    let line = r#"192.0.2.1 - Ada L [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 7"#;
    assert_eq!(read_one(line, Format::AccessLog), Ok(logged()));
}

#[test]
fn a_host_name_is_refused() {
    for host in ["example.com", "-", "192.0.2.1:80"] {
        let line = format!(r#"{host} - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 7"#);
        assert_eq!(
            read_one(&line, Format::AccessLog),
            Err("ip: not an IP address".into())
        );
    }
}

#[test]
fn a_request_line_is_split_at_its_ends() {
    let check = |request: &str, method: &str, path: &str| {
        let expect = Hit {
            method: method.into(),
            path: path.into(),
            ..logged()
        };
        check_line(
            &format!(r#"[17/May/2025:10:05:03 +0000] "{request}" 200 7"#),
            Ok(expect),
        );
    };
    check("GET /a?b=c HTTP/1.1", "GET", "/a");
    check("get /a HTTP/2.0", "GET", "/a");
    check("GET /a", "GET", "/a");
    check("GET /a b HTTP/1.1", "GET", "/a b");
    check("GET http://example.com/a HTTP/1.1", "GET", "/a");
    check("OPTIONS * HTTP/1.1", "OPTIONS", "*");
}

#[test]
fn what_is_no_request_line_is_refused() {
    let check = |request: &str, expect: &str| {
        check_line(
            &format!(r#"[17/May/2025:10:05:03 +0000] "{request}" 400 7"#),
            Err(expect),
        );
    };
    check("-", "request: expected METHOD target PROTOCOL");
    check("", "request: expected METHOD target PROTOCOL");
    check(r"\x16\x03\x01", "request: expected METHOD target PROTOCOL");
    check(
        r"\x16\x03 \x01",
        "method: not a method: expected letters, digits or !#$%&'*+-.^_`|~",
    );
    check("GET  HTTP/1.1", "path: empty");
    check(r"GET /\x00 HTTP/1.1", "path: contains a control character");
    check(
        "CONNECT example.com:443 HTTP/1.1",
        "path: expected /path, http://host/path or *",
    );
}

#[test]
fn what_is_no_line_is_refused() {
    let check = |line: &str, expect: &str| {
        assert_eq!(
            read_one(line, Format::AccessLog),
            Err(expect.to_owned()),
            "{line}"
        );
    };
    check("hello", "not a line of an access log");
    check("192.0.2.1", "not a line of an access log");
    check(
        "192.0.2.1 - - x",
        "timestamp: expected [day/month/year:time zone]",
    );
    check(
        "192.0.2.1 - - [17/May",
        "timestamp: expected [day/month/year:time zone]",
    );
    let time = "192.0.2.1 - - [17/May/2025:10:05:03 +0000]";
    check(time, r#"request: expected "METHOD target PROTOCOL""#);
    check(
        &format!(r#"{time} "GET /"#),
        r#"request: expected "METHOD target PROTOCOL""#,
    );
    check(
        &format!(r#"{time} "GET /""#),
        "status: expected an integer from 100 to 599",
    );
    check(
        &format!(r#"{time} "GET /" 600 7"#),
        "status: expected an integer from 100 to 599",
    );
    check(
        &format!(r#"{time} "GET /" +200 7"#),
        "status: expected an integer from 100 to 599",
    );
    check(
        &format!(r#"{time} "GET /" 200"#),
        "bytes: expected an integer of 0 or more, or -",
    );
    check(
        &format!(r#"{time} "GET /" 200 -7"#),
        "bytes: expected an integer of 0 or more, or -",
    );
}

#[test]
fn a_time_of_a_line_has_its_zone() {
    let check = |time: &str, expect: Result<u64, &str>| {
        let expect = expect.map(|timestamp_ms| Hit {
            timestamp_ms,
            ..logged()
        });
        check_line(&format!(r#"[{time}] "GET /a HTTP/1.1" 200 7"#), expect);
    };
    check("17/May/2025:12:05:03 +0200", Ok(NOW_MS));
    check("17/May/2025:00:35:03 -0930", Ok(NOW_MS));
    check("29/Feb/2024:00:00:00 +0000", Ok(1_709_164_800_000));
    check("31/Dec/1969:23:59:59 +0000", Err("timestamp: before 1970"));
    check(
        "17/May/2025:10:10:04 +0000",
        Err("timestamp: more than 5 minutes in the future"),
    );
    for time in [
        "",
        "17/May/2025:10:05:03",
        "29/Feb/2025:00:00:00 +0000",
        "2025-05-17T10:05:03Z",
        "1/1/2025:0:0:0 +0000",
    ] {
        check(
            time,
            Err("timestamp: expected a time as in 17/May/2015:10:05:03 +0000"),
        );
    }
}

/// A hit that any form can carry: of whole seconds, and without what a line does not have.
fn any_logged_hit() -> impl Strategy<Value = Hit> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| std::net::IpAddr::from(octets).to_canonical()),
    ];
    (
        ip,
        TIMESTAMP_MS_MIN / 1_000..=NOW_MS / 1_000,
        "[A-Z0-9!#$%&'*+.^_`|~-]{1,32}",
        r"/[^?#\p{Cc}]{0,100}",
        proptest::option::of(100..=599_u16),
        proptest::option::of(0..=RESPONSE_BYTES_MAX),
        proptest::option::of("[^-].{0,40}"),
    )
        .prop_map(
            |(ip, seconds, method, path, status, bytes, user_agent)| Hit {
                ip,
                timestamp_ms: seconds * 1_000,
                method,
                path,
                status,
                response_time_us: None,
                bytes,
                country: None,
                user_agent,
            },
        )
}

fn any_hit() -> impl Strategy<Value = Hit> {
    (
        any_logged_hit(),
        0..1_000_u64,
        proptest::option::of(0..=RESPONSE_TIME_US_MAX),
        proptest::option::of("[A-Z][A-Z0-9]"),
    )
        .prop_map(|(hit, ms, response_time_us, country)| Hit {
            timestamp_ms: hit.timestamp_ms + ms,
            response_time_us,
            country,
            ..hit
        })
}

/// As nginx writes it.
fn combined_line(hit: &Hit) -> String {
    let or_dash = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let time = jiff::Timestamp::from_millisecond(hit.timestamp_ms as i64).unwrap();
    format!(
        r#"{} - - [{}] "{} {} HTTP/1.1" {} {} "-" "{}""#,
        hit.ip,
        time.strftime("%d/%b/%Y:%H:%M:%S %z"),
        hit.method,
        escaped(&hit.path),
        or_dash(hit.status.map(u64::from)),
        or_dash(hit.bytes),
        escaped(hit.user_agent.as_deref().unwrap_or("-")),
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => write!(escaped, "\\x{byte:02X}").unwrap(),
            byte => escaped.push(byte.into()),
        }
    }
    escaped
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(body: Vec<u8>, now_ms: u64) {
        for format in [Format::Json, Format::Ndjson, Format::AccessLog] {
            let _ = read(&body, format, now_ms);
        }
    }

    #[test]
    fn no_text_that_is_nearly_a_line_makes_a_reader_panic(body in r#"[-0-9a-f:. "\\x\[\]/GETHP{},\n\u{e9}+]{0,200}"#) {
        for format in [Format::Json, Format::Ndjson, Format::AccessLog] {
            let _ = read(body.as_bytes(), format, NOW_MS);
        }
    }

    #[test]
    fn a_damaged_line_does_not_make_a_reader_panic(hit in any_logged_hit(), at: prop::sample::Index, byte: u8) {
        for (format, line) in [
            (Format::AccessLog, combined_line(&hit).into_bytes()),
            (Format::Ndjson, json_line(&hit)),
        ] {
            let mut line = line;
            let at = at.index(line.len());
            line[at] = byte;
            let _ = read(&line, format, NOW_MS);
            let _ = read(&line[..at], format, NOW_MS);
        }
    }

    #[test]
    fn a_hit_written_as_json_and_read_is_the_same(hits in prop::collection::vec(any_hit(), 1..5)) {
        let lines: Vec<_> = hits.iter().map(json_line).collect();
        let ndjson = read(&lines.join(&b'\n'), Format::Ndjson, NOW_MS).unwrap();
        prop_assert_eq!(&ndjson.hits, &hits);
        let array = [b"[", lines.join(&b',').as_slice(), b"]"].concat();
        prop_assert_eq!(read(&array, Format::Json, NOW_MS), Ok(ndjson));
    }

    #[test]
    fn a_hit_written_as_a_combined_line_and_read_is_the_same(hit in any_logged_hit()) {
        prop_assert_eq!(read_one(&combined_line(&hit), Format::AccessLog), Ok(hit));
    }
}

fn json_line(hit: &Hit) -> Vec<u8> {
    let mut line = Vec::new();
    write_json(hit, &mut line).unwrap();
    line
}
