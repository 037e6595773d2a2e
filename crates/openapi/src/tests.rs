//! Checks the document against the code that reads requests.

mod translation;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use form_urlencoded::Serializer;
use rollcall_formats::{self as formats, Format, Intake};
use rollcall_tally::question::{Place, Question, Value as Of};
use rollcall_tally::report::ExportRecord;
use serde_json::{Value, json};

use crate::{document, examples};

/// The questions: their paths, the parameters that each one needs, and the others in the document.
fn questions() -> Vec<(String, &'static str, Vec<Value>)> {
    let document = document().unwrap();
    let every = Question::every().into_iter().map(|question| {
        let path = question.about().path;
        let least = match path {
            "/admin/paths" | "/admin/retirement" => "key=GET+%2F",
            "/admin/group" => "name=a",
            _ => "",
        };
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let parameters = parameters.cloned().unwrap_or_default().into_iter();
        let query = parameters.filter(|p| p["in"] == "query" && p["required"] != true);
        (path.replace("{ip}", "192.0.2.1"), least, query.collect())
    });
    every.collect()
}

fn ask(path: &str, least: &str, parameter: &Value, value: &Value) -> Option<Question> {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let mut query = Serializer::new(least.to_owned());
    query.append_pair(parameter["name"].as_str().unwrap(), &value);
    Question::at(path, &query.finish()).ok()
}

#[test]
fn ranges_words_and_defaults_are_those_that_questions_are_read_with() {
    for (path, least, parameters) in questions() {
        let without = Question::at(&path, least).unwrap();
        for parameter in parameters {
            let schema = &parameter["schema"];
            let ask = |value: Value| ask(&path, least, &parameter, &value);
            let what = format!("{path} {parameter}");
            if let Some(default) = schema.get("default") {
                assert_eq!(ask(default.clone()), Some(without.clone()), "{what}");
            }
            if let (Some(from), Some(to)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64())
            {
                assert!(
                    ask(from.into()).is_some() && ask(to.into()).is_some(),
                    "{what}"
                );
                assert!(
                    ask((from - 1).into()).is_none() && ask((to + 1).into()).is_none(),
                    "{what}"
                );
                assert!(schema.get("default").is_some(), "{what}");
            }
            for word in schema["enum"].as_array().into_iter().flatten() {
                assert!(ask(word.clone()).is_some(), "{what}");
            }
            if schema.get("enum").is_some() {
                assert!(ask("nonsense".into()).is_none(), "{what}");
            }
        }
    }
}

fn read(hit: &Value) -> Intake {
    formats::read(hit.to_string().as_bytes(), Format::Json, examples::NOW_MS).unwrap()
}

#[test]
fn a_documented_field_of_a_hit_is_one_that_is_read_within_its_limits() {
    let document = document().unwrap();
    let fields = document["components"]["schemas"]["Hit"]["properties"]
        .as_object()
        .unwrap();
    let hit = examples::hit();
    let names: BTreeSet<&String> = fields.keys().collect();
    assert_eq!(names, hit.as_object().unwrap().keys().collect());
    assert_eq!(read(&hit).hits.len(), 1);
    let with = |name: &str, value: Value| {
        let mut hit = hit.clone();
        hit[name] = value;
        read(&hit)
    };
    for (name, schema) in fields {
        let odd = with(name, json!([]));
        match name.as_str() {
            "ip" | "timestamp" => assert_eq!(odd.rejections[0].field.as_ref(), Some(name)),
            // An empty text is none.
            "userAgent" | "host" | "consumer" | "protocol" | "referrer" => {
                assert_eq!(odd.hits.len(), 1);
            }
            _ => assert_eq!(odd.repaired.hits, 1, "{name}"),
        }
        let may_be_null = schema.to_string().contains("\"null\"");
        assert_eq!(
            with(name, Value::Null).hits.len(),
            usize::from(may_be_null),
            "{name}"
        );
        if let (Some(from), Some(to)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            for (value, repaired) in [(from - 1, 1), (from, 0), (to, 0), (to + 1, 1)] {
                let intake = with(name, value.into());
                assert_eq!(intake.repaired.hits, repaired, "{name} {value}");
            }
        }
    }
}

#[test]
fn the_example_of_a_csv_export_has_a_field_in_every_column() {
    let csv = examples::export_as_csv();
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [ExportRecord::COLUMNS.len(); 3]);
}

/// A question's parameters as the tables of the documentation have them, without the parameters
/// that every survey has.
fn in_a_table(question: &mut Question) -> String {
    let ask = question.ask();
    let parameters = ask.parameters().into_iter();
    let of_all = ["timeRange", "from", "to", "via"];
    let own = parameters.filter(|p| p.place == Place::Query && !of_all.contains(&p.name));
    let written = own.map(|parameter| {
        let name = parameter.name;
        match (&parameter.value, parameter.required) {
            (_, Some(form)) => format!("`{name}` {form}"),
            (Of::Integer(default, range), _) => {
                let (from, to) = (range.start(), range.end());
                format!("`{name}` {from}–{to} ({default})")
            }
            (Of::OneOf(one_of), _) => {
                let (names, default) = (one_of.names.join(", "), one_of.chosen.unwrap_or("none"));
                format!("`{name}` {names} ({default})")
            }
            (Of::SomeOf(_), _) if name == "metrics" => {
                format!("`{name}` some of what `sortBy` takes")
            }
            (Of::SomeOf(some_of), _) => format!("`{name}` some of {}", some_of.names.join(", ")),
            (Of::Against(default), _) => {
                format!("`{name}` previous, week or FROM/TO ({})", default.text())
            }
            (Of::Text(..), _) => format!("`{name}` a text"),
            (value, _) => format!("`{name}` ({})", value.text().unwrap_or_default()),
        }
    });
    written.collect::<Vec<_>>().join(", ")
}

/// The words of such a row, in English and in Chinese.
const IN_CHINESE: &[(&str, &str)] = &[
    ("some of what `sortBy` takes", "可多选 `sortBy` 的取值"),
    ("some of", "可多选"),
    (", week or ", ", week 或 "),
    ("a text", "文本"),
    ("a name", "名称"),
    ("(none)", "(无)"),
];

#[test]
fn the_tables_of_the_documentation_have_every_question() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ["README.md", "README.zh-CN.md", "docs/api.md"] {
        let text = fs::read_to_string(workspace.join(file)).unwrap();
        for mut question in Question::every() {
            let mut parameters = in_a_table(&mut question);
            if file == "README.zh-CN.md" {
                for &(english, chinese) in IN_CHINESE {
                    parameters = parameters.replace(english, chinese);
                }
            }
            let row = format!("| `{}` | {parameters} |", question.about().path).replace("  ", " ");
            assert!(text.contains(&row), "{file} lacks {row}");
        }
    }
}

#[test]
fn the_documentation_tells_how_long_each_answer_is_fresh_and_what_is_prewarmed() {
    let text = include_str!("../../../docs/api.md");
    for question in Question::every() {
        let about = question.about();
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", about.path)));
        let told = match about.ttl_ms {
            0 => "| never kept |".to_owned(),
            ttl_ms => format!(
                "| {} min{} |",
                ttl_ms / 60_000,
                match about.is_prewarmed {
                    true => ", prewarmed",
                    false => "",
                }
            ),
        };
        assert!(
            row.is_some_and(|row| row.ends_with(&told)),
            "{row:?}: {told}"
        );
    }
}
