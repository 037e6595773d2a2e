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
    repaired(change).map(|(hit, _)| hit)
}

/// The same, with what had to be repaired.
fn repaired(change: impl FnOnce(&mut RawHit)) -> Result<(Hit, Repairs), String> {
    let mut raw = raw();
    change(&mut raw);
    let mut repairs = Repairs::default();
    let hit = raw.check(NOW_MS, &Rules::default(), &mut repairs);
    hit.map(|hit| (hit.unwrap(), repairs))
        .map_err(|refusal| refusal.to_string())
}

/// One hit with these repairs.
fn one(change: impl FnOnce(&mut Repairs)) -> Repairs {
    let mut repairs = Repairs {
        hits: 1,
        ..Repairs::default()
    };
    change(&mut repairs);
    repairs
}

#[track_caller]
fn check_ip(input: &str, expect: Result<&str, &str>) {
    let got = check(|raw| raw.ip = input.into()).map(|hit| hit.ip.to_string());
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{input:?}");
}

#[track_caller]
fn check_method(input: &str, expect: &str, repairs: Repairs) {
    let (hit, made) = repaired(|raw| raw.method = input.into()).unwrap();
    assert_eq!((hit.method.as_str(), made), (expect, repairs), "{input:?}");
}

#[track_caller]
fn check_path(input: &str, expect: &str, repairs: Repairs) {
    let (hit, made) = repaired(|raw| raw.path = input.into()).unwrap();
    assert_eq!((hit.path.as_str(), made), (expect, repairs), "{input:?}");
}

const NONE: Repairs = Repairs {
    hits: 0,
    unknown_requests: 0,
    cut_paths: 0,
    replaced_text: 0,
    unknown_statuses: 0,
    unknown_response_times: 0,
    unknown_bytes: 0,
    unknown_countries: 0,
};

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
        told: Default::default(),
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
fn an_address_loses_brackets_port_and_zone() {
    check_ip("192.0.2.1:80", Ok("192.0.2.1"));
    check_ip("[2001:db8::1]:443", Ok("2001:db8::1"));
    check_ip("[::1]", Ok("::1"));
    check_ip("fe80::1%eth0", Ok("fe80::1"));
    check_ip("[fe80::1%25eth0]:80", Ok("fe80::1"));
    check_ip(" 192.0.2.1\t", Ok("192.0.2.1"));
}

#[test]
fn of_a_list_of_addresses_the_last_counts() {
    check_ip("192.0.2.1, 198.51.100.7", Ok("198.51.100.7"));
    check_ip("192.0.2.1,[2001:db8::1]:80", Ok("2001:db8::1"));
    check_ip("unknown, 192.0.2.1", Ok("192.0.2.1"));
    check_ip("192.0.2.1, unknown", Err("ip: not an IP address"));
}

#[test]
fn what_is_no_address_is_refused() {
    let inputs = [
        "",
        "192.0.2",
        "192.0.2.256",
        "example.com",
        "example.com:80",
        "-",
        ",",
        "unix:",
        "[",
        "%",
    ];
    for input in inputs {
        check_ip(input, Err("ip: not an IP address"));
    }
}

#[test]
fn a_method_is_any_token_in_upper_case_and_anything_else_is_unknown() {
    check_method("get", "GET", NONE);
    check_method("M-SEARCH", "M-SEARCH", NONE);
    check_method("x!#$%&'*+-.^_`|~9", "X!#$%&'*+-.^_`|~9", NONE);
    check_method(&"A".repeat(32), &"A".repeat(32), NONE);
    let unknown = one(|repairs| repairs.unknown_requests = 1);
    for input in ["", "G T", "GET\n", "G(T", "GÉT", "\"GET\"", &"A".repeat(33)] {
        check_method(input, UNKNOWN_METHOD, unknown);
    }
}

#[test]
fn a_path_loses_its_query_fragment_and_host() {
    for (input, expect) in [
        ("/a/b", "/a/b"),
        ("/a?b=/c", "/a"),
        ("/a#b?c", "/a"),
        ("/a b/é", "/a b/é"),
        ("//a", "//a"),
        ("http://example.com/a?b", "/a"),
        ("HTTPS://[::1]:8080/a", "/a"),
        ("http://example.com", "/"),
        ("%68ttp://example.com/a", "/a"),
        ("http://example.com?a=/b", "/"),
        ("/http://example.com/a", "/http://example.com/a"),
    ] {
        check_path(input, expect, NONE);
    }
}

#[test]
fn a_target_that_is_no_path_is_kept_as_it_is() {
    for target in [
        "*",
        "a",
        "example.com:443",
        "ftp://example.com/a",
        "http://",
        "é",
        " /",
    ] {
        check_path(target, target, NONE);
    }
    let unknown = one(|repairs| repairs.unknown_requests = 1);
    for target in ["", "?a", "#a"] {
        check_path(target, UNKNOWN_PATH, unknown);
    }
}

#[test]
fn control_characters_and_bytes_that_are_no_text_are_replaced() {
    let replaced = one(|repairs| repairs.replaced_text = 1);
    for (input, expect) in [
        ("/\0", "/\u{FFFD}"),
        ("/a\nb", "/a\u{FFFD}b"),
        ("/\u{7f}\u{85}", "/\u{FFFD}\u{FFFD}"),
        ("/\u{FFFD}", "/\u{FFFD}"),
    ] {
        check_path(input, expect, replaced);
    }
}

