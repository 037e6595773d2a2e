#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const NOW_MS: u64 = 1_747_476_303_000;

fn raw() -> RawHit {
    RawHit {
        ip: "192.0.2.1".into(),
        method: "GET".into(),
        path: "/".into(),
        ..RawHit::default()
    }
}

/// Changes a valid hit and checks it. The error has the refused field and the reason.
fn check(change: impl FnOnce(&mut RawHit)) -> Result<Hit, String> {
    let mut raw = raw();
    change(&mut raw);
    raw.check(NOW_MS).map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn check_ip(input: &str, expect: Result<&str, &str>) {
    let got = check(|raw| raw.ip = input.into()).map(|hit| hit.ip.to_string());
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
}

#[track_caller]
fn check_method(input: &str, expect: Result<&str, &str>) {
    let got = check(|raw| raw.method = input.into()).map(|hit| hit.method);
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
}

#[track_caller]
fn check_path(input: &str, expect: Result<&str, &str>) {
    let got = check(|raw| raw.path = input.into()).map(|hit| hit.path);
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
}

#[track_caller]
fn check_country(input: &str, expect: Result<&str, &str>) {
    let got = check(|raw| raw.country = Some(input.into())).map(|hit| hit.country.unwrap());
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
}

#[test]
fn a_minimal_hit_happened_now_and_knows_nothing_else() {
    let hit = Hit {
        ip: [192, 0, 2, 1].into(),
        timestamp_ms: NOW_MS,
        method: "GET".into(),
        path: "/".into(),
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
    };
    assert_eq!(check(|_| ()), Ok(hit));
}

#[test]
fn an_address_is_canonical() {
    check_ip("192.0.2.1", Ok("192.0.2.1"));
    check_ip("2001:DB8:0:0::1", Ok("2001:db8::1"));
    check_ip("::ffff:192.0.2.1", Ok("192.0.2.1"));
    check_ip("::", Ok("::"));
    check_ip("0.0.0.0", Ok("0.0.0.0"));
}

#[test]
fn what_is_no_address_is_refused() {
    let inputs = [
        "",
        " 192.0.2.1",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:80",
        "[::1]",
        "example.com",
    ];
    for input in inputs {
        check_ip(input, Err("ip: not an IP address"));
    }
    check_ip(
        "fe80::1%eth0",
        Err("ip: an address with a zone is not global"),
    );
}

#[test]
fn a_method_is_any_token_in_upper_case() {
    check_method("get", Ok("GET"));
    check_method("M-SEARCH", Ok("M-SEARCH"));
    check_method("x!#$%&'*+-.^_`|~9", Ok("X!#$%&'*+-.^_`|~9"));
    check_method("", Err("method: empty"));
    for input in ["G T", "GET\n", "G(T", "GÉT", "\"GET\""] {
        let expect = "method: not a method: expected letters, digits or !#$%&'*+-.^_`|~";
        check_method(input, Err(expect));
    }
}

#[test]
fn a_method_may_have_32_bytes_and_no_more() {
    check_method(&"A".repeat(32), Ok(&"A".repeat(32)));
    check_method(&"A".repeat(33), Err("method: longer than 32 bytes"));
}

#[test]
fn a_path_loses_its_query_fragment_and_host() {
    check_path("/a/b", Ok("/a/b"));
    check_path("/a?b=/c", Ok("/a"));
    check_path("/a#b?c", Ok("/a"));
    check_path("/a b/é", Ok("/a b/é"));
    check_path("//a", Ok("//a"));
    check_path("http://example.com/a?b", Ok("/a"));
    check_path("HTTPS://[::1]:8080/a", Ok("/a"));
    check_path("http://example.com", Ok("/"));
    check_path("http://example.com?a=/b", Ok("/"));
    check_path("/http://example.com/a", Ok("/http://example.com/a"));
    check_path("*", Ok("*"));
}

#[test]
fn what_is_no_path_is_refused() {
    check_path("", Err("path: empty"));
    check_path("?a", Err("path: empty"));
    check_path("#a", Err("path: empty"));
    for input in [
        "a",
        "**",
        "example.com:443",
        "ftp://example.com/a",
        "http://",
        "http:///a",
        "é",
        " /",
    ] {
        check_path(input, Err("path: expected /path, http://host/path or *"));
    }
    for input in ["/\0", "/a\nb", "/\u{7f}", "/\u{85}"] {
        check_path(input, Err("path: contains a control character"));
    }
}

#[test]
fn a_path_may_have_2048_bytes_after_the_cut_and_no_more() {
    let longest = format!("/{}", "a".repeat(PATH_BYTES_MAX - 1));
    check_path(&longest, Ok(&longest));
    check_path(&format!("http://example.com{longest}?b=c"), Ok(&longest));
    check_path(&format!("{longest}a"), Err("path: longer than 2048 bytes"));
}

#[test]
fn a_hit_may_be_five_minutes_ahead_and_no_more() {
    let timestamp = |ms| check(|raw| raw.timestamp_ms = Some(ms)).map(|hit| hit.timestamp_ms);
    assert_eq!(
        timestamp(NOW_MS + FUTURE_MS_MAX),
        Ok(NOW_MS + FUTURE_MS_MAX)
    );
    let expect = Err("timestamp: more than 5 minutes in the future".to_owned());
    assert_eq!(timestamp(NOW_MS + FUTURE_MS_MAX + 1), expect);
    assert_eq!(timestamp(u64::MAX), expect);
}

#[test]
fn a_time_in_seconds_is_not_taken_for_milliseconds() {
    let timestamp = |ms| check(|raw| raw.timestamp_ms = Some(ms)).map(|hit| hit.timestamp_ms);
    let expect = "timestamp: expected milliseconds since 1970, this looks like seconds";
    for seconds in [0, NOW_MS / 1_000, TIMESTAMP_MS_MIN - 1] {
        assert_eq!(timestamp(seconds), Err(expect.to_owned()));
    }
    assert_eq!(timestamp(TIMESTAMP_MS_MIN), Ok(TIMESTAMP_MS_MIN));
}

#[test]
fn a_status_is_from_100_to_599() {
    let status = |status| check(|raw| raw.status = Some(status)).map(|hit| hit.status);
    for good in [100, 204, 599] {
        assert_eq!(status(good), Ok(Some(good)));
    }
    for bad in [0, 99, 600, u16::MAX] {
        let expect = "status: expected an integer from 100 to 599";
        assert_eq!(status(bad), Err(expect.to_owned()));
    }
}

#[test]
fn a_response_may_take_a_day_and_no_more() {
    let time = |us| check(|raw| raw.response_time_us = Some(us)).map(|hit| hit.response_time_us);
    assert_eq!(time(0), Ok(Some(0)));
    assert_eq!(time(RESPONSE_TIME_US_MAX), Ok(Some(RESPONSE_TIME_US_MAX)));
    let expect = Err("responseTimeMs: longer than a day".to_owned());
    assert_eq!(time(RESPONSE_TIME_US_MAX + 1), expect);
    assert_eq!(time(u64::MAX), expect);
}

#[test]
fn a_response_may_have_a_tebibyte_and_no_more() {
    let bytes = |bytes| check(|raw| raw.bytes = Some(bytes)).map(|hit| hit.bytes);
    assert_eq!(bytes(0), Ok(Some(0)));
    assert_eq!(bytes(RESPONSE_BYTES_MAX), Ok(Some(RESPONSE_BYTES_MAX)));
    let expect = Err("bytes: more than 1 TiB".to_owned());
    assert_eq!(bytes(RESPONSE_BYTES_MAX + 1), expect);
}

#[test]
fn a_country_is_a_code_of_two_in_upper_case() {
    check_country("DE", Ok("DE"));
    check_country("de", Ok("DE"));
    check_country("t1", Ok("T1"));
    for input in ["", "-", "--", "1T", "D", "DEU", "unknown", "é"] {
        check_country(
            input,
            Err("country: expected a code of two letters, or null"),
        );
    }
}

#[test]
fn a_user_agent_is_cut_at_256_bytes_on_a_characters_edge() {
    let agent = |agent: &str| {
        let hit = check(|raw| raw.user_agent = Some(agent.into())).unwrap();
        hit.user_agent
    };
    assert_eq!(agent(""), None);
    assert_eq!(agent(&"a".repeat(256)), Some("a".repeat(256)));
    assert_eq!(agent(&"a".repeat(257)), Some("a".repeat(256)));
    assert_eq!(
        agent(&format!("{}é", "a".repeat(254))).map(|agent| agent.len()),
        Some(256)
    );
    assert_eq!(
        agent(&format!("{}é", "a".repeat(255))),
        Some("a".repeat(255))
    );
}
