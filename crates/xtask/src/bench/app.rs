//! The app that is measured. It has its own processes and tokens, and a store that was empty at the
//! start.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::http::{Answer, Connection, Request};
use super::process;
use crate::secrets;
use crate::up::Runtime;

/// How long the app may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct App {
    server: Child,
    address: SocketAddr,
    state: PathBuf,
    admin: String,
    ingest: String,
}

impl App {
    /// Starts the app whose manifest is in `folder` on a free port, and waits until it serves.
    /// `state` must not exist yet. `cache` holds the components that the tests compiled already.
    pub fn start(
        folder: &Path,
        runtime: Runtime,
        program: &Path,
        state: &Path,
        cache: &Path,
        runtime_config: Option<&Path>,
    ) -> Result<Self> {
        fs::create_dir(state)?;
        fs::create_dir_all(cache)?;
        symlink(cache, state.join("cache"))?;
        let [admin, ingest] = [secrets::random_token()?, secrets::random_token()?];
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .args(["up", "--listen", "127.0.0.1:0", "--state-dir"])
            .arg(state)
            .env("SPIN_VARIABLE_ADMIN_TOKEN", &admin)
            .env("SPIN_VARIABLE_INGEST_TOKEN", &ingest)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(state.join("log"))?);
        // Without --quiet, Spin copies the components' logs to its own output.
        if let Runtime::Spin = runtime {
            command.arg("--quiet");
        }
        if let Some(file) = runtime_config {
            command.arg("--runtime-config-file").arg(file);
        }
        let mut server = command
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let Some(address) = read_address(&mut server) else {
            process::end(&mut server, PATIENCE)?;
            let said = fs::read_to_string(state.join("log"))?;
            bail!("the app does not start:\n{said}");
        };
        Ok(Self {
            server,
            address,
            state: state.to_owned(),
            admin,
            ingest,
        })
    }

    pub fn client(&self) -> Result<Client> {
        Ok(Client {
            connection: Connection::open(self.address).context("the app accepts no connection")?,
            admin: format!("Bearer {}", self.admin),
            ingest: format!("Bearer {}", self.ingest),
        })
    }

    /// Gives a command of `rollcall` the app's URL and its ingest token.
    pub fn with_access<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .args(["--url", &format!("http://{}", self.address)])
            .env("ROLLCALL_INGEST_TOKEN", &self.ingest)
    }

    /// The store's file. Its journal is another file.
    pub fn store_file(&self) -> PathBuf {
        self.state.join("sqlite_key_value.db")
    }

    /// The memory of the process that serves.
    pub fn memory(&self) -> Result<process::Memory> {
        process::memory(self.server.id())
    }

    /// Resets the peak. From now on, earlier memory does not count.
    pub fn forget_peak(&self) -> Result<()> {
        process::forget_peak(self.server.id())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Err(error) = process::end(&mut self.server, PATIENCE) {
            eprintln!("The app could not be ended: {error:#}");
        }
    }
}

/// The address that the server prints when it serves.
fn read_address(server: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(server.stdout.take()?).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("http://")?;
        address.trim().parse().ok()
    });
    // The later output is read, too. Otherwise the server would block on a full pipe.
    thread::spawn(move || lines.for_each(drop));
    address
}

/// One connection to the app, with both tokens.
pub struct Client {
    connection: Connection,
    admin: String,
    ingest: String,
}

impl Client {
    /// Asks for an answer that is computed now. Returns the time from the request to the last byte,
    /// and the answer.
    pub fn ask(&mut self, path: &str) -> Result<(Duration, Value)> {
        self.ask_with(path, &[("cache-control", "no-cache")])
    }

    /// Asks for an answer that may be a kept one. Returns the same.
    pub fn ask_kept(&mut self, path: &str) -> Result<(Duration, Value)> {
        self.ask_with(path, &[])
    }

    fn ask_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<(Duration, Value)> {
        let mut all = vec![("authorization", self.admin.as_str())];
        all.extend_from_slice(headers);
        let request = Request {
            method: "GET",
            path,
            headers: &all,
            body: b"",
        };
        let begun = Instant::now();
        let answer = self.connection.send(&request)?;
        let took = begun.elapsed();
        if answer.status != 200 {
            bail!("{path} was answered {}: {}", answer.status, answer.text());
        }
        let value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("the answer to {path} is not JSON"))?;
        Ok((took, value))
    }

    /// Reads an export as it comes. Returns the headers and the trailers.
    pub fn export(&mut self, path: &str, sink: impl FnMut(&[u8])) -> Result<Vec<(String, String)>> {
        let headers = [("authorization", self.admin.as_str()), ("te", "trailers")];
        let request = Request {
            method: "GET",
            path,
            headers: &headers,
            body: b"",
        };
        let answer = self.connection.stream(&request, sink)?;
        if answer.status != 200 {
            bail!("{path} was answered {}", answer.status);
        }
        Ok(answer.headers)
    }

    pub fn healthz(&mut self) -> Result<Duration> {
        let request = Request {
            method: "GET",
            path: "/healthz",
            headers: &[],
            body: b"",
        };
        let begun = Instant::now();
        let answer = self.connection.send(&request)?;
        if answer.status != 200 {
            bail!("/healthz was answered {}", answer.status);
        }
        Ok(begun.elapsed())
    }

    /// Posts lines of NDJSON once.
    pub fn post(&mut self, lines: &[u8], key: &str) -> Result<Answer> {
        let headers = [
            ("authorization", self.ingest.as_str()),
            ("content-type", "application/x-ndjson"),
            ("idempotency-key", key),
        ];
        self.connection.send(&Request {
            method: "POST",
            path: "/collect",
            headers: &headers,
            body: lines,
        })
    }
}
