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
    assert_eq!(all_without_told(&intake), [expect, with_agent]);
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
    check("17/May/2025:10:05:03.123 +0000", Ok(NOW_MS + 123));
    check("17/May/2025:10:05:03 +00:00", Ok(NOW_MS));
    check("17/May/2025:12:05:03.5 +02:00", Ok(NOW_MS + 500));
    check("2025-05-17T12:05:03+02:00", Ok(NOW_MS));
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
        "2025-05-17T10:05:03",
        "17/May/2025:10:05:03.123",
        "1/1/2025:0:0:0 +0000",
    ] {
        check(
            time,
            Err("timestamp: expected a time as in 17/May/2015:10:05:03 +0000"),
        );
    }
}

const TIME: &str = "[17/May/2025:10:05:03 +0000]";

/// Reads a line whose status is 200, with 7 bytes, before the check.
#[track_caller]
fn check_raw(line: &str, expect: RawHit) {
    assert_eq!(raw_line(line), Ok(expect), "{line}");
}

fn raw_logged() -> RawHit {
    RawHit {
        status: Some(200),
        bytes: Some(7),
        ..raw()
    }
}

#[test]
fn a_user_name_may_have_brackets_quotes_and_spaces() {
    for user in [
        "- Ada Lovelace ",
        "- a[b ",
        "- [x] ",
        "- a]b ",
        "- ",
        "- \"a b\" ",
        "ident user ",
        "-  ",
        "- [ [[ \" [",
        "- [17/May/2001:10:05:03 +0000] ",
        "- x [17/May/2001:10:05:03 +0000]",
        "- 198.51.100.9 ",
        "- 198.51.100.9 - - ",
        "- x, 198.51.100.9 ",
    ] {
        let line = format!(r#"192.0.2.1 {user}{TIME} "GET /a HTTP/1.1" 200 7"#);
        check_raw(&line, raw_logged());
    }
}

#[test]
fn a_line_without_a_usable_request_is_a_hit() {
    let expect = RawHit {
        method: String::new(),
        path: String::new(),
        status: Some(400),
        bytes: Some(0),
        ..raw()
    };
    for request in [
        "-",
        "",
        r"\x16\x03\x01\x02\x00\x01\x00",
        r"\x03\x00\x00/*\xE0\x00Cookie: mstshash=Adm",
        "HELP",
        "GET",
        "SSH-2.0-Go",
        " ",
        " /a HTTP/1.1",
    ] {
        let line = format!(r#"192.0.2.1 - - {TIME} "{request}" 400 0 "-" "-""#);
        check_raw(&line, expect.clone());
    }
    let no_request = RawHit {
        status: None,
        bytes: None,
        ..expect
    };
    for rest in ["", " \"GET /a", " GET /a HTTP/1.1 200 7"] {
        check_raw(&format!("192.0.2.1 - - {TIME}{rest}"), no_request.clone());
    }
}

#[test]
fn a_column_may_stand_between_the_time_and_the_request() {
    for between in ["", " (0 s)", " 0.012 [x]", " a\"b"] {
        let line = format!(r#"192.0.2.1 - - {TIME}{between} "GET /a HTTP/1.1" 200 7"#);
        check_raw(&line, raw_logged());
    }
}

#[test]
fn a_target_is_passed_on_as_it_stands() {
    let check = |request: &str, method: &str, path: &str| {
        let expect = RawHit {
            method: method.into(),
            path: path.into(),
            ..raw_logged()
        };
        let line = format!(r#"192.0.2.1 - - {TIME} "{request}" 200 7 "-" "-""#);
        check_raw(&line, expect);
    };
    check(
        "CONNECT www.example.com:443 HTTP/1.1",
        "CONNECT",
        "www.example.com:443",
    );
    check("GET api/v1/users HTTP/1.1", "GET", "api/v1/users");
    check("GET www.example.com/i HTTP/1.1", "GET", "www.example.com/i");
    check("GET ?q=1 HTTP/1.1", "GET", "?q=1");
    check(r"GET /a\x00.php HTTP/1.1", "GET", "/a\0.php");
    check(r"GET /a\x09b HTTP/1.1", "GET", "/a\tb");
    check(
        r"GET /a\x0a198.51.100.9 HTTP/1.1",
        "GET",
        "/a\n198.51.100.9",
    );
    check("GET  HTTP/1.1", "GET", "");
    check("GET /a\"b\"c HTTP/1.1", "GET", "/a\"b\"c");
    let long = format!("/{}", "a".repeat(10_000));
    check(&format!("GET {long} HTTP/1.1"), "GET", &long);
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced() {
    let start = format!("192.0.2.1 - - {TIME} \"GET /caf");
    let mut body = start.clone().into_bytes();
    body.extend_from_slice(b"\xe9 HTTP/1.1\" 200 7\n");
    body.extend_from_slice(format!("{start}\\xE9 HTTP/1.1\" 200 7").as_bytes());
    let expect = Ok(RawHit {
        path: "/caf\u{fffd}".into(),
        ..raw_logged()
    });
    assert_eq!(raw_all(&body, Lines::Any), [expect.clone(), expect]);
}

#[test]
fn a_number_that_is_none_is_out_of_its_range() {
    let check = |rest: &str, status, bytes| {
        let expect = RawHit {
            status,
            bytes,
            ..raw()
        };
        let line = format!(r#"192.0.2.1 - - {TIME} "GET /a HTTP/1.1"{rest}"#);
        check_raw(&line, expect);
    };
    check(r#" 000 0 "-" "-""#, Some(0), Some(0));
    check(r#" 0 0 "-" "-""#, Some(0), Some(0));
    check(r#" 999 5 "-" "-""#, Some(999), Some(5));
    check(r#" 200 -1 "-" "-""#, Some(200), Some(BYTES_UNUSABLE));
    check(r#" 200 "-" "-""#, Some(200), None);
    check(" 200", Some(200), None);
    check("", None, None);
    check(" +200 +7", Some(STATUS_UNUSABLE), Some(BYTES_UNUSABLE));
    check(
        " 70000 99999999999999999999",
        Some(STATUS_UNUSABLE),
        Some(BYTES_UNUSABLE),
    );
    check(" ok 1.5", Some(STATUS_UNUSABLE), Some(BYTES_UNUSABLE));
}

#[test]
fn an_address_is_passed_on_as_it_stands() {
    for ip in [
        "2001:db8::1",
        "[2001:db8::4]:443",
        "[2001:db8::4]",
        "192.0.2.4:51234",
        "fe80::a00:27ff:fe00:4%enp0s8",
        "192.0.2.1, 198.51.100.7",
        "192.0.2.1,198.51.100.7",
        "192.0.2.1 , 198.51.100.7",
        "unknown, 192.0.2.1",
        "example.com",
        "-",
    ] {
        let line = format!(r#"{ip} - - {TIME} "GET /a HTTP/1.1" 200 7"#);
        let expect = RawHit {
            ip: ip.into(),
            ..raw_logged()
        };
        check_raw(&line, expect);
    }
}

#[test]
fn the_name_of_a_virtual_host_may_come_first() {
    // A caller chooses the name, if the server writes the header `Host`.
    for host in [
        "www.example.com:443",
        "www.example.com",
        "198.51.100.9",
        "198.51.100.9:443",
        "[2001:db8::9]:443",
        "_",
    ] {
        let line = format!(r#"{host} 192.0.2.1 - - {TIME} "GET /a HTTP/1.1" 200 7"#);
        check_raw(&line, raw_logged());
    }
    let line = format!(r#"www.example.com 2001:db8::1 - [x] {TIME} "GET /a HTTP/1.1" 200 7"#);
    let expect = RawHit {
        ip: "2001:db8::1".into(),
        ..raw_logged()
    };
    check_raw(&line, expect);
}

#[test]
fn a_response_time_is_behind_the_user_agent() {
    let check = |rest: &str, response_time_us| {
        let expect = RawHit {
            user_agent: Some("x".into()),
            response_time_us,
            ..raw_logged()
        };
        let line = format!(r#"192.0.2.1 - - {TIME} "GET /a HTTP/1.1" 200 7 "-" "x" {rest}"#);
        check_raw(&line, expect);
    };
    check("0.012", Some(12_000));
    check("1234", Some(1_234));
    check(r#""203.0.113.9" 0.123 ""#, Some(123_000));
    check(r#""203.0.113.9" 1234"#, Some(1_234));
    check(r#"rt=0.5 uct="0.000" uht="0.001""#, Some(500_000));
    // As the controller of Kubernetes for nginx writes it: the length of the request comes first.
    check(
        "345 0.001 [api-80] [] 10.0.0.1:8080 12 0.001 200 4e1f",
        Some(1_000),
    );
    // As Apache's combinedio: bytes in and out.
    check("345 5678", None);
    // As Traefik: the number of the request, and the time with its unit.
    check(r#"1 "api@docker" "http://10.0.0.1:80" 5ms"#, Some(5_000));
    check(r#"- "-" -"#, None);
    check("-0.5", Some(RESPONSE_TIME_UNUSABLE_US));
    check("1e99.0 inf nan", None);
}

#[test]
fn text_of_a_caller_makes_no_other_hit() {
    let forged = r#"198.51.100.9 - - [17/May/2001:10:05:03 +0000] "GET /x HTTP/1.1" 200 7 "-" "-""#;
    for line in [
        format!(r#"192.0.2.1 - {forged} {TIME} "GET /a HTTP/1.1" 200 7"#),
        format!(r#"192.0.2.1 - - {TIME} "GET /{forged} HTTP/1.1" 200 7"#),
        format!(r#"192.0.2.1 - - {TIME} "GET /a HTTP/1.1" 200 7 "{forged}" "{forged}""#),
    ] {
        assert_eq!(raw_line(&line).unwrap().ip, "192.0.2.1", "{line}");
    }
}
