//! The server is killed in the middle of an import, and started again. Then it has every
//! acknowledged hit, once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

const LINES: u64 = 400_000;
const KILLS: usize = 3;

/// A server. It is killed with SIGKILL when it is dropped.
struct Server(Child);

impl Server {
    fn start(state: &Path, port: u16) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .arg("up")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .arg("--state-dir")
            .arg(state)
            .arg("--manifest")
            .arg(workspace.join("spin.toml"))
            .env("SPIN_VARIABLE_ADMIN_TOKEN", "admin")
            .env("SPIN_VARIABLE_INGEST_TOKEN", "ingest")
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts; `cargo xtask build` makes its components");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL: nothing of the program runs after this.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An access log of two hours up to now, by a few hundred IPs.
fn access_log(path: &Path) {
    let now = jiff::Timestamp::now().as_second();
    let mut log = String::new();
    for i in 0..LINES {
        let at = jiff::Timestamp::from_second(now - (i % 7_200) as i64).unwrap();
        let at = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let (net, host) = (i * 7 % 3, i * 13 % 251);
        log += &format!(
            "198.51.{net}.{host} - - [{at}] \"GET /{} HTTP/1.1\" 200 10\n",
            i % 97
        );
    }
    fs::write(path, log).unwrap();
}

fn ask(port: u16, path: &str) -> Option<Value> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    let agent = ureq::Agent::from(agent);
    let answer = agent
        .get(format!("http://127.0.0.1:{port}{path}"))
        .header("authorization", "Bearer admin")
        .header("cache-control", "no-cache");
    let text = answer.call().ok()?.body_mut().read_to_string().ok()?;
    serde_json::from_str(&text).ok()
}

/// The hits recorded so far. `None`: the server does not answer.
fn recorded(port: u16) -> Option<u64> {
    ask(port, "/admin/global-stats?timeRange=all")?["totalRequests"].as_u64()
}

#[test]
fn killed_in_the_middle_of_an_import_it_has_every_acknowledged_hit_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    access_log(&log);
    let state = folder.path().join("state");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();

    let mut server = Server::start(&state, port);
    let mut import = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["import", log.to_str().unwrap(), "--batch-size", "200"])
        .args([
            "--url",
            &format!("http://127.0.0.1:{port}"),
            "--token",
            "ingest",
        ])
        .arg("--state-dir")
        .arg(folder.path().join("positions"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();

    let deadline = Instant::now() + Duration::from_secs(240);
    for kill in 1..=KILLS as u64 {
        // The kill comes when the import is well under way.
        while recorded(port).unwrap_or(0) < kill * LINES / 10 {
            assert!(Instant::now() < deadline, "the import does not get ahead");
            assert!(
                import.try_wait().unwrap().is_none(),
                "the import was over before kill {kill}"
            );
            sleep(Duration::from_millis(20));
        }
        drop(server);
        server = Server::start(&state, port);
    }
    while import.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the import does not end");
        sleep(Duration::from_millis(50));
    }
    assert!(import.wait().unwrap().success());
    // On a busy machine, the last hits may still wait for a fold.
    let status = loop {
        let status = ask(port, "/admin/aggregator-status").unwrap();
        if status["pendingSegments"] == 0 {
            break status;
        }
        assert!(Instant::now() < deadline, "the hits are not folded");
        sleep(Duration::from_millis(50));
    };
    assert_eq!(status["recordedHits"], LINES);
    assert_eq!(recorded(port), Some(LINES));
    drop(server);
}
