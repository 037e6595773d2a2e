//! The program itself: it is killed in the middle of an import, ended by a signal, and its exit
//! code is looked at.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use server::{Act, Server, log_line, status};

fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|at| format!("{at} {}\n", log_line(at))).collect()
}

fn import(folder: &Path, server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command
        .current_dir(folder)
        .arg("import")
        .args(args)
        .args(["--url", &server.url, "--token", "t", "--batch-size", "10"])
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs an import to its end. Returns its exit code.
fn code(folder: &Path, server: &Server, args: &[&str]) -> i32 {
    let status = import(folder, server, args).status().unwrap();
    status.code().unwrap()
}

#[test]
fn an_import_that_is_killed_at_any_moment_counts_each_line_once_when_it_is_run_again() {
    for acknowledged in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let acts = std::iter::repeat_n(status(202), acknowledged);
        // The batch is counted, and the import never learns it.
        let server = Server::start(acts.chain([Act::Hang]));
        let log = folder.path().join("log");
        fs::write(&log, lines(0..35)).unwrap();
        let mut killed = import(folder.path(), &server, &["log"]).spawn().unwrap();
        server.wait_for((10 * (acknowledged + 1)).min(35));
        killed.kill().unwrap();
        killed.wait().unwrap();
        fs::write(&log, lines(0..52)).unwrap();
        assert_eq!(code(folder.path(), &server, &["log"]), 0);
        assert_eq!(server.hits().join("\n") + "\n", lines(0..52));
        assert_eq!(code(folder.path(), &server, &["log"]), 0);
        assert_eq!(server.hits().len(), 52);
    }
}

#[test]
fn an_import_that_is_killed_again_and_again_counts_each_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([]);
    fs::write(folder.path().join("log"), lines(0..30_000)).unwrap();
    let mut kills = 0;
    for wait_ms in (20..).step_by(10) {
        let mut child = import(folder.path(), &server, &["log"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 1);
    assert_eq!(code(folder.path(), &server, &["log"]), 0);
    assert!(server.hits().join("\n") + "\n" == lines(0..30_000));
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> i32 {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
    let asked = Instant::now();
    let code = child.wait().unwrap().code().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2));
    code
}

#[cfg(unix)]
#[test]
fn a_signal_ends_following_with_all_lines_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([]);
    let log = folder.path().join("log");
    fs::write(&log, lines(0..25)).unwrap();
    let mut child = import(folder.path(), &server, &["log", "--follow"])
        .spawn()
        .unwrap();
    server.wait_for(25);
    assert_eq!(terminate(&mut child), 0);
    fs::write(&log, lines(0..30)).unwrap();
    assert_eq!(code(folder.path(), &server, &["log"]), 0);
    assert_eq!(server.hits().len(), 30);
}

#[cfg(unix)]
#[test]
fn the_standard_input_is_followed_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([]);
    let mut child = import(folder.path(), &server, &["-", "--follow"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for at in 0..3 {
        stdin.write_all(lines(at..at + 1).as_bytes()).unwrap();
        server.wait_for(at + 1);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    // Nothing comes. A signal ends the waiting.
    let mut child = import(folder.path(), &server, &["-", "--follow"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(terminate(&mut child), 0);
}

#[test]
fn the_exit_code_tells_whether_anything_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log"), lines(0..3)).unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    let none = r#"{"accepted": 0, "rejected": 3, "rejections": []}"#;
    let server = Server::start([Act::Answer(400, "", none.to_owned())]);
    assert_eq!(code(folder.path(), &server, &["log"]), 1);
    assert_eq!(code(folder.path(), &server, &["empty"]), 0);
    assert_eq!(code(folder.path(), &server, &["log"]), 0);
    assert_eq!(code(folder.path(), &server, &["log", "--from-start"]), 0);
    assert_eq!(code(folder.path(), &server, &["nowhere"]), 2);
    assert_eq!(server.hits().len(), 3);
}
