//! A damaged stretch costs itself alone.

use super::super::lines::BATCH_BYTES_MAX;
use super::*;

#[track_caller]
fn check(text: impl AsRef<[u8]>, hits: usize, reasons: &[&str]) {
    let desk = Desk::new([]);
    desk.write("log", text);
    let run = desk.import(&["log"]);
    run.outcome.as_ref().unwrap();
    assert_eq!(desk.server.hits().len(), hits);
    assert_eq!(run.reasons(), reasons);
    assert_eq!(run.report.refused, reasons.len() as u64);
    assert!(!desk.server.hits().concat().contains(['\0', '\u{feff}']));
}

#[test]
fn nuls_cost_themselves() {
    let mut log = vec![0; 2 * BATCH_BYTES_MAX];
    log.extend(log_lines(0..3).bytes());
    check(&log, 3, &["1 from line 1: -: NUL bytes"]);
    let mut log = log_lines(0..15).into_bytes();
    log.extend([b"192.0.2.1 - - [17/Ma".as_slice(), &[0; 4096]].concat());
    log.extend(log_lines(15..20).bytes());
    check(&log, 20, &["1 from line 16: -: NUL bytes"]);
}

#[test]
fn a_line_that_is_too_long_costs_itself() {
    let long = "x".repeat(2 * BATCH_BYTES_MAX);
    let log = format!("{}{long}\n{}", log_lines(0..3), log_lines(3..6));
    check(&log, 6, &["1 from line 4: -: longer than 1 MiB"]);
    check(
        format!("{long}\n"),
        0,
        &["1 from line 1: -: longer than 1 MiB"],
    );
}

#[test]
fn a_byte_order_mark_costs_nothing() {
    check(format!("\u{feff}{}", log_lines(0..2)), 2, &[]);
}

#[test]
fn bytes_that_are_no_utf8_and_brackets_are_sent_as_they_are() {
    let log = [b"[\n".as_slice(), b"caf\xe9\n", log_lines(0..1).as_bytes()].concat();
    let desk = Desk::new([]);
    desk.write("log", log);
    let run = desk.import(&["log"]);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.bodies().lines().count(), 3);
    // The bracket is no hit.
    assert_eq!(run.counts(), (2, 2, 0, 1));
}

#[test]
fn a_compressed_file_that_is_cut_off_is_imported_up_to_there_and_goes_on_when_it_is_whole() {
    let desk = Desk::new([]);
    let text: String = (0..2_000)
        .map(|at| format!("{at} {}\n", log_line(at)))
        .collect();
    let whole = gzip(text.as_bytes());
    desk.write("log.gz", &whole[..whole.len() / 2]);
    let run = desk.import(&["log.gz"]);
    check_failure(&run, "cannot read the rest of ");
    let hits = desk.server.hits().len();
    assert!((100..2_000).contains(&hits), "{hits}");
    desk.append("log.gz", &whole[whole.len() / 2..]);
    desk.check(&["log.gz"], 2_000);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(desk.server.hits(), lines);
}

#[test]
fn a_file_that_is_being_compressed_is_not_taken_for_another_one() {
    let desk = Desk::new([]);
    let text: String = (0..2_000)
        .map(|at| format!("{at} {}\n", log_line(at)))
        .collect();
    desk.write("log.1", &text);
    desk.check(&["log.1"], 2_000);
    let whole = gzip(text.as_bytes());
    desk.write("log.1.gz", &whole[..whole.len() / 2]);
    check_failure(&desk.import(&["log*"]), "cannot read ");
    desk.write("log.1.gz", whole);
    desk.remove("log.1");
    desk.check(&["log*"], 2_000);
}

#[test]
fn the_columns_of_a_w3c_log_are_sent_before_each_batch_and_count_as_no_line() {
    let desk = Desk::new([]);
    let lines = |range: std::ops::Range<usize>| -> String {
        range.map(|at| format!("{at} GET /\n")).collect()
    };
    let fields = [
        "#Fields: time cs-method cs-uri\n",
        "#Fields: x cs-method cs-uri\n",
    ];
    desk.write(
        "log",
        format!(
            "#Version: 1.0\n#Date: 2026-01-02 10:00:00\n{}{}{}{}",
            fields[0],
            lines(0..12),
            fields[1],
            lines(12..30)
        ),
    );
    let run = desk.import(&["log"]);
    assert_eq!((run.report.lines, run.report.accepted), (30, 30));
    let bodies: Vec<_> = run
        .requests
        .iter()
        .map(|request| request.body.clone())
        .collect();
    assert!(bodies[0].starts_with("#Version: 1.0\n#Date: "));
    assert!(bodies[1].starts_with("#Fields: time") && bodies[2].starts_with("#Fields: x"));
    // The columns are remembered between imports, too.
    desk.append("log", lines(30..31));
    let run = desk.import(&["log"]);
    assert_eq!(
        run.requests.last().unwrap().body,
        format!("{}#Date: 2026-01-02 10:00:00\n30 GET /\n", fields[1])
    );
    assert_eq!(run.report.lines, 1);
}
