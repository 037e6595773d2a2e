//! A file counts once, whenever and however often it is imported.

use super::*;

/// Logs as a gateway writes them: no two lines are the same.
fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|at| format!("{at} {}\n", log_line(at))).collect()
}

#[test]
fn a_file_that_grew_goes_on_where_the_last_import_ended() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..15));
    desk.check(&["log"], 15);
    desk.check(&["log"], 15);
    desk.append("log", lines(15..17));
    desk.check(&["log"], 17);
    let run = desk.import(&["log"]);
    assert!(run.report.to_string().starts_with("nothing new"));
    assert_eq!(desk.server.hits().join("\n") + "\n", lines(0..17));
}

#[test]
fn a_copy_that_grew_is_the_same_file_even_beside_the_original() {
    let desk = Desk::new([]);
    desk.write("a", lines(0..1_500));
    desk.write("b", lines(0..1_700));
    desk.check(&["a"], 1_500);
    desk.check(&["b"], 1_700);
    desk.check(&["a", "b"], 1_700);
    desk.append("a", lines(1_500..1_700));
    desk.check(&["a", "b"], 1_700);
}

#[test]
fn two_files_with_the_same_lines_count_twice() {
    let desk = Desk::new([]);
    for name in ["a", "b"] {
        desk.write(name, log_lines(0..1));
    }
    desk.check(&["a", "b"], 2);
    desk.check(&["b", "a"], 2);
    for name in ["a", "b"] {
        desk.append(name, log_lines(0..1_200).repeat(2));
    }
    desk.check(&["a", "b"], 4_802);
    desk.check(&["a", "b"], 4_802);
}

#[test]
fn a_file_that_was_renamed_is_the_same_and_the_new_one_another() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..15));
    desk.check(&["log"], 15);
    desk.append("log", lines(15..18));
    desk.rename("log", "log.1");
    desk.write("log", lines(18..20));
    desk.check(&["log", "log.1"], 20);
    // The new file begins with the same lines as the old one.
    desk.rename("log", "log.2");
    desk.write("log", lines(18..20));
    desk.check(&["log"], 22);
    desk.check(&["log*"], 22);
}

#[test]
fn a_file_that_was_truncated_is_another_file() {
    for order in [["log", "log.1"], ["log.1", "log"]] {
        let desk = Desk::new([]);
        desk.write("log", lines(0..25));
        desk.check(&["log"], 25);
        desk.append("log", lines(25..28));
        fs::copy(desk.path("log"), desk.path("log.1")).unwrap();
        desk.write("log", lines(28..33));
        desk.check(&order, 33);
        desk.check(&order, 33);
        // Longer than before, and again with the same first lines.
        desk.write("log", lines(28..33) + &lines(100..200));
        desk.check(&order, 133);
        desk.write("log", lines(28..40));
        desk.check(&order, 145);
        desk.check(&order, 145);
    }
}

#[test]
fn a_file_that_was_truncated_and_got_the_same_lines_counts_again() {
    let desk = Desk::new([]);
    desk.write("log", log_lines(0..25));
    desk.import(&["log"]);
    desk.write("log", log_lines(0..10));
    // The server remembers the keys of the first import.
    desk.check(&["log"], 35);
}

#[test]
fn a_file_that_was_compressed_is_the_same() {
    for is_zstd in [false, true] {
        let desk = Desk::new([]);
        desk.write("log.1", lines(0..15));
        desk.check(&["log.1"], 15);
        desk.append("log.1", lines(15..22));
        let text = fs::read(desk.path("log.1")).unwrap();
        let packed = match is_zstd {
            true => zstd::encode_all(text.as_slice(), 3).unwrap(),
            false => gzip(&text),
        };
        desk.write("log.2.gz", packed);
        desk.remove("log.1");
        desk.check(&["log.2.gz"], 22);
        desk.check(&["log.2.gz"], 22);
        desk.rename("log.2.gz", "log.3.gz");
        desk.check(&["log*"], 22);
    }
}

#[test]
fn a_compressed_file_beside_its_original_is_the_same() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..15));
    desk.write("log.gz", gzip(lines(0..15).as_bytes()));
    desk.check(&["log", "log.gz"], 15);
    desk.check(&["log.gz", "log"], 15);
}

#[test]
fn a_log_that_is_being_copied_before_it_is_truncated_counts_once() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..40));
    desk.check(&["log"], 40);
    desk.append("log", lines(40..45));
    // The copy has some of the lines, and then all.
    for copied in [30, 45] {
        desk.write("log.1", lines(0..copied));
        desk.check(&["log*"], 45);
    }
    desk.write("log", lines(45..47));
    desk.check(&["log*"], 47);
}

