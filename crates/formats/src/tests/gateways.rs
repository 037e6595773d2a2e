//! JSON of gateways, recognised by its keys.

use super::*;
use crate::line_format::Reader;

/// Reads a line in the format of a name, and in any format.
#[track_caller]
fn check_gateway(name: &str, line: &str, expect: RawHit) {
    let line = line.replace('\n', " ");
    assert_eq!(raw_line(&line), Ok(expect.clone()), "{line}");
    let expect = [Ok(expect)];
    assert_eq!(raw_all(line.as_bytes(), Lines::Json), expect, "{line}");
    let format = LINE_FORMATS
        .iter()
        .find(|format| format.name == name)
        .unwrap();
    assert_eq!(
        raw_all(line.as_bytes(), Lines::Of(format)),
        expect,
        "{line}"
    );
}

fn full() -> RawHit {
    RawHit {
        path: "/x?y=1".into(),
        status: Some(200),
        response_time_us: Some(12_000),
        bytes: Some(15),
        user_agent: Some("curl/8".into()),
        ..raw()
    }
}

#[test]
fn every_map_of_a_format_is_valid_and_reads_its_keys() {
    for format in LINE_FORMATS {
        if let Reader::Map { map, .. } = format.reader {
            assert!(map.parse::<FieldMap>().is_ok(), "{}: {map}", format.name);
        }
    }
}

#[test]
fn nginx_json_is_read() {
    check_gateway(
        "nginx",
        r#"{"time_iso8601": "2025-05-17T10:05:03+00:00", "remote_addr": "192.0.2.1",
            "request_method": "GET", "request_uri": "/x?y=1", "status": "200",
            "body_bytes_sent": "15", "request_time": "0.012", "http_user_agent": "curl/8"}"#,
        full(),
    );
    check_gateway(
        "nginx",
        r#"{"msec": "1747476303.000", "remote_addr": "2001:db8::1", "request": "GET /x?y=1 HTTP/1.1",
            "status": 200, "bytes_sent": 15, "request_time": 0.012, "http_user_agent": "curl/8"}"#,
        RawHit {
            ip: "2001:db8::1".into(),
            ..full()
        },
    );
    check_gateway(
        "nginx",
        r#"{"time_local": "17/May/2025:10:05:03 +0000", "remote_addr": "192.0.2.1",
            "request": "", "status": "400", "request_time": "", "http_user_agent": "-"}"#,
        RawHit {
            method: String::new(),
            path: String::new(),
            status: Some(400),
            ..raw()
        },
    );
}

#[test]
fn nginx_without_json_escapes_is_read() {
    let line = r#"{"msec": 1747476303, "remote_addr": "192.0.2.1", "request": "GET /caf\xC3\xA9\x22 HTTP/1.1", "http_user_agent": "\x22, \x22remote_addr\x22: \x22198.51.100.9\xFF"}"#;
    check_gateway(
        "nginx",
        line,
        RawHit {
            path: "/caf\u{e9}\"".into(),
            user_agent: Some("\", \"remote_addr\": \"198.51.100.9\u{fffd}".into()),
            ..raw()
        },
    );
}

#[test]
fn a_key_given_twice_is_refused() {
    let line = r#"{"msec": 1747476303, "remote_addr": "192.0.2.1", "http_user_agent": "", "remote_addr": "198.51.100.9"}"#;
    assert!(raw_line(line).is_err());
    for format in LINE_FORMATS {
        let all = raw_all(line.as_bytes(), Lines::Of(format));
        assert!(all.iter().all(Result::is_err), "{}", format.name);
    }
}

#[test]
fn caddy_is_read() {
    check_gateway(
        "caddy",
        r#"{"level": "info", "ts": 1747476303.0, "logger": "http.log.access", "msg": "handled request",
            "request": {"remote_ip": "198.51.100.9", "client_ip": "192.0.2.1", "proto": "HTTP/2.0",
            "method": "GET", "host": "example.com", "uri": "/x?y=1",
            "headers": {"User-Agent": ["curl/8"], "X-Forwarded-For": ["198.51.100.9"]}},
            "duration": 0.012, "size": 15, "status": 200}"#,
        full(),
    );
    check_gateway(
        "caddy",
        r#"{"ts": "2025-05-17T10:05:03.000Z", "request": {"remote_addr": "[2001:db8::1]:443",
            "method": "GET", "uri": "/a", "headers": {}}, "status": 0}"#,
        RawHit {
            ip: "[2001:db8::1]:443".into(),
            status: Some(0),
            ..raw()
        },
    );
}

#[test]
fn traefik_json_is_read() {
    check_gateway(
        "traefik",
        r#"{"ClientAddr": "192.0.2.1:52458", "ClientHost": "192.0.2.1", "DownstreamContentSize": 15,
            "DownstreamStatus": 200, "Duration": 12000000, "RequestMethod": "GET",
            "RequestPath": "/x?y=1", "StartUTC": "2025-05-17T10:05:03Z",
            "time": "2025-05-17T10:05:04Z", "request_User-Agent": "curl/8"}"#,
        full(),
    );
}

#[test]
fn envoy_json_is_read() {
    check_gateway(
        "envoy-json",
        r#"{"start_time": "2025-05-17T10:05:03.000Z", "method": "GET", "path": "/x?y=1",
            "protocol": "HTTP/1.1", "response_code": 200, "bytes_sent": 15, "duration": 12,
            "x_forwarded_for": "198.51.100.9", "user_agent": "curl/8", "response_flags": "-",
            "downstream_remote_address": "192.0.2.1:51000"}"#,
        RawHit {
            ip: "192.0.2.1:51000".into(),
            ..full()
        },
    );
    check_gateway(
        "envoy-json",
        r#"{"start_time": "2025-05-17T10:05:03.000Z", "method": "GET",
            "x-envoy-origin-path": "/x?y=1", "response_code": "200", "bytes_sent": "15",
            "duration": "12", "x-forwarded-for": "192.0.2.1", "user-agent": "curl/8"}"#,
        full(),
    );
}

