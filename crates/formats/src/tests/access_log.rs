//! Hits as lines of an access log.

use super::*;

/// Reads a line. `rest` is the part after the address and the user.
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

/// The hit of a line at `NOW_MS` with the status 200 and 7 bytes.
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
    for host in ["example.com", "-"] {
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