#[test]
fn logs_that_begin_with_the_same_comments_are_not_taken_for_each_other() {
    let desk = Desk::new([]);
    let head = "#Version: 1.0\n#Fields: time cs-method cs-uri\n";
    desk.write("log", head);
    desk.write("log.1", format!("{head}{}", lines(0..15)));
    desk.check(&["log", "log.1"], 15);
    desk.append("log", lines(15..20));
    desk.check(&["log", "log.1"], 20);
}

#[test]
fn a_compressed_file_of_several_members_is_read_to_its_end() {
    let desk = Desk::new([]);
    let members = [0..7, 7..15, 15..15, 15..22].map(|range| gzip(lines(range).as_bytes()));
    desk.write("log.gz", members.concat());
    let frames =
        [30..37, 37..40].map(|range| zstd::encode_all(lines(range).as_bytes(), 3).unwrap());
    desk.write("log.zst", frames.concat());
    desk.check(&["log.gz", "log.zst"], 32);
}

#[test]
fn a_whole_rotation_counts_each_line_once() {
    let desk = Desk::new([]);
    let mut at = 0;
    for day in 0..6 {
        desk.append("log", lines(at..at + 13));
        at += 13;
        if day % 2 == 0 {
            desk.check(&["log*"], at);
        }
        desk.append("log", lines(at..at + 4));
        at += 4;
        if desk.path("log.2.gz").exists() {
            desk.rename("log.2.gz", "log.3.gz");
        }
        if desk.path("log.1").exists() {
            desk.gzip("log.1", "log.2.gz");
        }
        desk.rename("log", "log.1");
    }
    desk.check(&["log*"], at);
}

#[test]
fn a_file_of_another_machine_is_known_by_its_source() {
    let desk = Desk::new([]);
    let check = |text: String, source: &str, hits: usize| {
        // Another inode each time.
        desk.write("new", text);
        desk.rename("new", "log");
        let run = desk.import_with(&["log"], |args| args.source = Some(source.to_owned()));
        run.outcome.unwrap();
        desk.server.forget_keys();
        assert_eq!(desk.server.hits().len(), hits);
    };
    check(lines(0..15), "node-a", 15);
    check(lines(0..15), "node-b", 30);
    check(lines(0..17), "node-a", 32);
    check(lines(0..18), "node-b", 35);
    check(lines(50..53), "node-b", 38);
    check(lines(0..18), "node-b", 38);
}

#[cfg(unix)]
#[test]
fn a_stream_with_a_source_goes_on_where_it_ended() {
    let desk = Desk::new([]);
    let pipe = desk.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let check = |text: Vec<u8>, source: Option<&str>, hits: usize| {
        let path = pipe.clone();
        let writer = std::thread::spawn(move || fs::write(path, text).unwrap());
        let run = desk.import_with(&["pipe"], |args| args.source = source.map(str::to_owned));
        run.outcome.unwrap();
        writer.join().unwrap();
        assert_eq!(desk.server.hits().len(), hits);
    };
    check(lines(0..15).into(), Some("a"), 15);
    desk.server.forget_keys();
    check(lines(0..17).into(), Some("a"), 17);
    check(gzip(lines(0..19).as_bytes()), Some("a"), 19);
    check(lines(0..15).into(), Some("b"), 34);
    check(lines(90..93).into(), Some("a"), 37);
    // The end of a line that came without its end is no hit.
    let text = lines(90..95);
    check(text[..text.len() - 5].into(), Some("a"), 39);
    desk.server.forget_keys();
    check(text.into(), Some("a"), 39);
    // Without a source, the keys alone tell that it was sent.
    check(lines(0..15).into(), None, 54);
    check(lines(0..15).into(), None, 54);
}

#[test]
fn a_line_that_is_being_written_is_left_for_the_next_import() {
    let desk = Desk::new([]);
    let text = lines(0..3);
    let (before, after) = text.split_at(text.len() - 20);
    desk.write("log", before);
    desk.check(&["log"], 2);
    assert_eq!(desk.import(&["log"]).report.unfinished.len(), 1);
    desk.append("log", after);
    desk.check(&["log"], 3);
    assert_eq!(desk.server.hits().join("\n") + "\n", text);
}

#[test]
fn a_last_line_that_was_taken_without_its_end_counts_once() {
    let desk = Desk::new([]);
    let json = r#"{"ip":"192.0.2.1","method":"GET","path":"/"}"#;
    desk.write("json", format!("{json}\n{json}"));
    desk.check(&["json"], 2);
    desk.append("json", format!("\n{json}\n"));
    desk.check(&["json"], 3);
    let text = lines(0..3);
    let (before, after) = text.split_at(text.len() - 20);
    desk.write("log", before);
    desk.import_with(&["log"], |args| args.last_line = true)
        .outcome
        .unwrap();
    desk.append("log", format!("{after}{}", lines(3..4)));
    desk.check(&["log"], 7);
    let numbers: Vec<_> = state_of(&desk)
        .iter()
        .map(|record| record.mark.lines)
        .collect();
    assert!(numbers.contains(&4) && numbers.contains(&3), "{numbers:?}");
}

