#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::refused::Refused;
use super::*;

/// An action of the server at one request. If no action is left, it acknowledges.
#[derive(Clone)]
enum Act {
    /// Answers with a status, more headers and a body.
    Answer(u16, &'static str, String),
    /// Reads the request and closes the connection.
    Drop,
    /// Closes the connection without reading.
    Hangup,
}

fn status(status: u16) -> Act {
    Act::Answer(status, "", String::new())
}

#[derive(Clone, Debug)]
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn key(&self) -> &str {
        self.header("idempotency-key").unwrap()
    }
}

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut acts: VecDeque<_> = acts.into_iter().collect();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &mut acts, &seen);
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves a connection until one side closes it.
fn serve(stream: &TcpStream, acts: &mut VecDeque<Act>, seen: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    loop {
        if let Some(Act::Hangup) = acts.front() {
            acts.pop_front();
            return;
        }
        let Some(request) = read_request(&mut reader) else {
            return;
        };
        seen.lock().unwrap().push(request);
        match acts.pop_front().unwrap_or(status(202)) {
            Act::Drop | Act::Hangup => return,
            Act::Answer(status, headers, body) => {
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                (&mut &*stream).write_all(answer.as_bytes()).unwrap();
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut request = Request {
        head,
        body: String::new(),
    };
    let length = request.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

fn log_line(second: usize) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"192.0.2.1 - - [17/May/2015:10:{minute:02}:{second:02} +0000] "GET / HTTP/1.1" 200 7"#
    )
}

fn log_lines(count: usize) -> String {
    (0..count).map(|second| log_line(second) + "\n").collect()
}

struct Run {
    outcome: Result<(), ImportError>,
    report: Report,
    requests: Vec<Request>,
}

impl Run {
    /// Lines, accepted, refused, batches.
    fn counts(&self) -> (u64, u64, u64, u64) {
        let report = &self.report;
        (
            report.lines,
            report.accepted,
            report.refused,
            report.batches,
        )
    }

    fn shown(&self) -> Vec<String> {
        self.report.shown.iter().map(Refused::to_string).collect()
    }

    fn bodies(&self) -> String {
        self.requests
            .iter()
            .map(|request| request.body.as_str())
            .collect()
    }
}

fn args(file: &Path, url: &str) -> ImportArgs {
    ImportArgs {
        file: file.to_owned(),
        rebase: false,
        url: url.to_owned(),
        token: None,
        batch_size: 10,
        format: None,
        retries: 3,
    }
}

/// Imports a file with `text` into a server. The server does `acts` first. `change` changes the
/// arguments.
fn import_with(
    text: &str,
    acts: impl IntoIterator<Item = Act>,
    change: impl FnOnce(&mut ImportArgs),
) -> Run {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let server = Server::start(acts);
    let mut args = args(file.path(), &server.url);
    change(&mut args);
    let retry = Retry {
        retries: args.retries,
        delay_min: Duration::from_millis(2),
        delay_max: Duration::from_millis(10),
    };
    let mut report = Report::start();
    let outcome = import(&args, "the-token", retry, &mut report);
    Run {
        outcome,
        report,
        requests: server.requests(),
    }
}

fn import_text(text: &str, acts: impl IntoIterator<Item = Act>) -> Run {
    import_with(text, acts, |_| ())
}

#[track_caller]
fn check_failure(run: &Run, expect: &str) {
    let error = run.outcome.as_ref().unwrap_err();
    assert!(error.to_string().starts_with(expect), "{error}");
}

#[test]
fn a_log_arrives_whole_and_in_order() {
    let text = log_lines(25);
    let run = import_text(&text, []);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (25, 25, 0, 3));
    assert_eq!(run.bodies(), text);
    for request in &run.requests {
        assert!(
            request.head.starts_with("POST /collect HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert_eq!(request.header("authorization"), Some("Bearer the-token"));
        assert_eq!(request.header("content-type"), Some("text/plain"));
        assert!(
            request.key().len() == 32 && request.key().bytes().all(|byte| byte.is_ascii_hexdigit())
        );
    }
}

#[test]
fn each_batch_has_a_key_that_is_the_same_in_every_run() {
    // All batches have the same lines.
    let text = log_lines(1).repeat(30);
    let keys = |run: &Run| -> Vec<String> {
        run.requests
            .iter()
            .map(|request| request.key().to_owned())
            .collect()
    };
    let first = keys(&import_text(&text, []));
    assert_eq!(first.len(), 3);
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    assert_eq!(keys(&import_text(&text, [])), first);
    assert_eq!(
        keys(&import_with(&text, [], |args| args.rebase = true)),
        first
    );
    let other = keys(&import_with(&text, [], |args| args.batch_size = 11));
    assert!(other.iter().all(|key| !first.contains(key)));
}

#[test]
fn a_batch_is_sent_again_under_its_key_until_it_is_acknowledged() {
    let text = log_lines(20);
    let run = import_text(
        &text,
        [
            status(503),
            status(429),
            status(500),
            status(202),
            Act::Drop,
        ],
    );
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (20, 20, 0, 2));
    let keys: Vec<_> = run.requests.iter().map(Request::key).collect();
    let bodies: Vec<_> = run.requests.iter().map(|request| &request.body).collect();
    assert_eq!(keys.len(), 6);
    assert!(
        keys[..4].iter().all(|key| *key == keys[0])
            && bodies[..4].iter().all(|body| *body == bodies[0])
    );
    assert!(keys[4] == keys[5] && keys[4] != keys[0] && bodies[4] == bodies[5]);
}

#[test]
fn a_connection_that_is_closed_at_once_is_tried_again() {
    let run = import_text(&log_lines(5), [Act::Hangup, Act::Hangup]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (5, 5, 0, 1));
}

#[test]
fn retry_after_is_waited_for() {
    let busy = Act::Answer(503, "retry-after: 1\r\n", String::new());
    let started = std::time::Instant::now();
    import_text(&log_lines(1), [busy]).outcome.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn an_import_gives_up_and_keeps_what_was_acknowledged() {
    let acts = [status(202)]
        .into_iter()
        .chain(std::iter::repeat_n(status(503), 9));
    let run = import_text(&log_lines(30), acts);
    check_failure(&run, "gave up after try 4: the server answered 503");
    assert_eq!(run.counts(), (10, 10, 0, 1));
    assert_eq!(run.requests.len(), 5);
}

#[test]
fn a_server_that_is_not_there_is_given_up() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = import_with(&log_lines(1), [], |args| {
        args.url = format!("http://{free}")
    });
    check_failure(
        &run,
        &format!("gave up after try 4: http://{free}/collect: Connection refused"),
    );
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    let problem = r#"{"title": "Bad request", "detail": "more than 5 hits"}"#;
    let cases = [
        (status(401), "401: the server does not accept this token"),
        (
            status(413),
            "413: the batch is too large for the server. Try a smaller --batch-size",
        ),
        (status(404), "the server answered 404"),
        (
            Act::Answer(301, "location: /\r\n", String::new()),
            "the server answered 301",
        ),
        (
            Act::Answer(400, "", problem.into()),
            "the server answered 400: more than 5 hits",
        ),
        (
            Act::Answer(200, "", "<html>".into()),
            "the server answered 200, but not as Rollcall does",
        ),
    ];
    for (act, expect) in cases {
        let run = import_text(&log_lines(1), [act]);
        check_failure(&run, expect);
        assert_eq!(run.requests.len(), 1, "{expect}");
    }
}

#[test]
fn refused_lines_are_counted_and_shown_with_their_place_in_the_file() {
    let text = format!("\n{}\n\n{}", log_lines(10), log_lines(4));
    let partly = r#"{"accepted": 3, "rejected": 1, "rejections": [{"number": 2, "field": "ip", "reason": "no"}]}"#;
    let run = import_text(&text, [status(202), Act::Answer(200, "", partly.into())]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (14, 13, 1, 2));
    assert_eq!(run.shown(), ["line 15: ip: no"]);
}

#[test]
fn a_batch_without_a_good_line_is_acknowledged_too() {
    let none = r#"{"title": "t", "accepted": 0, "rejected": 10, "rejections": [{"number": 1, "reason": "no"}]}"#;
    let run = import_text(&log_lines(20), [Act::Answer(400, "", none.into())]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (20, 10, 10, 2));
    assert_eq!(run.shown(), ["line 1: no"]);
}

#[test]
fn ndjson_is_known_by_its_first_line() {
    let text = "\n  {\"ip\": 1}\n";
    let run = import_text(text, []);
    assert_eq!(
        run.requests[0].header("content-type"),
        Some("application/x-ndjson")
    );
    let run = import_with(text, [], |args| args.format = Some(Format::AccessLog));
    assert_eq!(run.requests[0].header("content-type"), Some("text/plain"));
}

#[test]
fn what_cannot_be_imported_is_said() {
    check_failure(&import_text("[{}]", []), "the file is a JSON array");
    check_failure(
        &import_with("", [], |args| args.file = "/nowhere".into()),
        "cannot read /nowhere: ",
    );
    check_failure(
        &import_with("", [], |args| args.file = "/".into()),
        "cannot read /: ",
    );
    let run = import_text("\n \r\n", []);
    assert_eq!((run.outcome.is_ok(), run.counts()), (true, (0, 0, 0, 0)));
}

#[test]
fn a_batch_ends_before_it_has_more_than_a_mebibyte() {
    let line = "a".repeat(400_000);
    let longest = "a".repeat(lines::BATCH_BYTES_MAX - 1);
    let run = import_text(&format!("{line}\n{line}\n{line}\n{longest}\n{line}"), []);
    let sizes: Vec<_> = run
        .requests
        .iter()
        .map(|request| request.body.len())
        .collect();
    assert_eq!(sizes, [800_002, 400_001, 1_048_576, 400_001]);
    let run = import_text(&format!("{line}\n{longest}aa\n"), []);
    check_failure(&run, "line 2 is longer than 1048576 bytes");
    assert_eq!(run.counts(), (1, 1, 0, 1));
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

/// The times of the hits in a request.
fn times(run: &Run) -> Vec<u64> {
    let body = run.bodies();
    let intake = rollcall_formats::read(body.as_bytes(), Format::Ndjson, now_ms()).unwrap();
    assert_eq!(intake.rejected_count, 0);
    intake.hits.iter().map(|hit| hit.timestamp_ms).collect()
}

#[test]
fn rebase_makes_the_newest_hit_now_and_keeps_the_gaps() {
    let lines = [5, 0, 30, 17].map(log_line).join("\n");
    let run = import_with(&lines, [], |args| {
        args.rebase = true;
        args.batch_size = 3;
    });
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (4, 4, 0, 2));
    assert_eq!(
        run.requests[0].header("content-type"),
        Some("application/x-ndjson")
    );
    let times = times(&run);
    let newest = times[2];
    assert!(now_ms() - newest < 1_000);
    assert_eq!(
        times,
        [newest - 25_000, newest - 30_000, newest, newest - 13_000]
    );
}

#[test]
fn rebase_moves_a_future_back_and_leaves_a_hit_without_a_time_now() {
    let hit = |more: &str| format!(r#"{{"ip": "192.0.2.1", "method": "GET", "path": "/"{more}}}"#);
    let future = hit(r#", "timestamp": "2200-01-01T00:00:10Z""#);
    let before = hit(r#", "timestamp": "2200-01-01T00:00:00Z""#);
    let run = import_with(&[future, hit(""), before].join("\n"), [], |args| {
        args.rebase = true
    });
    let times = times(&run);
    assert!(now_ms() - times[0] < 1_000);
    assert_eq!(times, [times[0], times[0], times[0] - 10_000]);
    let run = import_with(&hit(""), [], |args| args.rebase = true);
    assert!(now_ms() - self::times(&run)[0] < 1_000);
}

#[test]
fn rebase_refuses_what_it_cannot_read_and_sends_the_rest() {
    let text = format!("\nnonsense\n{}\n\nx y\n{}", log_line(1), log_lines(2));
    let refused =
        r#"{"accepted": 2, "rejected": 1, "rejections": [{"number": 2, "reason": "no"}]}"#;
    let run = import_with(&text, [Act::Answer(200, "", refused.into())], |args| {
        args.rebase = true
    });
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (5, 2, 3, 1));
    let expect = [
        "line 2: not a line of an access log",
        "line 5: timestamp: expected [day/month/year:time zone]",
        "line 6: no",
    ];
    assert_eq!(run.shown(), expect);
    let run = import_with("nonsense\n", [], |args| args.rebase = true);
    assert_eq!((run.counts(), run.requests.len()), ((1, 0, 1, 1), 0));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_even_to_be_rebased() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for rebase in [false, true] {
        let path = pipe.clone();
        let writer = thread::spawn(move || std::fs::write(path, log_lines(12)).unwrap());
        let run = import_with("", [], |args| {
            args.file.clone_from(&pipe);
            args.rebase = rebase;
        });
        writer.join().unwrap();
        assert_eq!(run.counts(), (12, 12, 0, 2));
    }
}

#[test]
fn arguments_are_checked() {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: ImportArgs,
    }
    let parse = |args: &str| Command::try_parse_from(args.split(' ')).map(|command| command.args);
    let args = parse("import f").unwrap();
    assert_eq!(
        (args.url.as_str(), args.batch_size, args.retries),
        ("http://127.0.0.1:3000", 1_000, 12)
    );
    assert_eq!(
        parse("import - --url https://a/b/").unwrap().url,
        "https://a/b"
    );
    assert_eq!(
        parse("import f --format combined").unwrap().format,
        Some(Format::AccessLog)
    );
    for wrong in [
        "",
        " f --batch-size 0",
        " f --batch-size 100001",
        " f --format json",
        " f --url a:1",
        " f --url ftp://a",
    ] {
        assert!(parse(&format!("import{wrong}")).is_err(), "{wrong}");
    }
}

/// Lines of both formats, line ends and random bytes, in any order.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(log_line(3).into_bytes()),
        Just(br#"{"ip":"192.0.2.1","method":"GET","path":"/","timestamp":1800000000000}"#.to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_in_a_file_each_line_is_sent_once_or_refused_by_its_number(file in any_file(), size in 1..5usize, is_json: bool) {
        let format = if is_json { Format::Ndjson } else { Format::AccessLog };
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), &file).unwrap();
        let mut input = Input::open(path.path(), true).unwrap();
        let rebase = Rebase::measure(input.lines().unwrap().peekable(), format).unwrap();
        let (mut sent, mut numbers, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for batch in Batches::new(input.lines().unwrap().peekable(), size) {
            let batch = batch.unwrap();
            let verbatim = Shipment::verbatim(&batch, format);
            sent.extend(verbatim.body);
            numbers.extend(verbatim.line_numbers);
            let moved = rebase.apply(&batch).unwrap();
            prop_assert_eq!(moved.body.lines().count(), moved.line_numbers.len());
            told.extend(moved.line_numbers);
            told.extend(moved.refused.iter().map(|refused| refused.line));
        }
        let lines = file.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
        let lines = (1..).zip(lines).filter(|(_, line)| !line.is_empty());
        let (wanted, lines): (Vec<u64>, Vec<&[u8]>) = lines.unzip();
        prop_assert_eq!(sent, lines.iter().flat_map(|line| [line, b"\n".as_slice()].concat()).collect::<Vec<u8>>());
        prop_assert_eq!(&numbers, &wanted);
        told.sort_unstable();
        prop_assert_eq!(&told, &wanted);
    }
}
