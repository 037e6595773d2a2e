//! How batches are sent, and what is told about them.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use proptest::prelude::*;

use super::super::batch::{Batch, Shipment};
use super::*;

/// Imports a file with `text` into a server. The server does `acts` first. `change` changes the
/// arguments.
fn import_with(
    text: &str,
    acts: impl IntoIterator<Item = Act>,
    change: impl FnOnce(&mut ImportArgs),
) -> Run {
    let desk = Desk::new(acts);
    desk.write("log", text);
    desk.import_with(&["log"], |args| {
        args.last_line = true;
        change(args);
    })
}

fn import_text(text: &str, acts: impl IntoIterator<Item = Act>) -> Run {
    import_with(text, acts, |_| ())
}

#[test]
fn a_log_arrives_whole_and_in_order() {
    let text = log_lines(0..25);
    let run = import_text(&text, []);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (25, 25, 0, 3));
    assert_eq!(run.bodies(), text);
    for request in &run.requests {
        assert!(
            request
                .head
                .starts_with("POST /collect?format=auto HTTP/1.1\r\n"),
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
    let desk = Desk::new([]);
    // All batches have the same lines.
    desk.write("log", log_lines(0..1).repeat(30));
    let keys = |change: fn(&mut ImportArgs)| {
        desk.forget_positions();
        let before = desk.server.requests().len();
        desk.import_with(&["log"], change).keys().split_off(before)
    };
    fs::create_dir(desk.path("state")).unwrap();
    let first = keys(|_| ());
    assert_eq!(first.len(), 3);
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    assert_eq!(keys(|_| ()), first);
    assert_eq!(keys(|args| args.rebase = true), first);
    let other = keys(|args| args.batch_size = 11);
    assert!(other.iter().all(|key| !first.contains(key)));
    let before = desk.server.requests().len();
    let again = desk.import_with(&["log"], |args| args.from_start = true);
    assert_eq!(again.keys().split_off(before), first);
}

#[test]
fn a_batch_is_sent_again_under_its_key_until_it_is_acknowledged() {
    let text = log_lines(0..20);
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
    let run = import_text(&log_lines(0..5), [Act::Hangup, Act::Hangup]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (5, 5, 0, 1));
}

#[test]
fn retry_after_is_waited_for() {
    for status in [503, 429] {
        let busy = Act::Answer(status, "retry-after: 1\r\n", String::new());
        let started = std::time::Instant::now();
        import_text(&log_lines(0..1), [busy]).outcome.unwrap();
        assert!(started.elapsed() >= Duration::from_secs(1), "{status}");
    }
}

#[test]
fn an_import_gives_up_and_keeps_what_was_acknowledged() {
    let acts = [status(202)]
        .into_iter()
        .chain(std::iter::repeat_n(status(503), 9));
    let run = import_text(&log_lines(0..30), acts);
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
    let run = import_with(&log_lines(0..1), [], |args| {
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
        let run = import_text(&log_lines(0..1), [act]);
        check_failure(&run, expect);
        assert_eq!(run.requests.len(), 1, "{expect}");
    }
}

#[test]
fn refused_lines_are_counted_and_shown_with_their_place_in_the_file() {
    let text = format!("\n{}\n\n{}", log_lines(0..10), log_lines(0..4));
    let partly = r#"{"accepted": 3, "rejected": 1, "rejections": [{"number": 2, "field": "ip", "reason": "no"}]}"#;
    let run = import_text(&text, [status(202), Act::Answer(200, "", partly.into())]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (14, 13, 1, 2));
    assert_eq!(run.reasons(), ["1 from line 15: ip: no"]);
}

#[test]
fn a_batch_without_a_good_line_is_acknowledged_too() {
    let none = r#"{"title": "t", "accepted": 0, "rejected": 10, "rejections": [{"number": 1, "reason": "no"}]}"#;
    let run = import_text(&log_lines(0..20), [Act::Answer(400, "", none.into())]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (20, 10, 10, 2));
    assert_eq!(run.reasons(), ["1 from line 1: -: no"]);
    let table = run.report.refusals();
    assert!(
        table.contains("         9  -                not described"),
        "{table}"
    );
}

#[test]
fn a_format_is_sent_as_it_was_given() {
    let text = "\n  {\"ip\": 1}\n";
    for (format, media_type) in [
        ("ndjson", "application/x-ndjson"),
        ("combined", "text/plain"),
    ] {
        let run = import_with(text, [], |args| args.format = format.to_owned());
        let request = &run.requests[0];
        assert!(
            request.head.contains(&format!("?format={format} ")),
            "{}",
            request.head
        );
        assert_eq!(request.header("content-type"), Some(media_type));
    }
}

#[test]
fn what_cannot_be_imported_is_said() {
    for name in ["/nowhere", "/"] {
        let run = import_with("", [], |args| args.files = vec![name.into()]);
        check_failure(&run, &format!("cannot read {name}: "));
    }
    let run = import_with("", [], |args| args.files = vec!["/nowhere/*.log".into()]);
    check_failure(&run, "no file matches /nowhere/*.log");
    let run = import_text("\n \r\n", []);
    assert_eq!((run.outcome.is_ok(), run.counts()), (true, (0, 0, 0, 1)));
    assert!(run.report.is_success());
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_the_others_from_being_imported() {
    let desk = Desk::new([]);
    desk.write("log", log_lines(0..5));
    let run = desk.import(&["nowhere", "log"]);
    check_failure(&run, "cannot read ");
    assert_eq!(run.counts(), (5, 5, 0, 1));
}

#[test]
fn an_import_ends_when_too_many_lines_are_refused() {
    let partly = r#"{"accepted": 9, "rejected": 1, "rejections": [{"number": 2, "reason": "no"}]}"#;
    let answers = std::iter::repeat_n(Act::Answer(200, "", partly.into()), 3);
    let run = import_with(&log_lines(0..30), answers, |args| {
        args.max_refused = Some(1)
    });
    check_failure(&run, "2 lines were refused, more than --max-refused");
    assert_eq!(run.counts(), (20, 18, 2, 2));
    assert_eq!(run.reasons(), ["2 from line 2: -: no"]);
}

#[test]
fn an_import_succeeds_if_something_was_accepted_or_nothing_was_new() {
    let none = r#"{"accepted": 0, "rejected": 2, "rejections": []}"#;
    let run = import_text(&log_lines(0..2), [Act::Answer(400, "", none.into())]);
    assert!(run.outcome.is_ok() && !run.report.is_success());
    let desk = Desk::new([]);
    desk.write("log", "unfinished");
    assert!(!desk.import(&["log"]).report.is_success());
    desk.append("log", "\n");
    assert!(desk.import(&["log"]).report.is_success());
    assert!(desk.import(&["log"]).report.is_success());
    desk.write("empty", "");
    assert!(desk.import(&["empty"]).report.is_success());
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
    let text = format!("\nnonsense\n{}\n\nx y\n{}", log_line(1), log_lines(0..2));
    let refused =
        r#"{"accepted": 2, "rejected": 1, "rejections": [{"number": 2, "reason": "no"}]}"#;
    let run = import_with(&text, [Act::Answer(200, "", refused.into())], |args| {
        args.rebase = true
    });
    run.outcome.as_ref().unwrap();
    assert_eq!(run.counts(), (5, 2, 3, 1));
    let reasons = run.reasons();
    assert!(reasons[0].starts_with("1 from line 2: "), "{reasons:?}");
    assert!(reasons[1].starts_with("1 from line 5: "), "{reasons:?}");
    assert_eq!(reasons[2], "1 from line 6: -: no");
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
        let writer = std::thread::spawn(move || std::fs::write(path, log_lines(0..12)).unwrap());
        let run = import_with("", [], |args| {
            args.files = vec![pipe.clone()];
            args.rebase = rebase;
        });
        writer.join().unwrap();
        assert_eq!(run.counts(), (12, 12, 0, 2));
    }
}

#[test]
fn arguments_are_checked() {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: ImportArgs,
    }
    let parse = |args: &str| Command::try_parse_from(args.split(' ')).map(|command| command.args);
    let args = parse("import f g").unwrap();
    assert_eq!(
        (args.url.as_str(), args.batch_size, args.retry().retries),
        ("http://127.0.0.1:3000", 10_000, 12)
    );
    assert_eq!(args.files, [PathBuf::from("f"), PathBuf::from("g")]);
    assert_eq!(
        parse("import f --follow").unwrap().retry().retries,
        u32::MAX
    );
    assert_eq!(
        parse("import - --url https://a/b/").unwrap().url,
        "https://a/b"
    );
    assert_eq!(
        parse("import f --format combined").unwrap().format,
        "combined"
    );
    for wrong in [
        "",
        " f --batch-size 0",
        " f --batch-size 100001",
        " f --format json",
        " f --url a:1",
        " f --url ftp://a",
        " f --follow --rebase",
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
        // Without NULs and comments, of which other tests are.
        prop::collection::vec(prop_oneof![1..b'#', b'$'..=255], 0..20),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_in_a_file_each_line_is_sent_once_or_refused_by_its_number(file in any_file(), size in 1..5usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, &file).unwrap();
        let state = State::open(Some(folder.path()), "http://a", None).unwrap();
        let log = open::Log::open(&path, &state, open::Options::default()).unwrap();
        let mut rebase = Rebase::new(Format::Auto);
        let mut log = rebase.measure(log).unwrap();
        let (mut sent, mut numbers, mut told) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let mut batch = Batch::cut(&mut log, size).unwrap();
            let last = if batch.is_full { None } else { log.reader.finish() };
            if let Some(piece) = last {
                batch.take(piece);
            }
            let verbatim = Shipment::verbatim(&batch, "auto");
            sent.extend(verbatim.body);
            numbers.extend(verbatim.line_numbers);
            let moved = rebase.apply(&batch).unwrap();
            prop_assert_eq!(moved.body.split(|byte| *byte == b'\n').count() - 1, moved.line_numbers.len());
            told.extend(moved.line_numbers);
            told.extend(moved.refused.iter().map(|refused| refused.line));
            log.record.mark = batch.end;
            if !batch.is_full {
                break;
            }
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
