//! Hits as JSON: each field, and documents as a whole.

use super::*;
use crate::json::FIELDS;
use rollcall_tally::hit::{
    Dimension, FUTURE_MS_MAX, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, Repairs, TIMESTAMP_MS_MIN,
    UNKNOWN_METHOD, UNKNOWN_PATH,
};

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

/// Reads the hit without the value of these fields, and counts that.
#[track_caller]
fn check_repaired(fields: &str, count: impl Fn(&Repairs) -> u64) {
    check_json(fields, Ok(hit()));
    let body = format!(r#"{{"ip": "192.0.2.1", "method": "GET", "path": "/a", {fields}}}"#);
    let made = read(body.as_bytes(), Format::Json, NOW_MS)
        .unwrap()
        .repaired;
    assert_eq!((made.hits, count(&made)), (1, 1), "{body}");
}

#[test]
fn only_an_address_is_required() {
    let check = |body, expect: &str| assert_eq!(read_one(body, Format::Json), Err(expect.into()));
    check("{}", "ip: missing");
    check(
        r#"{"ip": 1, "method": "GET", "path": "/"}"#,
        "ip: expected a string",
    );
    check(
        r#"{"ip": "localhost", "method": "GET", "path": "/"}"#,
        "ip: not an IP address",
    );
    for unknown in [
        r#"{"ip": "192.0.2.1"}"#,
        r#"{"ip": "192.0.2.1", "method": null, "path": null}"#,
        r#"{"ip": "192.0.2.1", "method": [], "path": {"a": [1]}}"#,
        r#"{"ip": "192.0.2.1", "method": "", "path": ""}"#,
    ] {
        let intake = read(unknown.as_bytes(), Format::Json, NOW_MS).unwrap();
        let expect = Hit {
            method: UNKNOWN_METHOD.to_owned(),
            path: UNKNOWN_PATH.to_owned(),
            ..hit()
        };
        assert_eq!(intake.hits, [expect], "{unknown}");
        assert_eq!(intake.repaired.unknown_requests, 1, "{unknown}");
    }
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
        check_repaired(&format!(r#""status": {input}"#), |made| {
            made.unknown_statuses
        });
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
    let too_long = ["86400000.001", "86400001", "18446744073709551615", "1e300"];
    let no_time = ["-1", "-0.001", r#""12""#, "true", "{}"];
    for input in too_long.into_iter().chain(no_time) {
        let time = format!(r#""responseTimeMs": {input}"#);
        check_repaired(&time, |made| made.unknown_response_times);
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
    let too_many = (RESPONSE_BYTES_MAX + 1).to_string();
    for input in [
        &too_many,
        "-1",
        "0.5",
        r#""1""#,
        "true",
        "18446744073709551616",
    ] {
        check_repaired(&format!(r#""bytes": {input}"#), |made| made.unknown_bytes);
    }
}

#[test]
fn a_country_and_a_user_agent_are_strings() {
    for country in ["1", r#""Germany""#] {
        check_repaired(&format!(r#""country": {country}"#), |made| {
            made.unknown_countries
        });
    }
    check_json(r#""userAgent": []"#, Ok(hit()));
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
        {"ip": "a", "method": "GET", "path": "/a"},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a", "userAgent": "\ud800"},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a", "bytes": 1e999},
        {"ip": "192.0.2.1", "method": "GET", "path": "/a"}
    ]"#;
    let intake = read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(intake.hits, [hit(), hit()]);
    let mut expect: Vec<_> = (2..=7)
        .map(|number| format!("{number} expected an object"))
        .collect();
    expect.push("8 ip: not an IP address".into());
    expect.push("9 unexpected end of hex escape at column 72".into());
    expect.push("10 number out of range at column 65".into());
    assert_eq!(refusals(&intake), expect);
}

#[test]
fn an_empty_array_holds_no_hits() {
    assert_eq!(read(b" [ ] ", Format::Json, NOW_MS), Ok(Intake::default()));
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
fn bytes_that_are_no_utf_8_cost_no_hit() {
    let body = b"[{\"ip\": \"192.0.2.1\", \"method\": \"GET\", \"path\": \"/\xff\"}]";
    let intake = read(body, Format::Json, NOW_MS).unwrap();
    assert_eq!(intake.hits.first().unwrap().path, "/\u{FFFD}");
    assert_eq!(intake.repaired.replaced_text, 1);
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

/// Reads a body of the sender 192.0.2.1. `expect`: how many hits are read, and the refusals.
#[track_caller]
fn check_sent(body: &str, format: Format, expect: (usize, &[&str])) {
    let context = Context {
        sender: Some([192, 0, 2, 1].into()),
        ..NOW_MS.into()
    };
    let intake = read(body.as_bytes(), format, context).unwrap();
    assert!(intake.hits.iter().all(|read| *read == hit()), "{intake:?}");
    assert_eq!(
        (intake.hits.len(), refusals(&intake)),
        (expect.0, expect.1.iter().map(|s| (*s).to_owned()).collect()),
        "{body}"
    );
}

#[test]
fn a_hit_without_an_address_is_the_senders() {
    let own = r#"{"method": "GET", "path": "/a", "status": null}"#;
    let missing = "ip: missing";
    check_sent(own, Format::Json, (1, &[]));
    let whole = r#"{"path": "/a", "host": "a", "consumer": "b", "protocol": "c", "referrer": "d"}"#;
    let context = Context {
        sender: Some([192, 0, 2, 1].into()),
        ..NOW_MS.into()
    };
    let intake = read(whole.as_bytes(), Format::Json, context).unwrap();
    assert_eq!(intake.hits.len(), 1, "{intake:?}");
    assert_eq!(read_one(own, Format::Json), Err(missing.to_owned()));
    for ip in ["null", "7", "\"\"", "\"no\""] {
        let body = format!(r#"[{own}, {{"ip": {ip}, "method": "GET", "path": "/a"}}, {own}]"#);
        let why = match ip {
            "null" => "2 ip: missing",
            "7" => "2 ip: expected a string",
            _ => "2 ip: not an IP address",
        };
        check_sent(&body, Format::Json, (2, &[why]));
    }
}

#[test]
fn an_object_without_an_address_that_is_not_rollcalls_own_is_refused() {
    for object in [
        r#"{"method": "GET", "path": "/a", "client": "192.0.2.9"}"#,
        r#"{"method": "GET", "url": "/a"}"#,
        r#"{"method": "GET"}"#,
        "{}",
    ] {
        check_sent(object, Format::Json, (0, &["1 ip: missing"]));
    }
    let twice = r#"{"method": "GET", "path": "/a", "path": "/b"}"#;
    let why = "1 duplicate field `path` at column 38";
    check_sent(twice, Format::Json, (0, &[why]));
    // Lines are those of a log, in every format.
    let own = r#"{"method": "GET", "path": "/a"}"#;
    for format in [Format::Ndjson, Format::Auto] {
        check_sent(own, format, (0, &["1 ip: missing"]));
    }
}

#[test]
fn the_fields_of_a_hit_are_those_that_are_read() {
    let every = FIELDS.map(|name| format!(r#""{name}": []"#)).join(",");
    let body = format!("{{{every}}}");
    let intake = read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(refusals(&intake), ["1 ip: expected a string"]);
    let mut full = Hit {
        status: Some(200),
        response_time_us: Some(1),
        bytes: Some(1),
        country: Some("DE".into()),
        user_agent: Some("a".into()),
        ..hit()
    };
    use Dimension::{Consumer, Host, Protocol, Referrer};
    for dimension in [Host, Consumer, Protocol, Referrer] {
        *full.told.get_mut(dimension) = Some("a".into());
    }
    let mut written = Vec::new();
    write_json(&full, &mut written).unwrap();
    let written: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&written).unwrap();
    let mut names = FIELDS.to_vec();
    names.sort_unstable();
    assert!(written.keys().eq(names));
}
