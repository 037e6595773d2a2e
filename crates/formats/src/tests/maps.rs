//! Fields that a user names.

use super::*;

#[track_caller]
fn check_map(map: &str, line: &str, expect: Result<RawHit, &str>) {
    let map: FieldMap = map.parse().unwrap();
    let all = raw_all(line.as_bytes(), Lines::Mapped(&map));
    let got: Vec<_> = all
        .iter()
        .map(|raw| raw.as_ref().map_err(String::as_str))
        .collect();
    assert_eq!(got, [expect.as_ref().map_err(|error| *error)], "{line}");
}

#[test]
fn a_map_names_the_fields_of_an_object() {
    let map = "ip=a.addr | b, time=t:s, request=r, status=s, duration=d:ms, bytes=z, agent=h.ua, \
               country=c, host=x";
    let expect = RawHit {
        status: Some(200),
        response_time_us: Some(12_500),
        bytes: Some(7),
        country: Some("DE".into()),
        user_agent: Some("curl/8".into()),
        ..raw()
    };
    let line = r#"{"a": {"addr": "192.0.2.1"}, "t": 1747476303, "r": "GET /a HTTP/1.1", "s": 200,
        "d": 12.5, "z": 7, "h": {"ua": ["curl/8"]}, "c": "DE"}"#;
    check_map(map, &line.replace('\n', " "), Ok(expect.clone()));
    let line = r#"{"a.addr": "-", "b": "192.0.2.1", "t": "1747476303.0", "r": "GET /a HTTP/1.1",
        "s": "200", "d": "12.5", "z": "7", "h.ua": "curl/8", "c": "DE"},"#;
    check_map(map, &line.replace('\n', " "), Ok(expect));
}

#[test]
fn a_map_names_the_columns_of_a_line() {
    let map = "ip=1,time=4,request=5,status=6,bytes=7,agent=9,duration=10:s";
    let line = r#"192.0.2.1 - "a b" [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 - "-" "x \"y\"" 0.5"#;
    let expect = RawHit {
        status: Some(200),
        response_time_us: Some(500_000),
        user_agent: Some("x \"y\"".into()),
        ..raw()
    };
    check_map(map, line, Ok(expect));
    check_map(
        "time=1,ip=2,path=3,method=4",
        "1747476303\t192.0.2.1\t/a\tGET",
        Ok(raw()),
    );
    check_map(map, "192.0.2.1 - -", Err("timestamp: missing"));
    check_map("ip=3,time=1", "1747476303 x", Err("ip: missing"));
    check_map(
        "ip=1,time=2",
        "[2001:db8::1]:443 1747476303",
        Ok(RawHit {
            ip: "[2001:db8::1]:443".into(),
            method: String::new(),
            path: String::new(),
            ..raw()
        }),
    );
}

#[test]
fn a_column_that_looks_like_a_prefix_is_one() {
    let with_paths = "time=1,ip=2,method=3,path=4";
    check_map(
        with_paths,
        "2025-05-17T10:05:03Z 192.0.2.1 GET /a",
        Ok(raw()),
    );
    let map = "ip=a,time=t,method=m,path=p";
    let line = r#"gw-1  | {"a": "192.0.2.1", "t": 1747476303, "m": "GET", "p": "/a"}"#;
    check_map(map, line, Ok(raw()));
}

