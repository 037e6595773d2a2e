//! `rollcall export --parquet`: the file is there if it is whole, and else it is as it was before.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use server::{Act, Server, status};
use tempfile::TempDir;

const ROW: &str = r#"{"ip":"192.0.2.1","pathKey":"GET /\"","method":"GET","count":7,"firstSeen":"2026-11-01T00:00:00.001Z","lastAccessed":"2026-11-02T00:00:00.002Z","country":"DE","userAgent":"unknown","path":"/\"","errors":0,"bytes":null,"avgResponseTime":1.5}"#;

fn gzip(rows: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(rows.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn rows(count: usize) -> String {
    let row = |n: usize| ROW.replace("192.0.2.1", &format!("192.0.{}.{}", n / 250, n % 250)) + "\n";
    (0..count).map(row).collect()
}

fn whole(rows: &str) -> Act {
    Act::Gzip(gzip(rows), 0)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn command(&self, server: &Server, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .current_dir(&self.0)
            .env_remove("SPIN_VARIABLE_ADMIN_TOKEN")
            .env("ROLLCALL_ADMIN_TOKEN", "t")
            .args(["export", "--url", &server.url])
            .args(args);
        command
    }

    /// The exit code and the messages of an export into `out.parquet`.
    fn export(&self, server: &Server, args: &[&str]) -> (i32, String) {
        let args = [&["--parquet", "out.parquet"], args].concat();
        let output = self.command(server, &args).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }
}

fn rows_of(path: &Path) -> i64 {
    let file = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    file.metadata().file_metadata().num_rows()
}

#[test]
fn the_rows_of_an_export_are_in_the_file() {
    let folder = Folder::new();
    for count in [0, 1, 1_000] {
        let server = Server::start([whole(&rows(count))]);
        let expect = (0, String::new());
        assert_eq!(folder.export(&server, &["dateRange=30d"]), expect);
        assert_eq!(rows_of(&folder.path("out.parquet")), count as i64);
        let [request] = server.requests().try_into().unwrap();
        let target = "GET /admin/export?dateRange=30d&format=ndjson&compression=true ";
        assert!(request.head.starts_with(target), "{}", request.head);
    }
    assert_eq!(folder.names(), ["out.parquet"]);
}

#[test]
fn an_export_that_is_not_whole_leaves_no_file_and_an_old_one_as_it_is() {
    let folder = Folder::new();
    let packed = gzip(&rows(50_000));
    // The component dies: the answer seems whole, but the stream of gzip has no end.
    let without_end = |missing: usize| Act::Gzip(packed[..packed.len() - missing].to_owned(), 0);
    let check = |expect: &[&str]| {
        for (act, text) in [
            (
                Act::Gzip(packed[..packed.len() / 2].to_owned(), 1_000),
                "the export broke off",
            ),
            (without_end(1), "the export broke off"),
            (without_end(packed.len() / 2), "the export broke off"),
            (
                whole(&(rows(2) + "{\"ip\": 7}\n")),
                "does not send rows as Rollcall does",
            ),
            (
                Act::Answer(200, "", rows(2)),
                "does not send rows as Rollcall does",
            ),
            (status(503), "the server answered 503"),
            (Act::Drop, "127.0.0.1"),
        ] {
            let (code, said) = folder.export(&Server::start([act]), &[]);
            assert_eq!(code, 1, "{said}");
            assert!(
                said.starts_with("rollcall export: ") && said.contains(text),
                "{said}"
            );
            assert_eq!(folder.names(), expect, "{said}");
        }
    };
    check(&[]);
    fs::write(folder.path("out.parquet"), "old").unwrap();
    check(&["out.parquet"]);
    assert_eq!(
        fs::read_to_string(folder.path("out.parquet")).unwrap(),
        "old"
    );
}

#[test]
fn a_signal_while_rows_come_leaves_no_file() {
    let folder = Folder::new();
    let endless = Server::start([whole(&rows(60_000).repeat(6))]);
    let mut command = folder.command(&endless, &["--parquet", "out.parquet"]);
    let running = command.stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    while !folder
        .names()
        .iter()
        .any(|name| folder.path(name).metadata().unwrap().len() > 0)
    {
        assert!(since.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(1));
    }
    let id = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no file was written: the command was stopped"),
        "{said}"
    );
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn only_a_regular_file_is_replaced() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder")).unwrap();
    for (name, text) in [
        ("folder", "not a regular file"),
        ("/dev/null", "not a regular file"),
        ("..", "not a regular file"),
        ("nowhere/out.parquet", "No such file"),
    ] {
        let server = Server::start([whole(&rows(3))]);
        let output = folder
            .command(&server, &["--parquet", name])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(text), "{name}: {said}");
    }
    symlink("true.parquet", folder.path("out.parquet")).unwrap();
    fs::write(folder.path("true.parquet"), "old").unwrap();
    assert_eq!(folder.export(&Server::start([whole(&rows(3))]), &[]).0, 0);
    assert_eq!(rows_of(&folder.path("true.parquet")), 3);
    assert!(folder.path("out.parquet").is_symlink());
}

#[test]
fn the_form_of_the_rows_cannot_be_chosen_for_parquet() {
    let folder = Folder::new();
    let server = Server::start([]);
    for name in ["format", "compression"] {
        let (code, said) = folder.export(&server, &[&format!("{name}=x")]);
        assert_eq!(code, 2);
        assert!(said.contains(&format!("leave {name}= out")), "{said}");
    }
    assert!(server.requests().is_empty() && folder.names().is_empty());
}
