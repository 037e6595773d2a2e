//! The app in a process of its own, as an operator runs it: on the embedded host, or on Spin.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rollcall_tests::{ADMIN, Client, INGEST, PATIENCE, workspace};
use tempfile::TempDir;

#[derive(Clone, Copy)]
pub enum Runtime {
    Embedded,
    Spin,
}

/// Whether there is a Spin to test on. `cargo xtask test` sets the variable if the installed Spin
/// can run the app. If the variable is not set, this says that the test is skipped.
pub fn is_spin_installed() -> bool {
    let is_installed = std::env::var_os("ROLLCALL_TEST_ON_SPIN").is_some();
    if !is_installed {
        rollcall_tests::skipped("spin: `cargo xtask test` runs this where Spin is installed");
    }
    is_installed
}

/// A running app. Its data last until it is dropped, over any number of kills.
pub struct Process {
    runtime: Runtime,
    runtime_config: Option<PathBuf>,
    state: TempDir,
    server: Child,
    url: String,
}

impl Process {
    pub fn start(runtime: Runtime, runtime_config: Option<PathBuf>) -> Self {
        let state = TempDir::new().unwrap();
        // The cache holds the components that other tests compiled already.
        let cache = workspace().join("target/host-cache");
        fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(cache, state.path().join("cache")).unwrap();
        let (server, url) = boot(runtime, runtime_config.as_deref(), state.path());
        Self {
            runtime,
            runtime_config,
            state,
            server,
            url,
        }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url, PATIENCE)
    }

    /// The largest memory of the server, or of a process that it started, so far.
    pub fn memory_peak_kib(&self) -> u64 {
        let group = self.server.id().to_string();
        let of = |id: &str| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // The name may hold any character. Behind it are: state, parent, group.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            (fields.nth(2)? == group).then_some(())?;
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let peak = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            peak.trim().trim_end_matches(" kB").parse().ok()
        };
        let processes = fs::read_dir("/proc").unwrap().map_while(Result::ok);
        let peaks = processes.filter_map(|process| of(process.file_name().to_str()?));
        peaks.max().expect("it runs")
    }

    pub fn kill(&mut self) {
        kill(&mut self.server);
    }

    /// Kills the server, and starts it again on the same data.
    pub fn start_again(&mut self) {
        self.kill();
        (self.server, self.url) = boot(
            self.runtime,
            self.runtime_config.as_deref(),
            self.state.path(),
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn boot(runtime: Runtime, runtime_config: Option<&Path>, state: &Path) -> (Child, String) {
    let (program, manifest) = match runtime {
        Runtime::Embedded => (program(), "--manifest"),
        Runtime::Spin => ("spin".into(), "--from"),
    };
    let mut server = Command::new(program);
    server.arg("up");
    server.arg(manifest).arg(workspace().join("spin.toml"));
    server.args(["--listen", "127.0.0.1:0", "--state-dir"]);
    server.arg(state);
    if let Some(runtime_config) = runtime_config {
        server.arg("--runtime-config-file").arg(runtime_config);
    }
    serve(server)
}

/// Starts a server of the app, with the tokens of the tests, in a process group of its own. Returns
/// the server and its address.
pub fn serve(mut server: Command) -> (Child, String) {
    server
        .env("SPIN_VARIABLE_ADMIN_TOKEN", ADMIN)
        .env("SPIN_VARIABLE_INGEST_TOKEN", INGEST)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    let mut server = server.spawn().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = said.by_ref().find_map(|line| {
        let url = line.unwrap().strip_prefix("Serving ")?.to_owned();
        Some(url)
    });
    // The later output is read, too. Otherwise the server would block on a full pipe.
    thread::spawn(|| said.for_each(drop));
    (server, url.expect("the app is served"))
}

/// Ends a server and the processes that it started, with SIGKILL.
pub fn kill(server: &mut Child) {
    if server.try_wait().unwrap().is_none() {
        let kill = format!("kill -KILL -{}", server.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success(), "{kill}");
        server.wait().unwrap();
    }
}

/// Cargo in the workspace, without the variables that it sets for the package of a test. If these
/// variables differ, ring's build script runs again, and the build takes a minute.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(workspace());
    cargo
}

/// Builds the program under test, and returns its path beside the tests. Cargo builds it only for
/// the tests of its own package. So it may be missing here, or old.
pub fn program() -> PathBuf {
    let profile = match cfg!(debug_assertions) {
        true => "dev",
        false => "release",
    };
    let mut build = cargo();
    build.args(["build", "--quiet", "--workspace", "--bin", "rollcall"]);
    build.arg("--features=rollcall-cli/up");
    assert!(
        build
            .args(["--profile", profile])
            .status()
            .unwrap()
            .success()
    );
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().and_then(Path::parent).unwrap();
    folder.join("rollcall")
}