fn state_of(desk: &Desk) -> Vec<record::Record> {
    let folder = desk.path("state");
    let state = State::open(Some(&folder), &desk.server.url, None).unwrap();
    state.records().unwrap()
}

#[test]
fn a_batch_whose_answer_was_lost_is_sent_again_with_the_same_lines_and_key() {
    let desk = Desk::new([status(202), Act::Lose]);
    desk.write("log", lines(0..25));
    let run = desk.import_with(&["log"], |args| args.retries = Some(0));
    check_failure(&run, "gave up after try 1");
    assert_eq!(desk.server.hits().len(), 20);
    // The file grew, and another batch size would cut it elsewhere.
    desk.append("log", lines(25..40));
    let run = desk.import_with(&["log"], |args| args.batch_size = 7);
    run.outcome.as_ref().unwrap();
    assert_eq!(run.keys()[1], run.keys()[2]);
    assert_eq!(desk.server.hits().join("\n") + "\n", lines(0..40));
}

#[test]
fn the_last_small_batch_whose_answer_was_lost_is_not_sent_with_more_lines() {
    for source in [None, Some("a".to_owned())] {
        let desk = Desk::new([Act::Lose]);
        desk.write("log", lines(0..5));
        let run = desk.import_with(&["log"], |args| {
            args.retries = Some(0);
            args.source.clone_from(&source);
        });
        assert!(run.outcome.is_err());
        desk.append("log", lines(5..8));
        desk.import_with(&["log"], |args| args.source = source)
            .outcome
            .unwrap();
        assert_eq!(desk.server.hits().join("\n") + "\n", lines(0..8));
    }
}

#[test]
fn if_the_positions_are_lost_the_keys_are_enough() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..25));
    desk.write("log.gz", gzip(lines(30..45).as_bytes()));
    desk.import(&["log", "log.gz"]);
    desk.forget_positions();
    desk.check(&["log", "log.gz"], 40);
    desk.check(&["log", "log.gz"], 40);
}

#[test]
fn a_new_server_gets_all_lines_and_an_emptied_one_gets_them_from_the_start() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..25));
    desk.check(&["log"], 25);
    let other = Server::start([]);
    let run = desk.import_with(&["log"], |args| args.url.clone_from(&other.url));
    run.outcome.unwrap();
    assert_eq!(other.hits().len(), 25);
    let run = desk.import_with(&["log"], |args| args.from_start = true);
    run.outcome.unwrap();
    assert_eq!(desk.server.hits().len(), 50);
}

#[test]
fn two_imports_of_a_file_at_the_same_time_are_refused() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..25));
    desk.check(&["log"], 25);
    let folder = desk.path("state");
    let state = State::open(Some(&folder), &desk.server.url, None).unwrap();
    let _log = open::Log::open(&desk.path("log"), &state, open::Options::default()).unwrap();
    check_failure(&desk.import(&["log"]), "another import reads ");
}

#[test]
fn a_damaged_record_is_an_error_that_names_its_file() {
    let desk = Desk::new([]);
    desk.write("log", lines(0..5));
    desk.check(&["log"], 5);
    let state = desk.path("state/import");
    let folder = fs::read_dir(state).unwrap().next().unwrap().unwrap().path();
    let mut files = fs::read_dir(folder).unwrap();
    let json = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    let record = files
        .find_map(|entry| Some(entry.unwrap().path()).filter(json))
        .unwrap();
    fs::write(&record, "{").unwrap();
    check_failure(&desk.import(&["log"]), &record.display().to_string());
    fs::remove_file(record).unwrap();
    desk.check(&["log"], 10);
}

#[test]
fn the_record_of_a_log_that_is_long_gone_is_deleted() {
    let desk = Desk::new([]);
    desk.write("old", lines(0..5));
    desk.write("new", lines(5..10));
    desk.check(&["old", "new"], 10);
    let folder = desk.path("state/import");
    let folder = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if fs::read_to_string(&path).unwrap().contains("/old\"") {
            let long_ago = std::time::SystemTime::now() - Duration::from_secs(91 * 24 * 60 * 60);
            let file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(long_ago).unwrap();
        }
    }
    desk.check(&["new"], 10);
    let paths: Vec<_> = state_of(&desk)
        .into_iter()
        .map(|record| record.path)
        .collect();
    assert_eq!(paths, [desk.path("new")]);
}

#[cfg(unix)]
#[test]
fn the_name_of_a_file_may_have_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new([]);
    let path = desk
        .folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"log\xff"));
    fs::write(&path, lines(0..5)).unwrap();
    for _ in 0..2 {
        let run = desk.import_with(&[], |args| args.files = vec![path.clone()]);
        run.outcome.unwrap();
        assert_eq!(desk.server.hits().len(), 5);
        desk.server.forget_keys();
    }
}
