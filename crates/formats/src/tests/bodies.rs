//! Rules for every format, and for a request as a whole.

use super::*;

const FORMATS: [Format; 4] = [
    Format::Json,
    Format::Ndjson,
    Format::AccessLog,
    Format::Auto,
];

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
fn every_name_of_a_format_is_known_and_given_once() {
    let names: Vec<_> = Format::names().collect();
    for name in &names {
        assert!(Format::from_name(name).is_some(), "{name}");
        assert_eq!(
            names.iter().filter(|other| *other == name).count(),
            1,
            "{name}"
        );
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
    check("text/plain", Some(Format::Auto));
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
fn an_empty_body_is_refused_in_every_format() {
    for format in FORMATS {
        for body in ["", " ", "\r\n\n\t"] {
            check_error(body.as_bytes(), format, "the body is empty");
        }
    }
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
    for format in [Format::Ndjson, Format::AccessLog, Format::Auto] {
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
    assert_eq!(all_without_told(&intake), [hit(), hit()]);
    let expect = [
        "4 expected value at column 8",
        "5 expected an object",
        "6 expected an object",
        "7 trailing characters at column 52",
    ];
    assert_eq!(refusals(&intake), expect);
}

#[test]
fn a_body_may_begin_with_a_byte_order_mark() {
    let line = r#"192.0.2.1 - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" - -"#;
    let json = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a"}"#;
    for (line, format) in [
        (line, Format::Auto),
        (line, Format::AccessLog),
        (json, Format::Ndjson),
        (json, Format::Auto),
    ] {
        let body = format!("\u{feff}{line}\n{line}\n");
        let intake = read(body.as_bytes(), format, NOW_MS).unwrap();
        assert_eq!(all_without_told(&intake), [hit(), hit()]);
    }
}

#[test]
fn an_array_may_be_written_one_object_a_line() {
    let json = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a"}"#;
    let body = format!("[\n  {json},\n{json} ,\n{json}\n]\n");
    for format in [Format::Ndjson, Format::Auto] {
        let intake = read(body.as_bytes(), format, NOW_MS).unwrap();
        assert_eq!(all_without_told(&intake), [hit(), hit(), hit()]);
        assert_eq!(intake.rejected_count, 0);
    }
}

#[test]
fn zero_bytes_before_a_line_are_left_out() {
    let line = r#"192.0.2.1 - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" - -"#;
    let body = format!("{}{line}\n\0\0\n{line}\n", "\0".repeat(1 << 20));
    let intake = read(body.as_bytes(), Format::Auto, NOW_MS).unwrap();
    assert_eq!(all_without_told(&intake), [hit(), hit()]);
    assert_eq!(refusals(&intake), ["2 not a line of an access log"]);
}
