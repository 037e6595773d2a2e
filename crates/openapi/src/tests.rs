//! The document against what requests are read with.

use std::collections::BTreeSet;

use form_urlencoded::Serializer;
use rollcall_tally::intake::{self, Format, Intake};
use rollcall_tally::question::{NotUnderstood, Question};
use rollcall_tally::report::ExportRecord;
use serde_json::{Value, json};

use crate::{document, examples};

/// The questions: their names, what each cannot do without, and their parameters in the document.
fn questions() -> Vec<(String, &'static str, Vec<Value>)> {
    let document = document().unwrap();
    let paths = document["paths"].as_object().unwrap();
    let asked = paths.iter().filter_map(|(path, item)| {
        let (name, least) = match path.as_str() {
            "/admin/export" => ("export-data", ""),
            "/admin/aggregator-status" => ("status", ""),
            "/admin/ips/{ip}" => ("ips/192.0.2.1", ""),
            "/admin/paths" => ("paths", "key=GET+%2F"),
            path => (path.strip_prefix("/admin/")?, ""),
        };
        Question::read(name, least).ok()?;
        let parameters = item["get"]["parameters"].as_array()?.clone();
        let query = parameters
            .into_iter()
            .filter(|p| p["in"] == "query" && p["name"] != "key");
        Some((name.to_owned(), least, query.collect()))
    });
    asked.collect()
}

fn ask(name: &str, least: &str, parameter: &Value, value: &Value) -> Option<Question> {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let mut query = Serializer::new(least.to_owned());
    query.append_pair(parameter["name"].as_str().unwrap(), &value);
    Question::read(name, &query.finish()).ok()
}

#[test]
fn the_parameters_of_a_question_are_those_that_it_is_read_with() {
    let questions = questions();
    assert_eq!(questions.len(), 9);
    for (name, least, parameters) in questions {
        let documented: BTreeSet<&str> = parameters
            .iter()
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        let every = [
            "timeRange",
            "limit",
            "offset",
            "sortBy",
            "includeMetrics",
            "includeCosts",
            "format",
            "dateRange",
            "includeMetadata",
            "compression",
            "ip",
            "pathPrefix",
            "method",
            "status",
            "country",
        ];
        for parameter in every {
            let query = format!("{least}&{parameter}=nonsense~");
            let Err(NotUnderstood::Parameters(bad)) = Question::read(&name, &query) else {
                assert_eq!(parameter, "method", "a method is nearly anything");
                continue;
            };
            let is_unknown = bad.iter().any(|bad| bad.reason == "unknown parameter");
            assert_eq!(
                documented.contains(parameter),
                !is_unknown,
                "{name} {parameter}"
            );
        }
    }
}

#[test]
fn ranges_words_and_defaults_are_those_that_questions_are_read_with() {
    for (name, least, parameters) in questions() {
        let without = Question::read(&name, least).unwrap();
        for parameter in parameters {
            let schema = &parameter["schema"];
            let ask = |value: Value| ask(&name, least, &parameter, &value);
            let what = format!("{name} {parameter}");
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
    intake::read(hit.to_string().as_bytes(), Format::Json, examples::NOW_MS).unwrap()
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
        let refused = with(name, json!([])).rejections;
        assert_eq!(refused[0].field.as_ref(), Some(name));
        let may_be_null = schema.to_string().contains("\"null\"");
        assert_eq!(
            with(name, Value::Null).hits.len(),
            usize::from(may_be_null),
            "{name}"
        );
        if let (Some(from), Some(to)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            for (value, taken) in [(from - 1, 0), (from, 1), (to, 1), (to + 1, 0)] {
                assert_eq!(with(name, value.into()).hits.len(), taken, "{name} {value}");
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
