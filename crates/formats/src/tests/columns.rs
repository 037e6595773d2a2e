//! Text formats with columns of their own.

use super::*;

/// Reads a body in the format of a name, and in any format.
#[track_caller]
fn check_columns(name: &str, body: &str, expect: &[Result<RawHit, &str>]) {
    let format = LINE_FORMATS
        .iter()
        .find(|format| format.has_name(name))
        .unwrap();
    for lines in [Lines::Of(format), Lines::Any] {
        let all = raw_all(body.as_bytes(), lines);
        let got: Vec<_> = all
            .iter()
            .map(|raw| raw.as_ref().map_err(String::as_str))
            .collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|raw| raw.as_ref().map_err(|error| *error))
            .collect();
        assert_eq!(got, expect, "{body}");
    }
}

fn full() -> RawHit {
    RawHit {
        status: Some(200),
        bytes: Some(15),
        user_agent: Some("curl/8".into()),
        ..raw()
    }
}

#[test]
fn an_application_load_balancer_is_read() {
    let line = |client: &str, times: &str, status: &str, request: &str, agent: &str| {
        format!(
            r#"https 2025-05-17T10:05:03.000000Z app/lb/ab {client} 10.0.0.1:80 {times} {status} 200 225 15 "{request}" "{agent}" ECDHE TLSv1.2 arn:x "Root=1" "www.example.com" "-" 0 2025-05-17T10:05:03Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#
        )
    };
    let url = "GET https://www.example.com:443/a HTTP/1.1";
    let expect = RawHit {
        path: "https://www.example.com:443/a".into(),
        response_time_us: Some(103_000),
        ..full()
    };
    let check = |line: String, expect| check_columns("aws-alb", &line, &[Ok(expect)]);
    check(
        line("192.0.2.1:2817", "0.001 0.102 0.000", "200", url, "curl/8"),
        expect.clone(),
    );
    for client in [
        "2001:db8::1:2817",
        "2001:db8:0:0:0:0:0:1:2817",
        "[2001:db8::1]:2817",
    ] {
        let ip = client.strip_suffix(":2817").unwrap().to_owned();
        let line = line(client, "0.001 0.102 0.000", "200", url, "curl/8");
        check(
            line,
            RawHit {
                ip,
                ..expect.clone()
            },
        );
    }
    let missing = RawHit {
        method: String::new(),
        path: String::new(),
        status: None,
        response_time_us: None,
        user_agent: None,
        ..expect.clone()
    };
    check(
        line(
            "192.0.2.1:2817",
            "-1 -1 -1",
            "-",
            "- http://example.com:80- -",
            "-",
        ),
        missing,
    );
    let forged = r#"x\" 198.51.100.9 - - [17/May/2025:10:05:03 +0000] \"GET /x"#;
    let agent = Some(forged.replace('\\', ""));
    check(
        line("192.0.2.1:2817", "0.001 0.102 0.000", "200", url, forged),
        RawHit {
            user_agent: agent,
            ..expect
        },
    );
}

#[test]
fn a_classic_load_balancer_is_read() {
    let line = r#"2025-05-17T10:05:03.000000Z my-lb 192.0.2.1:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 15 "GET http://www.example.com:80/a HTTP/1.1" "curl/8" - -"#;
    let expect = RawHit {
        path: "http://www.example.com:80/a".into(),
        response_time_us: Some(1_178),
        ..full()
    };
    check_columns("aws-clb", line, &[Ok(expect)]);
    let line = r#"2025-05-17T10:05:03.000000Z my-lb 2001:db8::1:2817 - -1 -1 -1 - - 82 15 "- - - " "-" - -"#;
    let expect = RawHit {
        ip: "2001:db8::1".into(),
        method: String::new(),
        path: String::new(),
        status: None,
        user_agent: None,
        ..full()
    };
    check_columns("aws-clb", line, &[Ok(expect)]);
}

#[test]
fn a_network_load_balancer_is_read() {
    for (client, ip) in [
        ("192.0.2.1:51341", "192.0.2.1"),
        ("2001:db8::1:51341", "2001:db8::1"),
    ] {
        let line = format!(
            "tls 2.0 2025-05-17T10:05:03 net/lb/c6e7 g3d4 {client} 10.0.0.1:443 5 2 98 15 - arn:x - ECDHE tlsv12 - my.example.com - - -"
        );
        let expect = RawHit {
            ip: ip.into(),
            bytes: Some(15),
            timestamp_ms: Some(NOW_MS),
            ..RawHit::default()
        };
        check_columns("aws-nlb", &line, &[Ok(expect)]);
    }
    let flaw = "timestamp: expected a time";
    let format = LINE_FORMATS
        .iter()
        .find(|format| format.name == "aws-nlb")
        .unwrap();
    assert_eq!(
        raw_all(b"tls 2.0 now", Lines::Of(format)),
        [Err(flaw.into())]
    );
}

