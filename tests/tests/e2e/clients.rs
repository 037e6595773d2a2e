//! The clients in `examples/clients`: each sends a batch and asks for it, waits where the app says
//! so, and takes no broken export for a whole one.
//!
//! If a tool is not installed, the test of the client says so and ends.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{ADMIN, App, INGEST, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The hits that each client sends.
const SENT: u64 = 3;
/// More IPs than are on a page.
const IPS: usize = 1_005;

/// A client, ready to run.
struct Client {
    name: &'static str,
    command: Command,
    _folder: TempDir,
}

impl Client {
    /// A copy of the client. `None`: a tool that it needs is not installed.
    fn copy(name: &'static str, tools: &[&str], program: &str, arguments: &[&str]) -> Option<Self> {
        for tool in tools {
            if !rollcall_tests::is_installed(tool) {
                rollcall_tests::skipped(&format!("the client for {name}: {tool} is not installed"));
                return None;
            }
        }
        let folder = TempDir::new().unwrap();
        for file in fs::read_dir(workspace().join("examples/clients").join(name)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&folder);
        Some(Self {
            name,
            command,
            _folder: folder,
        })
    }

    fn curl() -> Option<Self> {
        Self::copy("curl", &["bash", "curl", "jq"], "bash", &["example.sh"])
    }

    fn python() -> Option<Self> {
        Self::copy("python", &["python3"], "python3", &["example.py"])
    }

    fn typescript() -> Option<Self> {
        let packages = workspace().join("target/typescript/node_modules");
        if !packages.is_dir() {
            rollcall_tests::skipped(
                "the client for typescript: `cargo xtask test` fetches tsc with npm",
            );
            return None;
        }
        let client = Self::copy("typescript", &["node"], "node", &["build/example.js"])?;
        let folder = client._folder.path();
        symlink(&packages, folder.join("node_modules")).unwrap();
        let mut tsc = Command::new("node");
        tsc.arg(packages.join("typescript/bin/tsc"))
            .current_dir(folder);
        let checked = tsc.output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
        Some(client)
    }

    fn go() -> Option<Self> {
        let mut client = Self::copy("go", &["go"], "./client", &[])?;
        let cache: PathBuf = workspace().join("target/go");
        for arguments in [&["vet", "."][..], &["build", "-o", "client", "."]] {
            let mut go = Command::new("go");
            go.args(arguments).current_dir(client._folder.path());
            let made = go
                .env("GOCACHE", &cache)
                .env("GOFLAGS", "-mod=mod")
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        client.command = Command::new(client._folder.path().join("client"));
        Some(client)
    }

    fn run(&mut self, app: &App) -> Output {
        self.command
            .env("ROLLCALL_URL", app.url(""))
            .env("ADMIN_TOKEN", ADMIN)
            .env("INGEST_TOKEN", INGEST)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        self.command.output().unwrap()
    }
}

fn hits() -> Value {
    let ip = |n: usize| format!("198.51.{}.{}", 100 + n / 250, n % 250);
    let hit = |n| json!({"ip": ip(n), "method": "GET", "path": "/orders", "status": 200});
    (0..IPS).map(hit).collect()
}

/// The text that every client prints, by the answers of the app.
fn expected(app: &App) -> String {
    let ask = |question: &str| app.json(&format!("/admin/{question}"));
    let mut lines = vec![format!("sent {SENT}")];
    let total = &ask("global-stats?timeRange=24h")["totalRequests"];
    lines.push(format!("requests {total}"));
    let entries = |kind: &str, answer: &Value, list: &str, name: &str| {
        let entry = |entry: &Value| {
            let name = entry[name].as_str().unwrap();
            format!("{kind} {} {name}", entry["totalRequests"])
        };
        answer[list]
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect::<Vec<_>>()
    };
    let top = ask("top-paths?timeRange=24h&limit=5");
    lines.extend(entries("path", &top, "paths", "pathKey"));
    let statuses = ask("breakdown?by=statusCode&timeRange=24h&path=/orders&method=GET");
    lines.extend(entries("status", &statuses, "groups", "name"));
    let ips = &ask("breakdown?by=ip&timeRange=24h")["totalGroups"];
    lines.push(format!("IPs {ips} with {total} requests"));
    let export = ask("export?dateRange=1d");
    let rows = &export["totalRecords"];
    lines.push(format!("exported {rows} rows of {total} requests"));
    lines.join("\n") + "\n"
}

/// Runs the client against apps that are well, busy, down for a while, or break an export off.
fn check(client: Option<Client>) {
    let Some(mut client) = client else {
        return;
    };
    sends_and_asks(&mut client);
    waits_while_the_app_is_busy(&mut client);
    sends_again_while_the_store_is_down(&mut client);
    does_not_take_a_broken_export_for_a_whole_one(&mut client);
    tells_a_refusal(&mut client);
}

/// The output of a client that must not fail.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn sends_and_asks(client: &mut Client) {
    let app = App::start();
    app.record(&hits());
    let printed = printed(&client.run(&app));
    assert_eq!(printed, expected(&app), "{}", client.name);
    assert!(
        printed.contains(&format!("IPs {} with", IPS + 2)),
        "{printed}"
    );
    assert!(printed.contains("\nstatus 1 404\n"), "{printed}");
}

