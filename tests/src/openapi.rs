//! Answers, held against the description of the API that the app serves.
#![allow(clippy::indexing_slicing, reason = "what JSON does not have is null")]

use std::cell::RefCell;
use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::Answer;

/// Something that an operation may answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    pub path: String,
    pub method: String,
    pub status: String,
}

/// The document, and what of it was seen. Strict: no field may come that is not in it.
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

    /// The document, strict.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Everything that it describes.
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

    /// Path, method and operation of each.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.operations_at("paths")
    }

    /// Name, method and operation of each that the app does by itself.
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

    /// An answer to a request for `path`, a template, must be one that is described, in status, headers and body.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let method = method.to_lowercase();
        let what = format!("{method} {path}: {} {}", answer.status, answer.text());
        let item = &self.document["paths"][path];
        assert!(item.is_object(), "{what}");
        // To a method that is not there, any of those that are says the same.
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

    /// A value must be as a schema of the document says.
    pub fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        let errors = self.errors(schema, value);
        assert!(errors.is_empty(), "{errors:#?}\n{what}");
    }

    /// What is not as a schema of the document says.
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

    /// What stands among the components, if it is named.
    pub fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        let pointer = part["$ref"]
            .as_str()
            .and_then(|name| name.strip_prefix('#'));
        pointer.map_or(part, |pointer| {
            self.document.pointer(pointer).expect("what is named")
        })
    }
}

/// Where a schema stands: alone for a value, or beside others for the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Whole,
    Part,
}

/// Every schema of a body.
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

/// No value may have fields that its schema does not know. What is part of a schema does not know the fields of the others.
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