#[test]
fn cloudfront_is_read() {
    let body = "#Version: 1.0\n\
        #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) time-taken\n\
        2025-05-17\t10:05:03\tFRA2\t15\t192.0.2.1\tGET\td.example.net\t/a\t200\tcurl/8\t0.012\n\
        2025-05-17\t10:05:03\tFRA2\t-\t2001:db8::1\tGET\td.example.net\t/a\t000\tMozilla/5.0%20(X)%22%0a\t-\n\
        2025-05-17\t10:05:03\tFRA2\t15\n\
        #Fields: time date c-ip cs-method cs-uri-stem\n\
        10:05:03\t2025-05-17\t192.0.2.1\tGET\t/a\n";
    let first = RawHit {
        response_time_us: Some(12_000),
        ..full()
    };
    let second = RawHit {
        ip: "2001:db8::1".into(),
        status: Some(0),
        bytes: None,
        user_agent: Some("Mozilla/5.0 (X)\"\n".into()),
        ..full()
    };
    let flaw = "expected 11 columns, as in #Fields";
    check_columns(
        "cloudfront",
        body,
        &[Ok(first), Ok(second), Err(flaw), Ok(raw())],
    );
}

#[test]
fn iis_is_read() {
    let body = "#Software: Microsoft Internet Information Services 10.0\r\n\
        #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status time-taken sc-bytes\r\n\
        2025-05-17 10:05:03 10.0.0.1 GET /a x=1 443 - 192.0.2.1 Mozilla/5.0+(X) 200 12 15\r\n\
        2025-05-17 10:05:03 10.0.0.1 GET /a - 443 a[b\" 192.0.2.1 \"198.51.100.9+-+-+[17/May/2025 200 12 15\r\n";
    let first = RawHit {
        response_time_us: Some(12_000),
        user_agent: Some("Mozilla/5.0 (X)".into()),
        ..full()
    };
    let second = RawHit {
        user_agent: Some("\"198.51.100.9 - - [17/May/2025".into()),
        ..first.clone()
    };
    check_columns("iis", body, &[Ok(first), Ok(second)]);
    let body = "#Date: 2025-05-17 00:00:00\n#Fields: time c-ip cs-method cs-uri-stem\n10:05:03 192.0.2.1 GET /a\n";
    check_columns("w3c", body, &[Ok(raw())]);
}

#[test]
fn a_line_of_w3c_needs_the_names_of_its_columns() {
    let body = "2025-05-17 10:05:03 192.0.2.1 GET /a\n";
    check_columns("w3c", body, &[Err("no line #Fields: before this line")]);
}

#[test]
fn haproxy_is_read() {
    let line = |client: &str, rest: &str| {
        format!("{client} [17/May/2025:10:05:03.000] http-in static/srv1 {rest}")
    };
    let expect = RawHit {
        response_time_us: Some(109_000),
        user_agent: None,
        ..full()
    };
    let rest = r#"10/0/30/69/109 200 15 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /a HTTP/1.1""#;
    for prefix in [
        "",
        "Feb  6 12:14:14 localhost haproxy[14389]: ",
        "<134>Feb  6 12:14:14 haproxy[1]: ",
    ] {
        let line = format!("{prefix}{}", line("192.0.2.1:33317", rest));
        check_columns("haproxy", &line, &[Ok(expect.clone())]);
    }
    let v6 = RawHit {
        ip: "2001:db8::1".into(),
        ..expect.clone()
    };
    check_columns("haproxy", &line("2001:db8::1:33317", rest), &[Ok(v6)]);
    // A header of the caller, and a line that HAProxy has cut.
    let rest = r#"10/0/30/69/+109 200 +15 - - ---- 1/1/1/1/0 0/0 {[17/May/2001:10:05:03 +0000] #22} "GET /a"#;
    check_columns("haproxy", &line("192.0.2.1:33317", rest), &[Ok(expect)]);
    let bad = RawHit {
        method: String::new(),
        path: String::new(),
        status: Some(STATUS_UNUSABLE),
        bytes: Some(0),
        response_time_us: Some(RESPONSE_TIME_UNUSABLE_US),
        ..raw()
    };
    let rest = r#"-1/-1/-1/-1/-1 -1 0 - - PR-- 1/1/1/1/0 0/0 "<BADREQ>""#;
    check_columns(
        "haproxy",
        &line("192.0.2.1:33317", rest),
        &[Ok(bad.clone())],
    );
    let tcp = RawHit {
        status: None,
        bytes: Some(212),
        response_time_us: Some(5_007_000),
        ..bad
    };
    check_columns(
        "haproxy",
        &line("192.0.2.1:33317", "0/0/5007 212 -- 0/0/0/0/3 0/0"),
        &[Ok(tcp)],
    );
}

