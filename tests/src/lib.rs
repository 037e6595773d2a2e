//! The app under test: the built components on the host, with a store of its own in a temporary
//! folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop where something is not as it must be"
)]

pub mod browser;
pub mod chain;
pub mod openapi;
pub mod printing;
pub mod receiver;
mod server;
pub mod store;
pub mod upstream;

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rollcall_host::{Host, HostConfig};
use rollcall_tally::question::{AnySurvey, Export, Place, Question, Status};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub const ADMIN: &str = "admin-token-of-the-tests";
pub const VIEWER: &str = "viewer-token-of-the-tests";
pub const METRICS: &str = "metrics-token-of-the-tests";
pub const INGEST: &str = "ingest-token-of-the-tests";

/// How long a client waits for an answer that no test delays.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks for an answer that is computed now.
pub const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");

/// Every question: its path in the description, and a path to ask it with no more than the required
/// parameters.
pub fn questions() -> Vec<(&'static str, String)> {
    let surveys = AnySurvey::examples().into_iter().map(Question::Survey);
    let others = [
        Question::Export(Export::default()),
        Question::Status(Status),
    ];
    let asked = surveys.chain(others).map(|mut question| {
        let template = question.about().path;
        let mut path = template.to_owned();
        for needed in question.ask().parameters() {
            let value = needed.value.text().unwrap_or_default().replace(' ', "%20");
            match (needed.place, needed.required) {
                (Place::Path, _) => path = path.replace(&format!("{{{}}}", needed.name), &value),
                (_, Some(_)) => path = format!("{path}?{}={value}", needed.name),
                (_, None) => {}
            }
        }
        (template, path)
    });
    asked.collect()
}

/// Says which tests are skipped, and why. It writes past the test runner's capture, so that people
/// see it.
pub fn skipped(what: &str) {
    writeln!(io::stderr().lock(), "SKIPPED {what}").expect("somebody reads");
}

/// Whether a program is on the `PATH`.
pub fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    !version.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The folder of `spin.toml`.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests is in the workspace")
        .to_owned()
}

/// A built component.
pub fn component(name: &str) -> PathBuf {
    let built = workspace().join(format!(
        "target/wasm/wasm32-wasip2/release/rollcall_{name}.wasm"
    ));
    assert!(
        built.is_file(),
        "{} is missing: `cargo xtask build --examples` makes it",
        built.display()
    );
    built
}

/// A running app. It ends when it is dropped. Its data last until then, over any number of
/// restarts.
pub struct App {
    runtime: Runtime,
    host: Option<Host>,
    config: HostConfig,
    agent: ureq::Agent,
    _state: TempDir,
}