fn waits_while_the_app_is_busy(client: &mut Client) {
    let app = App::start_with(|config| {
        config.variables.insert("ingest_rate".into(), "3/3".into());
    });
    // For ten seconds, the token has no more hits.
    let hit = json!({"ip": "192.0.2.9", "method": "GET", "path": "/"});
    app.record(&json!(vec![hit; 30]));
    printed(&client.run(&app));
    let refused = &app.json("/admin/aggregator-status")["refusedRequests"]["rate"];
    assert!(refused.as_u64() >= Some(1), "{}: {refused}", client.name);
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 30 + SENT);
}

fn sends_again_while_the_store_is_down(client: &mut Client) {
    let store = Moody::default();
    let app = App::start_with(|config| config.store_layer = Some(store.layer()));
    app.record(&json!({"ip": "192.0.2.9", "method": "GET", "path": "/"}));
    store.set_mood(Mood::Down);
    let output = thread::scope(|scope| {
        let running = scope.spawn(|| client.run(&app));
        let appends = store.appends();
        while store.appends() == appends && !running.is_finished() {
            thread::yield_now();
        }
        // By then, the call has failed.
        thread::sleep(Duration::from_millis(100));
        store.set_mood(Mood::Fine);
        running.join().unwrap()
    });
    printed(&output);
    assert_eq!(app.json("/admin/global-stats")["totalRequests"], 1 + SENT);
}

fn does_not_take_a_broken_export_for_a_whole_one(client: &mut Client) {
    let calls = Calls::default();
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        config.variables.insert("batch_size".into(), "50".into());
    });
    app.record(&hits());
    calls.rule("/rows", |n| match n {
        5.. => Fate::CalleeTraps,
        _ => Fate::Call(0),
    });
    let output = client.run(&app);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{}: {printed}", client.name);
    assert!(
        printed.contains("IPs 1007 with"),
        "{}: {output:?}",
        client.name
    );
}

fn tells_a_refusal(client: &mut Client) {
    let app = App::start_with(|config| {
        config
            .variables
            .insert("ingest_token".into(), "another".into());
    });
    let output = client.run(&app);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("401"),
        "{}: {said}",
        client.name
    );
}

#[test]
fn the_client_for_curl() {
    check(Client::curl());
}

#[test]
fn the_client_in_python() {
    check(Client::python());
}

#[test]
fn the_client_in_typescript() {
    check(Client::typescript());
}

#[test]
fn the_client_in_go() {
    check(Client::go());
}