#[test]
fn a_time_is_text_or_a_number_since_1970() {
    let check = |unit: &str, time: &str, expect: Result<u64, &str>| {
        let map = format!("ip=ip,time=t{unit},method=m,path=p");
        let line = format!(r#"{{"ip": "192.0.2.1", "t": {time}, "m": "GET", "p": "/a"}}"#);
        check_map(
            &map,
            &line,
            expect.map(|ms| RawHit {
                timestamp_ms: Some(ms),
                ..raw()
            }),
        );
    };
    for (unit, time) in [
        (":s", "1747476303"),
        (":ms", "1747476303000"),
        (":us", "1747476303000000"),
        (":ns", "1747476303000000000"),
        ("", "1747476303"),
        ("", "1747476303.0"),
        ("", "\"1747476303.000\""),
        ("", "1747476303000"),
        ("", "1747476303000000"),
        ("", "1747476303000000000"),
        ("", "\"2025-05-17T10:05:03Z\""),
        ("", "\"2025-05-17T12:05:03.000+0200\""),
        ("", "\"2025-05-17 10:05:03\""),
        ("", "\"17/May/2025:10:05:03.000\""),
        (":s", "\"17/May/2025:12:05:03 +0200\""),
    ] {
        check(unit, time, Ok(NOW_MS));
    }
    check("", "1747476303.81", Ok(NOW_MS + 810));
    check(":s", "-1", Err("timestamp: before 1970"));
    check("", "null", Err("timestamp: missing"));
    for time in ["\"now\"", "\"\u{e9}\u{e9}\u{e9}\"", "\"nan\""] {
        check(
            "",
            time,
            Err("timestamp: expected a time of RFC 3339, or a number since 1970"),
        );
    }
    check_map(
        "ip=a,time=d+t,method=m,path=p",
        r#"{"a": "192.0.2.1", "d": "2025-05-17", "t": "10:05:03", "m": "GET", "p": "/a"}"#,
        Ok(raw()),
    );
}

#[test]
fn a_number_of_a_map_that_is_none_is_out_of_its_range() {
    let check = |value: &str, status, bytes, response_time_us| {
        let line = format!(
            r#"{{"ip": "192.0.2.1", "t": 1747476303, "m": "GET", "p": "/a", "n": {value}}}"#
        );
        check_map(
            "ip=ip,time=t,method=m,path=p,status=n,bytes=n,duration=n:s",
            &line,
            Ok(RawHit {
                status,
                bytes,
                response_time_us,
                ..raw()
            }),
        );
    };
    let unusable = Some(RESPONSE_TIME_UNUSABLE_US);
    check("null", None, None, None);
    check("\"-\"", None, None, None);
    check("\"\"", None, None, None);
    check("200.0", Some(200), Some(200), Some(200_000_000));
    check(
        "\"0.123s\"",
        Some(STATUS_UNUSABLE),
        Some(BYTES_UNUSABLE),
        Some(123_000),
    );
    check(
        "\"5ms\"",
        Some(STATUS_UNUSABLE),
        Some(BYTES_UNUSABLE),
        Some(5_000),
    );
    check("-1", Some(STATUS_UNUSABLE), Some(BYTES_UNUSABLE), unusable);
    check(
        "\"0.1, 0.2\"",
        Some(STATUS_UNUSABLE),
        Some(BYTES_UNUSABLE),
        unusable,
    );
    check(
        "70000",
        Some(STATUS_UNUSABLE),
        Some(70_000),
        Some(70_000_000_000),
    );
    check("{}", None, None, None);
    check("true", None, None, None);
}

#[test]
fn a_map_that_is_wrong_says_why() {
    let check = |map: &str, expect: &str| {
        let error = map.parse::<FieldMap>().unwrap_err();
        assert_eq!(error.to_string(), expect, "{map}");
    };
    check("", "no source for ip");
    check("time=t", "no source for ip");
    check("ip", "`ip`: expected target=source");
    check("ip=a,ip=b", "`ip` is given twice");
    check("ip=", "`ip=`: a name is empty");
    check("ip=a||b", "`ip=a||b`: a name is empty");
    check(
        "ip=a,duration=b",
        "duration needs a unit: :s, :ms, :us or :ns",
    );
    check("ip=a,status=b:s", "`status` takes no unit");
    check(&"a".repeat(5_000), "longer than 4096 bytes");
    let error = "ip=a,port=b".parse::<FieldMap>().unwrap_err().to_string();
    assert!(
        error.starts_with("`port` is no target: expected ip, time, "),
        "{error}"
    );
}

#[test]
fn a_name_may_have_a_colon_or_points() {
    check_map(
        "ip=a.b.c,time=:time,path=p.0.q,method=p.1",
        r#"{"a": {"b.c": "192.0.2.1"}, ":time": 1747476303, "p": [{"q": "/a"}, "GET"]}"#,
        Ok(raw()),
    );
}

#[test]
fn a_mapped_body_is_read_and_checked() {
    let map: FieldMap = "ip=a,time=t,path=p,method=m".parse().unwrap();
    let context = Context {
        map: Some(&map),
        ..NOW_MS.into()
    };
    let line = r#"{"a": "192.0.2.1", "t": 1747476303, "p": "/a", "m": "GET"}"#;
    let body = format!("[\n{line},\n{{}},\n{line}\n]");
    let intake = read(body.as_bytes(), Format::Mapped, context).unwrap();
    assert_eq!(intake.hits, [hit(), hit()]);
    assert_eq!(refusals(&intake), ["3 ip: missing"]);
    assert_eq!(read(b" ", Format::Mapped, context), Err(IntakeError::Empty));
    assert_eq!(read(b"x", Format::Mapped, NOW_MS), Err(IntakeError::NoMap));
}