/// An answer of the app.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl App {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts the app. `change` changes the usual configuration.
    pub fn start_with(change: impl FnOnce(&mut HostConfig)) -> Self {
        let state = TempDir::new().expect("a temporary folder");
        let mut config = HostConfig::new(workspace().join("spin.toml"));
        config.listen = ([127, 0, 0, 1], 0).into();
        config.state_dir = state.path().to_owned();
        // Components are compiled once for all tests and runs.
        config.cache_dir = Some(workspace().join("target/host-cache"));
        config.variables.insert("admin_token".into(), ADMIN.into());
        config
            .variables
            .insert("ingest_token".into(), INGEST.into());
        // The app's own folder may have files of a developer.
        let files = workspace().join("tests/files");
        config.folders.insert("/files".into(), files);
        // Tests run side by side on slow machines. If an answer lacked recorded hits, most tests
        // would fail.
        config
            .variables
            .insert("fold_wait_ms".into(), "15000".into());
        change(&mut config);
        // Each request has its own connection. A server may close the connection if it answers
        // before it has read the body, as hyper does.
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .max_redirects(0)
            .build();
        let mut app = Self {
            runtime: Runtime::new().expect("a runtime"),
            host: None,
            config,
            agent: agent.into(),
            _state: state,
        };
        app.boot();
        app
    }

    fn boot(&mut self) {
        component("router");
        // `RUST_LOG=info` shows the log of the host and of the components. Only the first call in a
        // process has an effect.
        let chosen = std::env::var("RUST_LOG")
            .ok()
            .and_then(|text| text.parse().ok());
        let filter: Targets = chosen.unwrap_or_default();
        let lines = tracing_subscriber::fmt::layer().with_test_writer();
        let _ = tracing_subscriber::registry()
            .with(lines)
            .with(filter)
            .try_init();
        let host = self.runtime.block_on(Host::start(self.config.clone()));
        self.host = Some(host.expect("the app starts"));
    }

    /// Ends the app as its operator would. Starts it again on the same data.
    pub fn restart(&mut self) {
        self.restart_with(|_| {});
    }

    /// Ends the app. Starts it again on the same data with a changed configuration.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut HostConfig)) {
        change(&mut self.config);
        if let Some(host) = self.host.take() {
            self.runtime.block_on(host.shutdown());
        }
        self.boot();
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub fn host(&self) -> &Host {
        self.host.as_ref().expect("the app runs")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host().addr())
    }

    /// Sends a request with these headers.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        exchange(&self.agent, method, &self.url(path), headers, body).expect("a whole answer")
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        match exchange(&self.agent, method, &self.url(path), headers, body) {
            Err(ureq::Error::Io(_) | ureq::Error::Protocol(_)) => None,
            answer => Some(answer.expect("an answer")),
        }
    }

    /// A client for another thread. It gives up after `timeout`.
    pub fn client(&self, timeout: Duration) -> Client {
        Client::new(&self.url(""), timeout)
    }

    /// Asks the admin API, with its token, for an answer that is computed now.
    pub fn ask(&self, path: &str) -> Answer {
        self.ask_with(path, &[NO_CACHE])
    }

    /// Asks the admin API, with its token and these headers.
    pub fn ask_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let token = format!("Bearer {ADMIN}");
        let headers = [&[("authorization", token.as_str())], headers].concat();
        self.send("GET", path, &headers, b"")
    }

    /// Asks the admin API. `None`: the answer ended too early.
    pub fn try_ask(&self, path: &str) -> Option<Answer> {
        let token = format!("Bearer {ADMIN}");
        let headers = [("authorization", token.as_str()), NO_CACHE];
        self.try_send("GET", path, &headers, b"")
    }

    /// Asks the admin API, and reads the body as it comes. If the reader is dropped, the connection
    /// is closed.
    pub fn stream(&self, path: &str) -> impl Read + use<> {
        let request = ureq::http::Request::get(self.url(path))
            .header("authorization", format!("Bearer {ADMIN}"))
            .body(());
        let answer = self.agent.run(request.expect("a request"));
        let answer = answer.expect("the head of an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.into_body().into_reader()
    }

    /// Asks the admin API. The answer must be a 200.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.ask(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// Posts to the admin API. The answer must be a 200.
    pub fn order(&self, path: &str) -> Value {
        let token = format!("Bearer {ADMIN}");
        let answer = self.send("POST", path, &[("authorization", &token)], b"");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// Posts to `/collect`, with its token.
    pub fn collect(&self, content_type: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let token = format!("Bearer {INGEST}");
        let mut all = vec![
            ("authorization", token.as_str()),
            ("content-type", content_type),
        ];
        all.extend_from_slice(headers);
        self.send("POST", "/collect", &all, body.as_bytes())
    }

    /// Records hits. All of them must be accepted.
    pub fn record(&self, hits: &Value) {
        let answer = self.collect("application/json", &hits.to_string(), &[]);
        assert_eq!(answer.status, 202, "{answer:?}");
        assert!(answer.body.is_empty(), "{answer:?}");
    }
}

/// A client of an app that may be slow or dead, in this process or elsewhere.
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    /// A client of the app at `base`, such as `http://127.0.0.1:3000`. It gives up after `timeout`.
    pub fn new(base: &str, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .build();
        Self {
            agent: agent.into(),
            base: base.to_owned(),
        }
    }

    /// Asks the admin API, with its token, for an answer that is computed now.
    pub fn ask(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.ask_with(path, &[NO_CACHE])
    }

    /// Asks the admin API, with its token and these headers.
    pub fn ask_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let token = format!("Bearer {ADMIN}");
        let headers = [&[("authorization", token.as_str())], headers].concat();
        let url = format!("{}{path}", self.base);
        exchange(&self.agent, "GET", &url, &headers, b"")
    }

    /// Asks the admin API with another token.
    pub fn ask_as(&self, token: &str, path: &str) -> Result<Answer, ureq::Error> {
        let token = format!("Bearer {token}");
        let url = format!("{}{path}", self.base);
        let headers = [("authorization", token.as_str())];
        exchange(&self.agent, "GET", &url, &headers, b"")
    }

    /// Sends a request with these headers.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.base);
        exchange(&self.agent, method, &url, headers, body)
    }

    /// Posts a batch of JSON to `/collect`, with its token. `key` is the batch's `Idempotency-Key`.
    pub fn collect(&self, key: &str, body: &str) -> Result<Answer, ureq::Error> {
        self.collect_as("application/json", key, body)
    }

    /// Posts a batch with a hit in each line. `key` is the batch's `Idempotency-Key`.
    pub fn collect_lines(&self, key: &str, body: &str) -> Result<Answer, ureq::Error> {
        self.collect_as("application/x-ndjson", key, body)
    }

    fn collect_as(&self, kind: &str, key: &str, body: &str) -> Result<Answer, ureq::Error> {
        let token = format!("Bearer {INGEST}");
        let headers = [
            ("authorization", token.as_str()),
            ("content-type", kind),
            ("idempotency-key", key),
        ];
        let url = format!("{}/collect", self.base);
        exchange(&self.agent, "POST", &url, &headers, body.as_bytes())
    }
}

fn exchange(
    agent: &ureq::Agent,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, ureq::Error> {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = agent.run(request.body(body).expect("a request"))?;
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Ok(Answer {
        status: answer.status().as_u16(),
        headers: headers.collect(),
        body: answer
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()?,
    })
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