#[test]
fn a_path_has_2048_bytes_and_a_longer_one_is_cut() {
    let longest = format!("/{}", "a".repeat(PATH_BYTES_MAX - 1));
    check_path(&longest, &longest, NONE);
    check_path(&format!("http://example.com{longest}?b=c"), &longest, NONE);
    let cut = one(|repairs| repairs.cut_paths = 1);
    let kept = format!("/{}…", "a".repeat(PATH_BYTES_MAX - 4));
    assert_eq!(kept.len(), PATH_BYTES_MAX);
    check_path(&format!("{longest}a"), &kept, cut);
    check_path(&"/é".repeat(4_000), &format!("{}/…", "/é".repeat(681)), cut);
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
fn a_number_out_of_its_range_is_unknown() {
    for good in [100, 204, 599] {
        let (hit, made) = repaired(|raw| raw.status = Some(good)).unwrap();
        assert_eq!((hit.status, made), (Some(good), NONE));
    }
    for bad in [0, 99, 600, u16::MAX] {
        let (hit, made) = repaired(|raw| raw.status = Some(bad)).unwrap();
        assert_eq!(
            (hit.status, made),
            (None, one(|repairs| repairs.unknown_statuses = 1))
        );
    }
    for good in [0, RESPONSE_TIME_US_MAX] {
        let (hit, made) = repaired(|raw| raw.response_time_us = Some(good)).unwrap();
        assert_eq!((hit.response_time_us, made), (Some(good), NONE));
    }
    for bad in [RESPONSE_TIME_US_MAX + 1, u64::MAX] {
        let (hit, made) = repaired(|raw| raw.response_time_us = Some(bad)).unwrap();
        let unknown = one(|repairs| repairs.unknown_response_times = 1);
        assert_eq!((hit.response_time_us, made), (None, unknown));
    }
    for good in [0, RESPONSE_BYTES_MAX] {
        let (hit, made) = repaired(|raw| raw.bytes = Some(good)).unwrap();
        assert_eq!((hit.bytes, made), (Some(good), NONE));
    }
    let (hit, made) = repaired(|raw| raw.bytes = Some(RESPONSE_BYTES_MAX + 1)).unwrap();
    assert_eq!(
        (hit.bytes, made),
        (None, one(|repairs| repairs.unknown_bytes = 1))
    );
}

#[test]
fn a_country_is_a_code_of_two_in_upper_case() {
    let country = |input: &str| {
        let (hit, made) = repaired(|raw| raw.country = Some(input.into())).unwrap();
        (hit.country, made)
    };
    for (input, expect) in [("DE", "DE"), ("de", "DE"), ("t1", "T1")] {
        assert_eq!(country(input), (Some(expect.to_owned()), NONE));
    }
    for input in ["", "-", "--", "1T", "D", "DEU", "unknown", "é"] {
        let unknown = one(|repairs| repairs.unknown_countries = 1);
        assert_eq!(country(input), (None, unknown), "{input:?}");
    }
}

#[test]
fn a_hit_with_many_repairs_is_one_hit_and_a_refused_hit_is_none() {
    let mut repairs = Repairs::default();
    let raw = || RawHit {
        ip: "192.0.2.1".into(),
        status: Some(0),
        ..RawHit::default()
    };
    for _ in 0..2 {
        raw()
            .check(NOW_MS, &Rules::default(), &mut repairs)
            .unwrap();
    }
    let both = Repairs {
        hits: 2,
        unknown_requests: 2,
        unknown_statuses: 2,
        ..NONE
    };
    assert_eq!(repairs, both);
    let refused = RawHit {
        ip: "-".into(),
        ..raw()
    };
    refused
        .check(NOW_MS, &Rules::default(), &mut repairs)
        .unwrap_err();
    assert_eq!(repairs, both);
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

#[test]
fn a_target_that_is_a_url_tells_the_host() {
    let host = |path: &str, host: Option<&str>| {
        let hit = check(|hit| {
            hit.path = path.into();
            hit.host = host.map(str::to_owned);
        });
        hit.unwrap().told.get(Dimension::Host).clone()
    };
    let api = Some("api.example".to_owned());
    assert_eq!(host("https://API.example:443/a?b", None), api);
    assert_eq!(host("http://api.example?b", None), api);
    assert_eq!(host("http://other.example/", Some("api.example")), api);
    assert_eq!(host("/a", None), None);
    assert_eq!(host("api.example:443", None), None);
}

#[test]
fn the_user_agent_tells_its_programs_also_where_it_is_not_kept() {
    let bot = |user_agent: &str| {
        let hit = check(|hit| hit.user_agent = Some(user_agent.into()));
        hit.unwrap().told.get(Dimension::Bot).clone()
    };
    assert_eq!(bot("curl/8.5.0").as_deref(), Some("curl"));
    assert_eq!(
        bot("Mozilla/5.0 (compatible; GPTBot/1.2)").as_deref(),
        Some("GPTBot")
    );
    assert_eq!(
        bot("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        None
    );
    let raw = RawHit {
        user_agent: Some("curl/8.5.0".into()),
        ..raw()
    };
    let rules = Rules {
        no_user_agents: true,
        ..Rules::default()
    };
    let hit = raw
        .check(NOW_MS, &rules, &mut Repairs::default())
        .unwrap()
        .unwrap();
    assert_eq!(hit.user_agent, None);
    for dimension in [Dimension::Bot, Dimension::UserAgent] {
        assert_eq!(hit.told.get(dimension).as_deref(), Some("curl"));
    }
}
