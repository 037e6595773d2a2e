//! The examples in `docs/sources`: each is read with the format that it names.

use std::fs;
use std::path::PathBuf;

use super::*;

const LINES_MAX: usize = 40;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources")
}

/// The name and the text of each file.
fn files() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.map(read).collect()
}

/// The format and the text of each fence that begins with `log`.
fn examples(text: &str) -> Vec<(&str, &str)> {
    let fences = text.split("\n```").skip(1).step_by(2);
    let logs = fences.filter_map(|fence| fence.strip_prefix("log ")?.split_once('\n'));
    logs.collect()
}

#[test]
fn every_example_is_read_with_its_format() {
    let mut formats = Vec::new();
    for (file, text) in files() {
        for (name, body) in examples(&text) {
            let format = LINE_FORMATS.iter().find(|format| format.has_name(name));
            let format = format.unwrap_or_else(|| panic!("{file}: no format {name}"));
            formats.push(format.name);
            let count = body.lines().filter(|line| !line.starts_with('#')).count();
            for lines in [Lines::Of(format), Lines::Any] {
                let all = raw_all(body.as_bytes(), lines);
                assert_eq!(all.len(), count, "{file}: {body}");
                for raw in all {
                    let raw = raw.unwrap_or_else(|flaw| panic!("{file}: {name}: {flaw}"));
                    assert!(raw.ip.starts_with("192.0.2.1") || raw.ip == "2001:db8::1");
                    assert_eq!(raw.timestamp_ms.map(|ms| ms / 1_000), Some(NOW_MS / 1_000));
                }
            }
        }
    }
    for format in LINE_FORMATS.iter().filter(|format| format.name != "ndjson") {
        assert!(
            formats.contains(&format.name),
            "no example of {}",
            format.name
        );
    }
}

#[test]
fn the_table_of_sources_names_every_format_and_file() {
    let table = fs::read_to_string(folder().join("README.md")).unwrap();
    for name in LINE_FORMATS.iter().flat_map(LineFormat::names) {
        assert!(
            table.contains(&format!("`{name}`")),
            "{name} is not in the table"
        );
    }
    for (file, text) in files() {
        assert!(
            file == "README.md" || table.contains(&format!("]({file})")),
            "{file}"
        );
        assert!(text.lines().count() < LINES_MAX, "{file} is too long");
    }
}

/// Every example of `docs/sources`, with its format.
fn each_example(mut check: impl FnMut(&'static LineFormat, &str)) {
    for (_, text) in files() {
        for (name, body) in examples(&text) {
            let format = LINE_FORMATS.iter().find(|format| format.has_name(name));
            check(format.unwrap(), body);
        }
    }
}

#[test]
fn every_format_reads_an_ipv6_caller() {
    each_example(|format, body| {
        let body = body.replace("192.0.2.1", "2001:db8::1");
        for lines in [Lines::Of(format), Lines::Any] {
            for raw in raw_all(body.as_bytes(), lines) {
                let ip = raw.unwrap().ip;
                let with_port = ip.strip_prefix("2001:db8::1:").is_some();
                assert!(ip == "2001:db8::1" || with_port, "{}: {ip}", format.name);
            }
        }
    });
}

const WRONG_VALUES: [&str; 9] = [
    "null",
    "\"\"",
    "\"-\"",
    "-1",
    "1e300",
    "\"x\\u0000\\ny\"",
    "[]",
    "{}",
    "true",
];

#[test]
fn any_other_value_of_an_object_may_be_missing_or_wrong() {
    each_example(|format, body| {
        let Ok(object) = serde_json::from_str::<serde_json::Value>(body) else {
            return;
        };
        let expect = raw_all(body.as_bytes(), Lines::Of(format))
            .remove(0)
            .unwrap();
        for pointer in pointers(&object) {
            let is_address = object.pointer(&pointer).and_then(|value| value.as_str())
                == Some(expect.ip.as_str());
            for value in WRONG_VALUES {
                let mut changed = object.clone();
                *changed.pointer_mut(&pointer).unwrap() = serde_json::from_str(value).unwrap();
                let line = changed.to_string();
                match raw_all(line.as_bytes(), Lines::Of(format)).remove(0) {
                    Ok(raw) => assert!(raw.ip == expect.ip || is_address, "{line}"),
                    Err(flaw) => assert!(
                        flaw.starts_with("ip:") || flaw.starts_with("timestamp:"),
                        "{line}: {flaw}"
                    ),
                }
            }
        }
    });
}

/// The place of each value in an object.
fn pointers(value: &serde_json::Value) -> Vec<String> {
    let serde_json::Value::Object(entries) = value else {
        return vec![String::new()];
    };
    let nested = entries.iter().flat_map(|(key, value)| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let nested = pointers(value).into_iter();
        nested.map(move |rest| format!("/{key}{rest}"))
    });
    nested.collect()
}
