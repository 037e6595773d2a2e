//! `rollcall top --watch`: each answer is shown, and an error in between does not end it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use server::{Act, Server, status};

fn answer(second: usize, hits: usize) -> Act {
    let body = format!(
        r#"{{"asOf": "2026-11-28T10:00:0{second}.000Z", "paths": [{{"pathKey": "GET /", "totalRequests": {hits}}}]}}"#
    );
    Act::Answer(200, "", body)
}

/// It ends when it is dropped.
struct Watch {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Watch {
    fn start(server: &Server, args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .env("ROLLCALL_ADMIN_TOKEN", "t")
            .args(["top", "paths", "--url", &server.url])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: BufReader::new(process.stdout.take().unwrap()).lines(),
            errors: BufReader::new(process.stderr.take().unwrap()).lines(),
            process,
        }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

#[test]
fn each_answer_is_shown_and_an_error_in_between_does_not_end_it() {
    let server = Server::start([
        answer(0, 7),
        status(503),
        Act::Drop,
        answer(3, 8),
        answer(4, 9),
    ]);
    let mut watch = Watch::start(&server, &["timeRange=1h", "--watch", "1"]);
    for (second, hits) in [(0, 7), (3, 8), (4, 9)] {
        // No terminal reads this, so nothing is for a terminal alone.
        assert_eq!(
            watch.line(),
            format!("as of 2026-11-28T10:00:0{second}.000Z")
        );
        assert_eq!(
            watch.line().split_whitespace().collect::<Vec<_>>(),
            ["path", "requests"]
        );
        let row = watch.line();
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["GET", "/", &hits.to_string()]
        );
    }
    for expect in ["the server answered 503", "127.0.0.1"] {
        let error = watch.errors.next().unwrap().unwrap();
        assert!(
            error.starts_with("rollcall top: ") && error.contains(expect),
            "{error}"
        );
    }
    for request in server.requests() {
        assert!(
            request
                .head
                .starts_with("GET /admin/top-paths?timeRange=1h ")
        );
        assert_eq!(request.header("cache-control"), Some("no-cache"));
    }
}

#[test]
fn as_json_an_answer_is_a_line() {
    let server = Server::start([answer(0, 7), answer(1, 8)]);
    let mut watch = Watch::start(&server, &["--json", "--watch=1"]);
    for hits in [7, 8] {
        let answer: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
        assert_eq!(answer["paths"][0]["totalRequests"], hits);
    }
}

#[test]
fn an_error_of_the_first_question_ends_it() {
    let problem = r#"{"detail": "timeRange: expected 1h"}"#.to_owned();
    let server = Server::start([Act::Answer(400, "", problem)]);
    let mut watch = Watch::start(&server, &["--watch", "timeRange=x"]);
    assert_eq!(
        watch.process.wait().unwrap().code(),
        Some(2),
        "it is no number of seconds"
    );
    let mut watch = Watch::start(&server, &["timeRange=x", "--watch"]);
    assert_eq!(watch.process.wait().unwrap().code(), Some(1));
    let error = watch.errors.next().unwrap().unwrap();
    assert!(error.contains("timeRange: expected 1h"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_pause_has_bounds() {
    let server = Server::start([]);
    for seconds in ["0", "86401", "-1"] {
        let mut watch = Watch::start(&server, &["--watch", seconds]);
        assert_eq!(watch.process.wait().unwrap().code(), Some(2), "{seconds}");
    }
    for seconds in ["1", "86400"] {
        let server = Server::start([answer(0, 7)]);
        let mut watch = Watch::start(&server, &["--watch", seconds]);
        assert!(watch.line().starts_with("as of"), "{seconds}");
    }
}

#[test]
fn a_reader_that_has_enough_ends_it_without_an_error() {
    let server = Server::start([answer(0, 7), answer(1, 8), answer(2, 9)]);
    let mut watch = Watch::start(&server, &["--watch", "1"]);
    watch.line();
    drop(std::mem::replace(
        &mut watch.lines,
        BufReader::new(no_output()).lines(),
    ));
    assert_eq!(watch.process.wait().unwrap().code(), Some(0));
}

/// The output of a process that prints nothing.
fn no_output() -> ChildStdout {
    let mut process = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    process.wait().unwrap();
    process.stdout.take().unwrap()
}
