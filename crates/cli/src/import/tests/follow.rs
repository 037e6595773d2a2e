//! `--follow`, with real files.

use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use super::super::client::Retry;
use super::*;

/// Follows in a thread. The desk and the thread share the folder and the server.
struct Following {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

impl Following {
    fn start(desk: &Desk, names: &[&str]) -> Self {
        let mut args = desk.args(names);
        args.follow = true;
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let retry: Retry = quick(u32::MAX);
        let thread = thread::spawn(move || {
            let mut report = Report::start();
            let done = import(&args, ("t", retry), &mut report, flag);
            done.map_err(|error| error.to_string())
        });
        Self { stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().unwrap();
    }
}

fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|at| format!("{at} {}\n", log_line(at))).collect()
}

#[test]
fn a_line_is_sent_within_a_second() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..25));
    let following = Following::start(&desk, &["log"]);
    desk.server.wait_for(25);
    for at in 25..28 {
        desk.append("log", lines(at..at + 1));
        assert!(desk.server.wait_for(at + 1) < Duration::from_secs(1));
    }
    // The end of a line is waited for.
    let line = lines(28..29);
    desk.append("log", &line[..20]);
    thread::sleep(Duration::from_millis(400));
    assert_eq!(desk.server.hits().len(), 28);
    desk.append("log", &line[20..]);
    desk.server.wait_for(29);
    following.end();
    assert_eq!(desk.server.hits().join("\n") + "\n", lines(0..29));
    desk.append("log", lines(29..30));
    desk.check(&["log"], 30);
}

#[test]
fn every_kind_of_rotation_is_survived() {
    let desk = Desk::new([]);
    let following = Following::start(&desk, &["log"]);
    // A file that is not there is waited for.
    desk.append("log", lines(0..5));
    desk.server.wait_for(5);
    // Renamed. The gateway writes into the old file for a while.
    desk.rename("log", "log.1");
    desk.append("log.1", lines(5..7));
    desk.append("log", lines(7..10));
    desk.server.wait_for(10);
    desk.append("log.1", lines(10..11));
    desk.server.wait_for(11);
    // Truncated.
    fs::copy(desk.path("log"), desk.path("log.0")).unwrap();
    desk.write("log", lines(11..13));
    desk.server.wait_for(13);
    desk.write("log", "");
    thread::sleep(Duration::from_millis(300));
    desk.append("log", lines(13..20));
    desk.server.wait_for(20);
    // Deleted.
    desk.remove("log");
    thread::sleep(Duration::from_millis(300));
    desk.append("log", lines(20..22));
    desk.server.wait_for(22);
    following.end();
    let mut hits = desk.server.hits();
    hits.sort_by_key(|hit| hit.split_once(' ').unwrap().0.parse::<u32>().unwrap());
    assert_eq!(hits.join("\n") + "\n", lines(0..22));
    desk.check(&["log", "log.1"], 22);
}

#[test]
fn new_files_of_a_pattern_are_found_and_compressed_ones_are_known() {
    let desk = Desk::new([]);
    let following = Following::start(&desk, &["log*"]);
    desk.append("log", lines(0..5));
    desk.server.wait_for(5);
    desk.rename("log", "log.1");
    desk.append("log", lines(5..10));
    desk.server.wait_for(10);
    desk.gzip("log.1", "log.2.gz");
    desk.append("log.other", lines(10..15));
    desk.server.wait_for(15);
    thread::sleep(Duration::from_millis(400));
    following.end();
    assert_eq!(desk.server.hits().len(), 15);
}

#[test]
fn the_copy_of_a_log_that_is_then_truncated_counts_once() {
    let desk = Desk::new([]);
    let following = Following::start(&desk, &["log*"]);
    desk.append("log", lines(0..40));
    desk.server.wait_for(40);
    for range in [0..20, 20..40] {
        desk.append("log.1", lines(range));
        thread::sleep(Duration::from_millis(300));
    }
    desk.write("log", lines(40..45));
    desk.server.wait_for(45);
    thread::sleep(Duration::from_millis(500));
    following.end();
    assert_eq!(desk.server.hits().len(), 45);
}

#[test]
fn a_server_that_is_away_is_waited_for_and_a_signal_ends_the_waiting() {
    let desk = Desk::new(std::iter::repeat_n(status(503), 15));
    desk.write("log", lines(0..5));
    let following = Following::start(&desk, &["log"]);
    desk.server.wait_for(5);
    desk.server.act(std::iter::repeat_n(status(503), 100_000));
    desk.append("log", lines(5..6));
    thread::sleep(Duration::from_millis(400));
    following.stop.store(true, Ordering::Relaxed);
    let error = following.thread.join().unwrap().unwrap_err();
    assert!(error.starts_with("gave up after try "), "{error}");
}

#[cfg(unix)]
#[test]
fn the_lines_of_a_stream_are_sent_as_they_come() {
    let desk = Desk::new([]);
    let pipe = desk.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let following = Following::start(&desk, &["pipe"]);
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    for at in 0..3 {
        writer.write_all(lines(at..at + 1).as_bytes()).unwrap();
        assert!(desk.server.wait_for(at + 1) < Duration::from_secs(1));
    }
    following.end();
}
