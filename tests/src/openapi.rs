//! Checks answers against the description of the API that the app serves.
#![allow(clippy::indexing_slicing, reason = "what JSON does not have is null")]

use std::cell::RefCell;
use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::Answer;

/// One answer that the description has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    pub path: String,
    pub method: String,
    pub status: String,
}

/// The description, and the part of it that was seen so far. It is strict: an answer may have no
/// field that the description lacks.
pub struct Description {
    document: Value,
    seen: RefCell<BTreeSet<Described>>,
}

impl Description {
    pub fn new(mut document: Value) -> Self {
        for (_, schema) in members_mut(&mut document["components"]["schemas"]) {
            be_strict(schema, Position::Part);
        }
        be_strict_everywhere(&mut document);
        let seen = RefCell::default();
        Self { document, seen }
    }

    /// The document, made strict.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every answer in the description.
    pub fn all(&self) -> BTreeSet<Described> {
        let operations = self.operations();
        let all = operations.flat_map(|(path, method, operation)| {
            let statuses = members(&operation["responses"]);
            statuses.map(move |(status, _)| Described {
                path: path.to_owned(),
                method: method.to_owned(),
                status: status.to_owned(),
            })
        });
        all.collect()
    }

    /// The path, the method and the operation of each request.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.operations_at("paths")
    }

    /// The name, the method and the operation of each webhook.
    pub fn webhooks(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.operations_at("webhooks")
    }

    fn operations_at(&self, place: &str) -> impl Iterator<Item = (&str, &str, &Value)> {
        members(&self.document[place]).flat_map(|(path, item)| {
            members(item).map(move |(method, operation)| (path, method, operation))
        })
    }

    pub fn unseen(&self) -> Vec<Described> {
        let seen = self.seen.borrow();
        self.all()
            .into_iter()
            .filter(|one| !seen.contains(one))
            .collect()
    }

    /// The description must have this answer: its status, its headers and its body. `path` is a
    /// template.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let method = method.to_lowercase();
        let what = format!("{method} {path}: {} {}", answer.status, answer.text());
        let item = &self.document["paths"][path];
        assert!(item.is_object(), "{what}");
        // If the path does not have this method, all of its methods describe the answer.
        let methods: Vec<&str> = match item.get(&method) {
            Some(_) => vec![&method],
            None => members(item).map(|(method, _)| method).collect(),
        };
        for method in methods {
            let status = answer.status.to_string();
            let described = self.resolved(&item[method]["responses"][&status]);
            assert!(described.is_object(), "not described: {what}");
            for (name, _) in members(&described["headers"]) {
                assert!(
                    answer.header(name).is_some(),
                    "no {name}: {what} {answer:?}"
                );
            }
            self.check_body(&described["content"], answer, &what);
            self.seen.borrow_mut().insert(Described {
                path: path.to_owned(),
                method: method.to_owned(),
                status,
            });
        }
    }

    fn check_body(&self, content: &Value, answer: &Answer, what: &str) {
        if content.is_null() {
            return assert!(answer.body.is_empty(), "a body: {what}");
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default();
        let schema = &content[essence]["schema"];
        assert!(schema.is_object(), "{media_type} is not described: {what}");
        let body = match essence.ends_with("json") && !essence.ends_with("ndjson") {
            true => answer.json(),
            false => answer.text().into(),
        };
        self.assert_valid(schema, &body, what);
    }

    /// The value must fit a schema of the document.
    pub fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        let errors = self.errors(schema, value);
        assert!(errors.is_empty(), "{errors:#?}\n{what}");
    }

    /// The errors of a value against a schema of the document.
    pub fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.validator(schema)
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Validator {
        let root = json!({"$ref": "#/checked", "checked": schema, "components": self.document["components"]});
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true);
        options.build(&root).expect("a schema")
    }

    /// The part itself, or the component that it refers to.
    pub fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        let pointer = part["$ref"]
            .as_str()
            .and_then(|name| name.strip_prefix('#'));
        pointer.map_or(part, |pointer| {
            self.document.pointer(pointer).expect("what is named")
        })
    }
}

/// `Whole`: the schema alone describes a value. `Part`: other schemas describe the same value, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Whole,
    Part,
}

/// Makes the schema of every body strict.
fn be_strict_everywhere(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match name.as_str() {
                    "content" => {
                        for (_, media) in members_mut(value) {
                            be_strict(&mut media["schema"], Position::Whole);
                        }
                    }
                    "schemas" => {}
                    _ => be_strict_everywhere(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(be_strict_everywhere),
        _ => {}
    }
}

/// No value may have a field that its schema lacks. A schema that is a part does not know the
/// fields of the other parts.
fn be_strict(schema: &mut Value, position: Position) {
    let Value::Object(keywords) = schema else {
        return;
    };
    for (keyword, value) in keywords.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties", properties) => {
                for (_, property) in members_mut(properties) {
                    be_strict(property, Position::Whole);
                }
            }
            ("items", items) => be_strict(items, Position::Whole),
            ("allOf", Value::Array(parts)) => {
                parts
                    .iter_mut()
                    .for_each(|part| be_strict(part, Position::Part));
            }
            ("anyOf" | "oneOf", Value::Array(alternatives)) => {
                alternatives
                    .iter_mut()
                    .for_each(|one| be_strict(one, position));
            }
            _ => {}
        }
    }
    let knows_fields = ["properties", "$ref", "allOf"];
    let knows_fields = knows_fields.iter().any(|name| keywords.contains_key(*name));
    if position == Position::Whole && knows_fields {
        keywords.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

pub fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn members_mut(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object
        .as_object_mut()
        .map(Map::iter_mut)
        .into_iter()
        .flatten()
}