#[test]
fn haproxy_json_is_read() {
    check_gateway(
        "haproxy-json",
        r#"{"client_ip": "192.0.2.1", "request_date": "17/May/2025:10:05:03 +0000",
            "method": "GET", "uri": "/x?y=1", "status": 200, "bytes": 15, "active_time": 12,
            "user_agent": "curl/8"}"#,
        full(),
    );
}

#[test]
fn kong_and_apisix_are_read() {
    check_gateway(
        "kong",
        r#"{"client_ip": "192.0.2.1", "started_at": 1747476303000,
            "latencies": {"request": 12, "kong": 1, "proxy": 11},
            "request": {"method": "GET", "uri": "/x?y=1", "size": 78,
            "headers": {"user-agent": "curl/8", "host": "example.com"}},
            "response": {"status": 200, "size": "15", "headers": {}}}"#,
        full(),
    );
    check_gateway(
        "apisix",
        r#"{"client_ip": "192.0.2.1", "start_time": 1747476303000, "latency": 12.0,
            "request": {"method": "GET", "uri": "/x?y=1", "headers": {"user-agent": "curl/8"}},
            "response": {"status": 200, "size": 15}, "route_id": "1"}"#,
        full(),
    );
}

#[test]
fn clouds_are_read() {
    check_gateway(
        "cloudflare",
        r#"{"ClientIP": "192.0.2.1", "ClientRequestMethod": "GET", "ClientRequestURI": "/x?y=1",
            "EdgeResponseStatus": 200, "EdgeResponseBytes": 15, "EdgeTimeToFirstByteMs": 12,
            "EdgeStartTimestamp": 1747476303000000000, "ClientCountry": "de",
            "ClientRequestUserAgent": "curl/8"}"#,
        RawHit {
            country: Some("de".into()),
            ..full()
        },
    );
    check_gateway(
        "azure",
        r#"{"time": "2025-05-17T10:05:03.0000000Z", "category": "FrontDoorAccessLog",
            "properties": {"httpMethod": "GET", "requestUri": "https://example.com:443/x?y=1",
            "clientIp": "198.51.100.9", "socketIp": "192.0.2.1", "httpStatusCode": "200",
            "responseBytes": "15", "timeTaken": "0.012", "userAgent": "curl/8"}}"#,
        RawHit {
            path: "https://example.com:443/x?y=1".into(),
            ..full()
        },
    );
    check_gateway(
        "google",
        r#"{"httpRequest": {"remoteIp": "192.0.2.1", "requestMethod": "GET",
            "requestUrl": "https://example.com/x?y=1", "status": 200, "latency": "0.012s",
            "responseSize": "15", "userAgent": "curl/8"}, "timestamp": "2025-05-17T10:05:03Z"}"#,
        RawHit {
            path: "https://example.com/x?y=1".into(),
            ..full()
        },
    );
    check_gateway(
        "cloudfront-json",
        r#"{"date": "2025-05-17", "time": "10:05:03", "c-ip": "192.0.2.1", "cs-method": "GET",
            "cs-uri-stem": "/a", "sc-status": "200", "sc-bytes": "15", "time-taken": "0.012",
            "cs(User-Agent)": "curl/8"}"#,
        RawHit {
            path: "/a".into(),
            ..full()
        },
    );
}

#[test]
fn an_object_without_address_or_time_is_refused() {
    let check = |line: &str, expect: &str| assert_eq!(raw_line(line), Err(expect.to_owned()));
    check(r#"{"remote_addr": "192.0.2.1"}"#, "timestamp: missing");
    check(
        r#"{"level": "info", "ts": 1, "request": {"uri": "/"}}"#,
        "ip: missing",
    );
    check(r#"{"msg": "started"}"#, "ip: missing");
}

#[test]
fn objects_of_several_formats_may_be_mixed() {
    let own = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a", "timestamp": 1747476303000}"#;
    let nginx = r#"{"msec": 1747476303, "remote_addr": "192.0.2.1", "request": "GET /a"}"#;
    let traefik = r#"{"ClientHost": "192.0.2.1", "time": "2025-05-17T10:05:03Z", "RequestMethod": "GET", "RequestPath": "/a"}"#;
    let body = [nginx, own, traefik, nginx, "nginx: {}", own].join("\n");
    let all = raw_all(body.as_bytes(), Lines::Any);
    let hits: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
    assert_eq!(hits, vec![raw(); 5]);
}

#[test]
fn a_document_may_hold_objects_of_a_gateway() {
    let own = r#"{"ip": "192.0.2.1", "method": "GET", "path": "/a"}"#;
    let kong = r#"{
        "client_ip": "192.0.2.1", "started_at": 1747476303000, "latencies": {},
        "request": {"method": "GET", "uri": "/a"}, "response": {}
    }"#;
    let read = |body: &str| read(body.as_bytes(), Format::Json, NOW_MS).unwrap();
    assert_eq!(read(kong).hits, [hit()]);
    let intake = read(&format!("[{kong}, {own}, {{}}, {kong}, 1]"));
    assert_eq!(intake.hits, [hit(), hit(), hit()]);
    assert_eq!(refusals(&intake), ["3 ip: missing", "5 expected an object"]);
}
