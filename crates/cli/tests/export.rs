//! `rollcall export`: rows go to the standard output as they come, and nothing else does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use server::{Act, Server, status};

const ROWS: &str = "ip,pathKey,totalRequests\n192.0.2.1,GET /é,7\n";

fn export(server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command
        .current_dir(std::env::temp_dir())
        .env_remove("SPIN_VARIABLE_ADMIN_TOKEN")
        .env("ROLLCALL_ADMIN_TOKEN", "t")
        .args(["export", "--url", &server.url])
        .args(args);
    command
}

/// The exit code, the rows and the messages of an export that gets this answer.
fn exported(act: Act, args: &[&str]) -> (i32, String, String) {
    let server = Server::start([act]);
    let output = export(&server, args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn the_rows_are_written_as_they_are() {
    let answer = Act::Answer(200, "", ROWS.to_owned());
    let expect = (0, ROWS.to_owned(), String::new());
    assert_eq!(exported(answer, &[]), expect);
    let nothing = Act::Answer(200, "", String::new());
    assert_eq!(exported(nothing, &[]), (0, String::new(), String::new()));
}

#[test]
fn the_parameters_and_the_token_are_sent() {
    let server = Server::start([Act::Answer(200, "", ROWS.to_owned())]);
    let args = ["format=csv", "pathPrefix=/a b&c=d", "dateRange=30d"];
    assert!(export(&server, &args).output().unwrap().status.success());
    let [request] = server.requests().try_into().unwrap();
    let line = request.head.lines().next().unwrap();
    let (target, query) = line.split_once('?').unwrap();
    assert_eq!(target, "GET /admin/export");
    assert!(query.starts_with("format=csv&pathPrefix="), "{query}");
    assert!(query.ends_with("&dateRange=30d HTTP/1.1"), "{query}");
    assert!(!query.contains("&c=d"), "{query}");
    assert_eq!(request.header("authorization"), Some("Bearer t"));
}

#[test]
fn rows_that_are_not_kept_are_told_on_the_standard_error() {
    let lacks = "export-lacks: ips=3, hits=9\r\n";
    let (code, rows, said) = exported(Act::Answer(200, lacks, ROWS.to_owned()), &[]);
    assert_eq!((code, rows.as_str()), (0, ROWS));
    assert!(said.contains("ips=3, hits=9"), "{said}");
    let none = "export-lacks: ips=0, hits=0\r\n";
    let (code, rows, said) = exported(Act::Answer(200, none, ROWS.to_owned()), &[]);
    assert_eq!((code, rows.as_str(), said.as_str()), (0, ROWS, ""));
}

#[test]
fn an_export_that_breaks_off_is_a_failure() {
    let (code, rows, said) = exported(Act::Cut(ROWS.to_owned()), &[]);
    assert_eq!((code, rows.as_str()), (1, ROWS));
    assert!(said.starts_with("rollcall export: "), "{said}");
}

#[test]
fn a_refusal_is_told_and_writes_no_row() {
    let problem = r#"{"title": "Bad Request", "detail": "format: expected csv or ndjson"}"#;
    for (act, expect) in [
        (
            Act::Answer(400, "", problem.to_owned()),
            "expected csv or ndjson",
        ),
        (status(401), "401: the server does not accept this token"),
        (status(503), "the server answered 503"),
        (Act::Drop, "127.0.0.1"),
    ] {
        let (code, rows, said) = exported(act, &["format=xml"]);
        assert_eq!((code, rows.as_str()), (1, ""), "{said}");
        assert!(said.contains(expect), "{said}");
    }
}

#[test]
fn wrong_arguments_send_nothing() {
    let server = Server::start([]);
    for args in [&["format"][..], &["=csv"], &["--url", "x"]] {
        let output = export(&server, args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut without_token = export(&server, &[]);
    without_token
        .env_remove("ROLLCALL_ADMIN_TOKEN")
        .current_dir(&folder);
    assert_eq!(without_token.output().unwrap().status.code(), Some(2));
    assert!(server.requests().is_empty());
}

#[test]
fn a_reader_that_has_enough_ends_an_export_without_an_error() {
    let rows = ROWS.repeat(100_000);
    let server = Server::start([Act::Answer(200, "", rows)]);
    let mut command = export(&server, &[]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut first = [0; 8];
    running
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
