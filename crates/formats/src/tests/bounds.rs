//! Hostile text: no reader panics, takes long, or lets a caller write a hit of another address.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const MIB: usize = 1 << 20;
/// For one line, in a build without optimisation, on a busy machine. Reading in quadratic time would
/// take minutes.
const TIME_MAX: Duration = Duration::from_secs(20);

#[test]
fn a_long_hostile_line_is_read_in_proportion_to_its_length() {
    let start = "192.0.2.1 - - ";
    let time = "[17/May/2025:10:05:03 +0000]";
    let request = format!(r#"{start}{time} "GET /a HTTP/1.1" 200 7 "-" "x" "#);
    for head in [
        "",
        start,
        &request,
        "192.0.2.1, ",
        "<190>1 a b c d e ",
        "{\"a\":",
        "#Fields: ",
        "#Fields: c-ip date time\n2025-05-17 ",
        "[2025-05-17T10:05:03Z] \"",
        "192.0.2.1:1 [17/May/2025:10:05:03.000] a b 1/1/1/1/1 200 1 ",
        "https 2025-05-17T10:05:03Z a ",
    ] {
        for part in [
            "[", "]", "\"", "\" ", "\"a ", "\\", "a ", ", ", " ,", "[1", "[a ", "{", "{\"a\":",
            "{\"", "[]", "1.", "1 ", "a=\"", time, "=", "\t", "\\x", "::", "%",
        ] {
            let line = format!("{head}{}", part.repeat(MIB / part.len()));
            let begun = Instant::now();
            let all = raw_all(line.as_bytes(), Lines::Any);
            assert!(all.len() <= 1);
            assert!(
                begun.elapsed() < TIME_MAX,
                "{head} {part} {:?}",
                begun.elapsed()
            );
        }
    }
}

#[test]
fn a_long_hostile_line_is_read_by_a_map_in_proportion_to_its_length() {
    let map: FieldMap = "ip=1,time=2,agent=3".parse().unwrap();
    for part in ["[", "[a ", "\"a ", "\" ", "]x [", "[] ", "\"\" ", "a\t"] {
        let begun = Instant::now();
        let line = part.repeat(MIB / part.len());
        assert!(raw_all(line.as_bytes(), Lines::Mapped(&map)).len() <= 1);
        let line = format!("{line}]x");
        assert!(raw_all(line.as_bytes(), Lines::Mapped(&map)).len() <= 1);
        assert!(begun.elapsed() < TIME_MAX, "{part} {:?}", begun.elapsed());
    }
}

#[test]
fn deeply_nested_json_is_refused() {
    for start in ["[", "{\"a\":", "{\"remote_addr\":["] {
        let line = format!("{{\"x\":{}", start.repeat(10_000));
        assert!(raw_line(&line).is_err());
    }
}

#[test]
fn a_path_of_a_mebibyte_is_read() {
    let path = format!("/{}", "a".repeat(MIB));
    let line = format!(r#"192.0.2.1 - - [17/May/2025:10:05:03 +0000] "GET {path} HTTP/1.1" 200 7"#);
    assert_eq!(raw_line(&line).unwrap().path, path);
}

/// As nginx and Apache write text of a caller: without quotes and ends of lines.
fn any_escaped_text() -> impl Strategy<Value = String> {
    let forged = r#"198.51.100.9 - - [17/May/2001:10:05:03 +0000] \"GET /x HTTP/1.1\" 200 7"#;
    prop_oneof![
        "[^\"\\\\\\p{Cc}]{0,80}",
        r#"([-a\[\]{}:,#=|\\x22 ]|\\"){0,80}"#,
        Just(forged.to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_caller_writes_one_hit_of_its_own_address(
        user in any_escaped_text(),
        path in any_escaped_text(),
        agent in any_escaped_text(),
    ) {
        let line = format!(
            r#"192.0.2.1 - {user} [17/May/2025:10:05:03 +0000] "GET /{path} HTTP/1.1" 200 7 "{agent}" "{agent}""#
        );
        for hit in raw_all(line.as_bytes(), Lines::Any) {
            prop_assert_eq!(hit.map(|hit| hit.ip), Ok("192.0.2.1".to_owned()));
        }
    }

    #[test]
    fn text_without_escapes_gives_no_other_address(
        user in "[^\n]{0,80}",
        agent in r#"[-a\[\]{}" \\x2]{0,80}"#,
    ) {
        let line = format!(
            r#"192.0.2.1 - {user} [17/May/2025:10:05:03 +0000] "GET /{agent} HTTP/1.1" 200 7 "-" "{agent}""#
        );
        let all = raw_all(line.as_bytes(), Lines::Any);
        prop_assert!(all.len() <= 1);
        for hit in all.into_iter().flatten() {
            prop_assert_eq!(hit.ip, "192.0.2.1");
        }
    }

    #[test]
    fn a_caller_of_a_gateway_writes_one_hit_of_its_own_address(
        path in "[!-~]{0,40}",
        agent in "[^\\p{Cc}]{0,60}",
    ) {
        for line in gateway_lines(&path, &agent) {
            let all = raw_all(line.as_bytes(), Lines::Any);
            prop_assert!(all.len() == 1, "{}", line);
            for hit in all.into_iter().flatten() {
                prop_assert!(hit.ip.starts_with("192.0.2.1"), "{}", line);
            }
        }
    }
}

/// Lines with text of a caller, as these gateways write them. Envoy's text has no escapes.
fn gateway_lines(path: &str, agent: &str) -> Vec<String> {
    let quoted = agent.replace('\\', r"\x5C").replace('"', r"\x22");
    let hashed = agent
        .replace('#', "#23")
        .replace('"', "#22")
        .replace(['{', '}'], "#7B");
    let path_in_quotes = path.replace('"', "%22");
    let json = serde_json::json!({"remote_addr": "192.0.2.1", "msec": "1747476303.000",
        "request": format!("GET /{path} HTTP/1.1"), "http_user_agent": agent});
    let caddy = serde_json::json!({"ts": 1747476303, "request": {"client_ip": "192.0.2.1",
        "uri": path, "headers": {agent: [agent], "User-Agent": [agent]}}});
    vec![
        json.to_string(),
        caddy.to_string(),
        format!(
            r#"http 2025-05-17T10:05:03Z a 192.0.2.1:1 - 0 0 0 200 200 1 1 "GET http://a/{path_in_quotes} HTTP/1.1" "{quoted}" - -"#
        ),
        format!(
            r#"192.0.2.1:1 [17/May/2025:10:05:03.000] a b/c 1/1/1/1/1 200 1 - - ---- 1/1/1/1/1 0/0 {{{hashed}}} "GET /{path_in_quotes} HTTP/1.1""#
        ),
        format!(
            r#"[2025-05-17T10:05:03Z] "GET /{path} HTTP/1.1" 200 - 0 0 0 0 "192.0.2.1" "{agent}" "id" "host" "-""#
        ),
        format!("<190>Nov 10 12:11:55 gw nginx: {json}"),
    ]
}
