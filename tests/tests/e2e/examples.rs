//! The examples: requests go through the gateway, and the middleware in front of it records them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rollcall_host::HostConfig;
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::upstream::{PIECE_BYTES, Upstream};
use rollcall_tests::{App, PATIENCE, component, workspace};
use serde_json::Value;

fn gateway(upstream: &str, change: impl FnOnce(&mut HostConfig)) -> App {
    component("gateway");
    component("middleware");
    App::start_with(|config| {
        config.manifest = workspace().join("examples/gateway/spin.toml");
        config.variables.insert("upstream".into(), upstream.into());
        change(config);
    })
}

/// Waits until this number of hits is counted. More must not come.
fn wait_for_hits(app: &App, expect: u64) {
    let since = Instant::now();
    loop {
        let stats = app.json("/admin/global-stats?timeRange=1h");
        let counted = stats["totalRequests"].as_u64().unwrap();
        if counted >= expect {
            assert_eq!(counted, expect);
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{counted} of {expect} hits");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Hits, bytes, and hits by status, by path key.
type Paths = BTreeMap<String, (u64, u64, Value)>;

fn paths(app: &App) -> Paths {
    let top = app.json("/admin/top-paths?timeRange=1h&limit=100");
    let path = |path: &Value| {
        (
            path["pathKey"].as_str().unwrap().to_owned(),
            (
                path["totalRequests"].as_u64().unwrap(),
                path["totalBytes"].as_u64().unwrap(),
                path["statusCodes"].clone(),
            ),
        )
    };
    top["paths"].as_array().unwrap().iter().map(path).collect()
}

#[test]
fn every_request_through_the_gateway_is_counted_with_status_path_address_and_bytes() {
    let upstream = Upstream::start();
    let app = gateway(&upstream.url(), |_| {});
    let (small, large) = ("x".repeat(1_000), vec![b'y'; 3 << 20]);
    let send = |method: &str, path: &str, body: &[u8], status: u16, response: &[u8]| {
        let answer = app.send(method, path, &[], body);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(
            answer.body == response,
            "{method} {path}: {} bytes",
            answer.body.len()
        );
    };
    // More than one instance takes.
    for _ in 0..150 {
        send("GET", "/items?token=secret", b"", 200, b"hello");
    }
    send("GET", "/", b"", 200, b"hello");
    send("HEAD", "/items", b"", 200, b"");
    send("DELETE", "/empty", b"", 204, b"");
    send("POST", "/items", small.as_bytes(), 201, small.as_bytes());
    send("POST", "/items", &large, 201, &large);
    send("POST", "/items", b"", 201, b"");
    send("GET", "/missing", b"", 404, b"no");
    send("GET", "/broken", b"", 500, b"sorry");
    send("GET", "/pieces/64", b"", 200, &vec![b'x'; 64 * PIECE_BYTES]);
    drop(upstream);
    let down = app.send("GET", "/down", &[], b"");
    assert_eq!(down.status, 502);
    assert_eq!(down.json()["detail"], "The upstream did not answer.");
    wait_for_hits(&app, 160);

    let path = |key: &str, hits: u64, bytes: usize, status: u16| {
        let statuses = serde_json::json!({ status.to_string(): hits });
        (key.to_owned(), (hits, bytes as u64, statuses))
    };
    let expect = Paths::from([
        path("GET /items", 150, 150 * 5, 200),
        path("GET /", 1, 5, 200),
        path("HEAD /items", 1, 0, 200),
        path("DELETE /empty", 1, 0, 204),
        path("POST /items", 3, small.len() + large.len(), 201),
        path("GET /missing", 1, 2, 404),
        path("GET /broken", 1, 5, 500),
        path("GET /pieces/64", 1, 64 * PIECE_BYTES, 200),
        path("GET /down", 1, down.body.len(), 502),
    ]);
    assert_eq!(paths(&app), expect);
    let ips = app.json("/admin/top-ips?timeRange=1h");
    assert_eq!(ips["ips"].as_array().unwrap().len(), 1, "{ips}");
    assert_eq!(ips["ips"][0]["ip"], "127.0.0.1");
    let time = &ips["ips"][0]["avgResponseTime"];
    assert!(time.as_f64().unwrap() > 0.0, "{time}");
}

#[test]
fn a_forged_address_is_not_believed_and_the_upstream_learns_the_true_one() {
    let upstream = Upstream::start();
    let app = gateway(&upstream.url(), |_| {});
    let forged = [
        ("spin-client-addr", "6.6.6.6:6"),
        ("x-forwarded-for", "7.7.7.7"),
        ("keep-alive", "timeout=5"),
    ];
    assert_eq!(app.send("GET", "/items", &forged, b"").status, 200);
    let head = upstream.take_head().unwrap();
    let told: Vec<_> = head.get_all("x-forwarded-for").iter().collect();
    assert_eq!(told, ["7.7.7.7", "127.0.0.1"]);
    assert!(!head.keys().any(|name| name.as_str().starts_with("spin-")));
    assert!(!head.contains_key("keep-alive"), "{head:?}");
    assert_eq!(head["host"], upstream.url().trim_start_matches("http://"));
    wait_for_hits(&app, 1);
    let ips = app.json("/admin/top-ips?timeRange=1h");
    assert_eq!(ips["ips"][0]["ip"], "127.0.0.1", "{ips}");
}

#[test]
fn behind_a_trusted_proxy_a_hit_is_its_clients() {
    let upstream = Upstream::start();
    let app = gateway(&upstream.url(), |config| {
        let trusted = ("trusted_proxies".into(), "127.0.0.1, 10.0.0.0/8".into());
        config.variables.extend([trusted]);
    });
    let far = "6.6.6.6, ".repeat(200) + "192.0.2.3, 10.0.0.9";
    for (header, value) in [
        ("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.9"),
        ("forwarded", "for=6.6.6.6, for=\"192.0.2.2:80\""),
        ("x-forwarded-for", &far),
    ] {
        assert_eq!(app.send("GET", "/", &[(header, value)], b"").status, 200);
    }
    // One of them was written by the client.
    let both = [
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=192.0.2.4"),
    ];
    assert_eq!(app.send("GET", "/", &both, b"").status, 200);
    wait_for_hits(&app, 4);
    let top = app.json("/admin/top-ips?timeRange=1h");
    let ips = top["ips"].as_array().unwrap().iter();
    let mut ips: Vec<_> = ips.map(|ip| ip["ip"].as_str().unwrap()).collect();
    ips.sort_unstable();
    assert_eq!(ips, ["127.0.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]);
}

#[test]
fn bodies_are_not_kept_in_memory_and_a_client_that_leaves_is_counted() {
    const PIECES: usize = 4_096;
    let upstream = Upstream::start();
    let app = gateway(&upstream.url(), |_| {});
    let answer = app.send("GET", &format!("/pieces/{PIECES}"), &[], b"");
    assert_eq!(answer.body.len(), PIECES * PIECE_BYTES);
    let peak = app.host().memory_peak("gateway");
    assert!((1..16 << 20).contains(&peak), "{peak} bytes");

    let mut client = TcpStream::connect(app.host().addr()).unwrap();
    client
        .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    client.read_exact(&mut vec![0; 10 * PIECE_BYTES]).unwrap();
    drop(client);
    wait_for_hits(&app, 2);
    let (hits, bytes, _) = paths(&app)["GET /endless"].clone();
    assert_eq!(hits, 1);
    assert!(bytes > 9 * PIECE_BYTES as u64, "{bytes}");
}

#[test]
fn while_the_store_is_slow_responses_are_not() {
    const REQUESTS: u64 = 60;
    let upstream = Upstream::start();
    let store = Moody::default();
    let app = gateway(&upstream.url(), |config| {
        config.store_layer = Some(store.layer());
    });
    assert_eq!(app.send("GET", "/items", &[], b"").status, 200);
    wait_for_hits(&app, 1);
    store.set_mood(Mood::Slow(2_000));
    let longest = (0..REQUESTS).map(|_| {
        let since = Instant::now();
        assert_eq!(app.send("GET", "/items", &[], b"").status, 200);
        let took = since.elapsed();
        std::thread::sleep(Duration::from_millis(50));
        took
    });
    let longest = longest.max().unwrap();
    println!("The longest response took {longest:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    store.set_mood(Mood::Fine);
    wait_for_hits(&app, 1 + REQUESTS);
}

#[test]
fn a_burst_beyond_the_buffer_loses_no_response_and_every_hit_is_counted_or_told_as_lost() {
    const SENT: u64 = 2_000;
    let upstream = Upstream::start();
    let calls = Calls::default();
    calls.rule("/collect", |_| Fate::Held);
    let lost = Arc::new(Mutex::new(0));
    let told = lost.clone();
    let app = gateway(&upstream.url(), |config| {
        config.chain_layer = Some(calls.layer());
        // All requests come to one instance, which has one buffer.
        config.reuse.requests_max = usize::MAX;
        config.log_layer = Some(Arc::new(move |component, line| {
            let hits = lost_by(line);
            assert!(hits == 0 || component == "gateway", "{component}: {line}");
            *told.lock().unwrap() += hits;
        }));
    });
    // One at a time, so that no other instance begins.
    for _ in 0..SENT {
        let answer = app.send("GET", "/items", &[], b"");
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, &b"hello"[..])
        );
    }
    calls.release();
    let since = Instant::now();
    loop {
        let stats = app.json("/admin/global-stats?timeRange=1h");
        let counted = stats["totalRequests"].as_u64().unwrap();
        let lost = *lost.lock().unwrap();
        if counted + lost >= SENT {
            assert_eq!(counted + lost, SENT, "{counted} counted, {lost} lost");
            assert!(
                counted >= 1_000 && lost > 0,
                "{counted} counted, {lost} lost"
            );
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{counted} counted, {lost} lost");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The hits that a line of the log tells as lost.
fn lost_by(line: &str) -> u64 {
    let Some(fields) = line.strip_prefix("level=error event=hits-lost hits=") else {
        return 0;
    };
    assert!(fields.ends_with("why=\"the buffer was full\""), "{line}");
    fields.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn hits_that_are_never_acknowledged_are_told_as_lost() {
    let upstream = Upstream::start();
    let calls = Calls::default();
    calls.rule("/collect", |_| Fate::CalleeTraps);
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let app = gateway(&upstream.url(), |config| {
        config.chain_layer = Some(calls.layer());
        config.log_layer = Some(Arc::new(move |_, line| {
            if line.contains("hits-lost") {
                lines.lock().unwrap().push(line.to_owned());
            }
        }));
    });
    assert_eq!(app.send("GET", "/items", &[], b"").body, b"hello");
    let since = Instant::now();
    while log.lock().unwrap().is_empty() {
        assert!(since.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(calls.made("/collect"), 4);
    let why = "the collector answered 500 Internal Server Error";
    let expect = format!("level=error event=hits-lost hits=1 why={why:?}");
    assert_eq!(*log.lock().unwrap(), [expect]);
    assert_eq!(app.send("GET", "/items", &[], b"").body, b"hello");
}

#[test]
fn a_batch_whose_acknowledgement_is_lost_counts_once() {
    let upstream = Upstream::start();
    let calls = Calls::default();
    // The first call takes longer than its caller waits.
    calls.rule("/collect", |n| Fate::Call(if n == 0 { 9_000 } else { 0 }));
    let app = gateway(&upstream.url(), |config| {
        config.chain_layer = Some(calls.layer());
    });
    assert_eq!(app.send("GET", "/items", &[], b"").status, 200);
    wait_for_hits(&app, 1);
    assert_eq!(calls.made("/collect"), 2);
}

#[test]
fn the_gateways_manifest_is_the_apps_with_the_gateway_added() {
    let read = |path: &str| -> toml::Table {
        let text = std::fs::read_to_string(workspace().join(path)).unwrap();
        text.parse().unwrap()
    };
    let (mut app, mut gateway) = (read("spin.toml"), read("examples/gateway/spin.toml"));
    for of in [&mut app, &mut gateway] {
        of.remove("application").unwrap();
    }
    let router = app["component"]["router"].as_table_mut().unwrap();
    router.remove("build").unwrap();
    let components = gateway["component"].as_table_mut().unwrap();
    components.remove("gateway").unwrap();
    components.remove("middleware").unwrap();
    for (_, component) in components {
        let here = |source: &mut toml::Value| {
            let from = source.as_str().unwrap().strip_prefix("../../");
            *source = from.unwrap().into();
        };
        here(&mut component["source"]);
        if let Some(files) = component.get_mut("files") {
            files
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .for_each(|files| here(&mut files["source"]));
        }
    }
    gateway["variables"]
        .as_table_mut()
        .unwrap()
        .remove("upstream")
        .unwrap();
    let routes = app["trigger"]["http"].as_array_mut().unwrap();
    routes.retain(|route| !matches!(route["route"].as_str(), Some("/" | "/healthz")));
    let routes = gateway["trigger"]["http"].as_array_mut().unwrap();
    routes.retain(|route| route["component"].as_str() != Some("gateway"));
    assert_eq!(gateway, app);
}