#[test]
fn envoy_is_read() {
    let line = |request: &str, forwarded: &str, agent: &str| {
        format!(
            r#"[2025-05-17T10:05:03.000Z] "{request}" 200 - 154 15 226 100 "{forwarded}" "{agent}" "cc21d9b0" "locations" "tcp://10.0.2.1:80""#
        )
    };
    let expect = RawHit {
        response_time_us: Some(226_000),
        ..full()
    };
    check_columns(
        "envoy",
        &line("GET /a HTTP/2", "192.0.2.1", "curl/8"),
        &[Ok(expect.clone())],
    );
    let list = RawHit {
        ip: "198.51.100.9, 2001:db8::1".into(),
        ..expect.clone()
    };
    check_columns(
        "envoy",
        &line("GET /a HTTP/2", "198.51.100.9, 2001:db8::1", "curl/8"),
        &[Ok(list)],
    );
    let missing = "ip: missing: Envoy wrote no x-forwarded-for";
    check_columns("envoy", &line("- - -", "-", "-"), &[Err(missing)]);
    let forged = r#"/x HTTP/2" 200 - 0 0 0 0 "198.51.100.9" "x"#;
    let flaw = "expected 6 quoted fields, without quotes inside";
    check_columns(
        "envoy",
        &line(&format!("GET {forged}"), "192.0.2.1", "x"),
        &[Err(flaw)],
    );
    check_columns(
        "envoy",
        &line("GET /a HTTP/2", "192.0.2.1", "a\" b"),
        &[Err(flaw)],
    );
    let istio = r#"[2025-05-17T10:05:03.000Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 15 226 4 "198.51.100.9" "curl/8" "84961386" "httpbin:8000" "10.44.1.23:80" inbound|80|| 127.0.0.1:80 10.44.1.23:80 192.0.2.1:46520 outbound_.8000 default"#;
    let expect = RawHit {
        ip: "192.0.2.1:46520".into(),
        ..expect
    };
    check_columns("istio", istio, &[Ok(expect.clone())]);
    let unknown = RawHit {
        ip: expect.ip,
        timestamp_ms: expect.timestamp_ms,
        ..RawHit::default()
    };
    for quotes in [
        "\"",
        "\" \"",
        "\" 200 - 0 0 0 0 \"198.51.100.9\" \"x\" \"",
        "\"\"\"\"\"\"\"\"\"\"\"",
    ] {
        let line = istio.replace("/a", quotes);
        check_columns("istio", &line, &[Ok(unknown.clone())]);
    }
}

#[test]
fn traefik_text_is_read_as_an_access_log() {
    let line = r#"2001:db8::1 - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" 200 15 "-" "curl/8" 1 "api@docker" "http://10.0.0.1:80" 5ms"#;
    let expect = RawHit {
        ip: "2001:db8::1".into(),
        response_time_us: Some(5_000),
        ..full()
    };
    check_columns("access-log", line, &[Ok(expect)]);
}

#[test]
fn a_line_that_docker_wrapped_is_read() {
    let log = r#"{"log":"192.0.2.1 - - [17/May/2025:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 15 \"-\" \"curl/8\"\n","stream":"stdout","time":"2025-05-17T10:05:04Z"}"#;
    assert_eq!(raw_line(log), Ok(full()));
    let json = r#"{"log":"{\"msec\": 1747476303, \"remote_addr\": \"192.0.2.1\", \"request\": \"GET /a\"}\n","stream":"stdout","time":"2025-05-17T10:05:04Z"}"#;
    assert_eq!(raw_line(json), Ok(raw()));
}

#[test]
fn columns_of_w3c_may_be_in_quotes() {
    let body = "#Fields: date time cs-method cs-uri-stem c-ip cs(User-Agent) sc-status sc-bytes\n\
        2025-05-17 10:05:03.000 GET /a \"192.0.2.1\" \"Mozilla/5.0 (X)\" 200 15\n\
        \"2025-05-17\" \"10:05:03\" \"GET\" \"/a\" \"192.0.2.1\" \"curl/8\" \"200\" \"15\"\n\
        2025-05-17  10:05:03  GET  /a  192.0.2.1  \"a \"\"b\"\" c+d\"  200  15\n\
        2025-05-17 10:05:03 GET /a 192.0.2.1 \"a \" 9 9 200 15\n\
        2025-05-17 10:05:03 GET /a 192.0.2.1 \"a b 200 15\n";
    let agent = |agent: &str| RawHit {
        user_agent: Some(agent.into()),
        ..full()
    };
    check_columns(
        "w3c",
        body,
        &[
            Ok(agent("Mozilla/5.0 (X)")),
            Ok(agent("curl/8")),
            Ok(agent("a \"b\" c+d")),
            Err("expected 8 columns, as in #Fields"),
            Err("expected 8 columns, as in #Fields"),
        ],
    );
}

