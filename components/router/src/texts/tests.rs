use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// A text in one of the languages.
fn said(text: &Text, language: Language) -> String {
    let mut said = String::new();
    text.write_into(&mut said, &language).unwrap();
    said
}

#[test]
fn a_text_is_written_in_the_language_of_its_reader() {
    let name = "{}Requests".to_owned();
    for (text, english, chinese) in [
        (t!("Requests"), "Requests", "请求数"),
        (
            t!("Filter by {}", name),
            "Filter by {}Requests",
            "按 {}Requests 筛选",
        ),
        (
            t!("Remove the filter {} {}", t!("Country"), "DE"),
            "Remove the filter Country DE",
            "移除筛选条件：国家/地区 DE",
        ),
        (Text::from("Requests".to_owned()), "Requests", "Requests"),
    ] {
        assert_eq!(said(&text, Language::English), english);
        assert_eq!(said(&text, Language::Chinese), chinese);
        assert_eq!(text.to_string(), english);
    }
}

#[test]
fn a_tag_names_a_language_by_its_beginning() {
    for (tag, expect) in [
        ("en", Some(Language::English)),
        ("EN-gb", Some(Language::English)),
        ("zh-Hans-CN", Some(Language::Chinese)),
        ("de", None),
        ("zhx", None),
        ("*", None),
        ("", None),
    ] {
        assert_eq!(Language::of_tag(tag), expect, "{tag}");
    }
}

#[test]
fn every_text_is_in_the_table_once_with_the_same_values_and_is_used() {
    let mut sources = String::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut sources,
    );
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"),
        &mut sources,
    );
    let mut known = BTreeSet::new();
    for (english, chinese) in CHINESE {
        assert!(known.insert(english), "{english} is there twice");
        let values = |text: &str| text.matches("{}").count();
        assert_eq!(values(english), values(chinese), "{english}");
        assert!(!chinese.is_empty(), "{english}");
        let is_used =
            sources.contains(&format!("\"{english}\"")) || warning::EVERY.contains(english);
        assert!(is_used, "no page has the text {english:?}");
    }
}

/// Appends every file of the folder, but the table.
fn read(folder: &Path, to: &mut String) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => read(&path, to),
            false if path.ends_with("chinese.rs") => {}
            false => *to += &fs::read_to_string(path).unwrap(),
        }
    }
}

/// Texts of the templates that are the same in every language.
const NAMES: [&str; 8] = [
    "Rollcall",
    "· Rollcall",
    "JSON",
    "p50",
    "p95",
    "p99",
    "API",
    "·",
];

#[test]
fn a_template_has_no_text_outside_of_the_table() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut count = 0;
    for file in fs::read_dir(templates).unwrap() {
        let path = file.unwrap().path();
        let mut template = fs::read_to_string(&path).unwrap();
        for (begin, end) in [
            ("{#", "#}"),
            ("{{", "}}"),
            ("{%", "%}"),
            ("<code", "</code>"),
            ("<pre", "</pre>"),
            ("<kbd", "</kbd>"),
        ] {
            template = without(&template, begin, end);
        }
        for text in texts(&template) {
            let is_text = text.chars().any(char::is_alphabetic);
            assert!(
                !is_text || NAMES.contains(&text),
                "{}: {text:?}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

/// The text without all that is between two marks.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |left, part| {
        let (_, rest) = part.split_once(end).unwrap();
        left + rest
    })
}

/// The texts between the tags of a template, and the attributes that people read.
fn texts(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in template.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        found.extend(text.lines().map(str::trim));
        for name in ["title", "aria-label", "placeholder", "alt"] {
            let value = tag.split_once(&format!(" {name}=\""));
            let value = value.and_then(|(_, rest)| rest.split_once('"'));
            found.extend(value.map(|(value, _)| value));
        }
    }
    found
}

#[test]
fn a_text_outside_of_the_table_is_noticed() {
    let template = "<p title=\"Where\">{{ t!(\"Known\") }} <b>New</b>\n<i>·</i></p>";
    let left = without(template, "{{", "}}");
    let found = texts(&left);
    let found: Vec<&str> = found.into_iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(found, ["Where", "New", "·"]);
}
