//! The host, the consumer, the protocol and the referrer that each format tells.

use super::*;
use rollcall_tally::hit::Dimension;

/// `host consumer protocol referrer` of a line, each `-` if the line does not tell it.
#[track_caller]
fn check(body: &str, expect: &str) {
    let told = raw_told(body.as_bytes(), Lines::Any);
    let [Ok(hit)] = told.as_slice() else {
        panic!("{body} gives {told:?}")
    };
    let told = [&hit.host, &hit.consumer, &hit.protocol, &hit.referrer];
    let told = told.map(|text| text.as_deref().unwrap_or("-"));
    assert_eq!(told.join(" "), expect, "{body}");
}

#[test]
fn an_access_log_tells_protocol_referrer_and_virtual_host() {
    let end = r#"- - [17/May/2025:10:05:03 +0000] "GET /a HTTP/2.0" 200 7"#;
    check(&format!("192.0.2.1 {end}"), "- - HTTP/2.0 -");
    let combined = format!(r#"192.0.2.1 {end} "https://news.example/a" "x""#);
    check(&combined, "- - HTTP/2.0 https://news.example/a");
    let virtual_host = format!(r#"api.example:443 192.0.2.1 {end} "-" "x""#);
    check(&virtual_host, "api.example:443 - HTTP/2.0 -");
}

#[test]
fn a_user_name_of_an_access_log_is_no_consumer() {
    // Some servers write the name of a sign-in that failed.
    let line = r#"192.0.2.1 - ada [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 401 7"#;
    check(line, "- - HTTP/1.1 -");
}

#[test]
fn json_of_a_gateway_tells_what_it_has() {
    check(
        r#"{"remote_addr": "192.0.2.1", "time_iso8601": "2025-05-17T10:05:03Z",
            "host": "api.example", "server_protocol": "HTTP/2.0", "consumer": "partner X",
            "http_referer": "https://news.example/a"}"#
            .replace('\n', "")
            .as_str(),
        "api.example partner X HTTP/2.0 https://news.example/a",
    );
    check(
        r#"{"ts": 1747476303, "request": {"client_ip": "192.0.2.1", "proto": "HTTP/3.0",
            "host": "api.example", "uri": "/", "headers": {"Referer": ["https://news.example/a"]}},
            "user_id": "ada"}"#
            .replace('\n', "")
            .as_str(),
        "api.example ada HTTP/3.0 https://news.example/a",
    );
    check(
        r#"{"client_ip": "192.0.2.1", "started_at": 1747476303000, "latencies": {"request": 1},
            "request": {"headers": {"host": "api.example", "referer": "https://news.example/a"}},
            "consumer": {"username": "partner X", "id": "7d2f"}}"#
            .replace('\n', "")
            .as_str(),
        "api.example partner X - https://news.example/a",
    );
    check(
        r#"{"ClientHost": "192.0.2.1", "StartUTC": "2025-05-17T10:05:03Z",
            "RequestHost": "api.example", "RequestProtocol": "HTTP/1.1",
            "request_Referer": "https://news.example/a"}"#
            .replace('\n', "")
            .as_str(),
        "api.example - HTTP/1.1 https://news.example/a",
    );
}

#[test]
fn lines_of_load_balancers_tell_the_protocol() {
    check(
        r#"https 2025-05-17T10:05:03Z app/x 192.0.2.1:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 1 15 "GET https://www.example.com:443/a HTTP/2.0" "curl/8""#,
        "- - HTTP/2.0 -",
    );
    check(
        r#"[2025-05-17T10:05:03Z] "GET /a HTTP/2" 200 - 0 15 226 100 "192.0.2.1" "curl/8" "id" "locations" "10.0.0.1:80""#,
        "locations - HTTP/2 -",
    );
}

#[test]
fn columns_of_w3c_tell_host_protocol_and_referrer() {
    let body = "#Fields: date time c-ip cs-method cs-uri-stem cs-version cs-host cs(Referer)\n\
                2025-05-17 10:05:03 192.0.2.1 GET /a HTTP/1.1 api.example https://news.example/a\n";
    check(body, "api.example - HTTP/1.1 https://news.example/a");
}

#[test]
fn own_json_and_a_map_tell_all_four() {
    let own = r#"{"ip": "192.0.2.1", "host": "API.example:443", "consumer": "partner X",
        "protocol": "h2", "referrer": "https://news.example/a?token=secret"}"#;
    let intake = read(own.as_bytes(), Format::Json, NOW_MS).unwrap();
    let told = |dimension| intake.hits[0].told.get(dimension).as_deref();
    assert_eq!(told(Dimension::Host), Some("api.example"));
    assert_eq!(told(Dimension::Consumer), Some("partner X"));
    assert_eq!(told(Dimension::Protocol), Some("HTTP/2"));
    assert_eq!(told(Dimension::Referrer), Some("news.example"));
    let map: FieldMap = "ip=a,time=t:s,host=h,consumer=c,protocol=p,referrer=r"
        .parse()
        .unwrap();
    let line = r#"{"a": "192.0.2.1", "t": 1747476303, "h": "x", "c": 7, "p": "GRPC", "r": "y"}"#;
    let all = raw_told(line.as_bytes(), Lines::Mapped(&map));
    let hit = all[0].as_ref().unwrap();
    assert_eq!(hit.host.as_deref(), Some("x"));
    assert_eq!(hit.consumer.as_deref(), Some("7"));
    assert_eq!(hit.protocol.as_deref(), Some("GRPC"));
    assert_eq!(hit.referrer.as_deref(), Some("y"));
}