#[test]
fn nginx_proxy_manager_is_read() {
    let line = |head: &str, target: &str, ip: &str, agent: &str| {
        format!(
            r#"[17/May/2025:10:05:03 +0000] {head} - GET https www.example.com "{target}" [Client {ip}] [Length 15] [Gzip -] [Sent-to 10.0.0.1] "{agent}" "-""#
        )
    };
    let check = |line: String, expect| check_columns("nginx-proxy-manager", &line, &[Ok(expect)]);
    for head in ["200", "- 200 200", "HIT 200 200", "- 502, 200 200"] {
        check(line(head, "/a", "192.0.2.1", "curl/8"), full());
    }
    let v6 = RawHit {
        ip: "2001:db8::1".into(),
        ..full()
    };
    check(line("200", "/a", "2001:db8::1", "curl/8"), v6);
    let hostile = RawHit {
        path: r#"/" [Client 198.51.100.9] ""#.into(),
        user_agent: Some(r#"x" [Client 198.51.100.9]"#.into()),
        ..full()
    };
    let target = r"/\x22 [Client 198.51.100.9] \x22";
    check(
        line("200", target, "192.0.2.1", r"x\x22 [Client 198.51.100.9]"),
        hostile,
    );
    let missing = RawHit {
        path: String::new(),
        status: None,
        user_agent: None,
        ..full()
    };
    check(line("-", "", "192.0.2.1", "-"), missing);
    let cut = r#"[17/May/2025:10:05:03 +0000] 200 - GET https www.example.com "/a" [Clie"#;
    check_columns("nginx-proxy-manager", cut, &[Err("ip: missing")]);
}

#[test]
fn amazon_s3_is_read() {
    let line = |ip: &str, request: &str, numbers: &str, agent: &str| {
        let owner = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
        format!(
            r#"{owner} b [17/May/2025:10:05:03 +0000] {ip} - 3E57427F33A59F07 REST.GET.OBJECT a {request} {numbers} "-" {agent} - Ke1b= SigV4"#
        )
    };
    let check = |line: String, expect| check_columns("aws-s3", &line, &[Ok(expect)]);
    let timed = RawHit {
        response_time_us: Some(12_000),
        ..full()
    };
    let (request, numbers) = (r#""GET /a HTTP/1.1""#, "200 - 15 15 12 10");
    check(
        line("192.0.2.1", request, numbers, r#""curl/8""#),
        timed.clone(),
    );
    let v6 = RawHit {
        ip: "2001:db8::1".into(),
        ..timed.clone()
    };
    check(line("2001:db8::1", request, numbers, r#""curl/8""#), v6);
    let missing = RawHit {
        method: String::new(),
        path: String::new(),
        ..raw()
    };
    check(line("192.0.2.1", "-", "- - - - - -", "-"), missing);
    let hostile = RawHit {
        user_agent: Some(r#"x" 198.51.100.9"#.into()),
        ..timed
    };
    let agent = r#""x\" 198.51.100.9""#;
    check(line("192.0.2.1", request, numbers, agent), hostile);
}

#[test]
fn squid_is_read() {
    let line = |ip: &str, result: &str, request: &str| {
        format!("1747476303.000     12 {ip} {result} 15 {request} - HIER_DIRECT/10.0.0.1 text/html")
    };
    let check = |line: String, expect| check_columns("squid", &line, &[Ok(expect)]);
    let timed = RawHit {
        response_time_us: Some(12_000),
        user_agent: None,
        ..full()
    };
    check(line("192.0.2.1", "TCP_MISS/200", "GET /a"), timed.clone());
    let tunnel = RawHit {
        ip: "2001:db8::1".into(),
        method: "CONNECT".into(),
        path: "www.example.com:443".into(),
        ..timed.clone()
    };
    check(
        line(
            "2001:db8::1",
            "TCP_TUNNEL/200",
            "CONNECT www.example.com:443",
        ),
        tunnel,
    );
    let aborted = RawHit {
        method: "NONE".into(),
        path: "error:invalid-request".into(),
        status: Some(STATUS_UNUSABLE),
        ..timed
    };
    let cut = line("192.0.2.1", "NONE/x", "NONE error:invalid-request");
    check(cut, aborted);
}
