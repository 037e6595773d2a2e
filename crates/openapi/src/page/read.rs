//! Reads from the document the parts that the page shows.

use pulldown_cmark::{Parser, html};
use serde_json::Value;

use super::contents::{
    Answer, Body, Call, Field, Form, Group, Named, Operation, Page, Parameter, Part, Schema,
};
use super::{curl, shape};

pub fn page(document: &Value) -> Page {
    let components = &document["components"];
    let schemes = entries(&components["securitySchemes"]);
    let schemas = entries(&components["schemas"]);
    let reader = Reader { document };
    Page {
        version: text(&document["info"]["version"]),
        about: about(&document["info"]),
        schemes: schemes.map(|(name, scheme)| named(name, scheme)).collect(),
        groups: items(&document["tags"])
            .map(|tag| reader.group(tag))
            .collect(),
        schemas: schemas
            .map(|(name, schema)| reader.schema(name, schema))
            .collect(),
    }
}

struct Reader<'a> {
    document: &'a Value,
}

impl<'a> Reader<'a> {
    fn group(&self, tag: &Value) -> Group {
        let name = text(&tag["name"]);
        let ours = |place: &str| {
            let items = entries(&self.document[place]);
            let operations = items.flat_map(|(path, item)| {
                entries(item).map(move |(method, operation)| (path, method, operation))
            });
            operations.filter(|(_, _, operation)| text(&operation["tags"][0]) == name)
        };
        let asked = ours("paths").map(|(path, method, operation)| Operation {
            call: Some(call(path, method, operation)),
            ..self.operation(path, method, operation)
        });
        let sent = ours("webhooks")
            .map(|(name, method, operation)| self.operation(name, method, operation));
        Group {
            operations: asked.chain(sent).collect(),
            about: about(tag),
            name,
        }
    }

    fn operation(&self, path: &str, method: &str, operation: &Value) -> Operation {
        let body = &operation["requestBody"];
        let answers = entries(&operation["responses"]);
        Operation {
            id: text(&operation["operationId"]),
            name: text(&operation["summary"]),
            about: about(operation),
            call: None,
            parameters: items(&operation["parameters"]).map(parameter).collect(),
            body: (!body.is_null()).then(|| Body {
                about: about(body),
                forms: self.forms(body),
            }),
            answers: answers
                .map(|(status, answer)| self.answer(status, answer))
                .collect(),
            path: path.to_owned(),
            method: method.to_uppercase(),
        }
    }

    fn answer(&self, status: &str, answer: &Value) -> Answer {
        let answer = self.resolved(answer);
        let headers = entries(&answer["headers"]);
        Answer {
            status: status.to_owned(),
            about: about(answer),
            headers: headers
                .map(|(name, header)| named(name, self.resolved(header)))
                .collect(),
            forms: self.forms(answer),
        }
    }

    fn forms(&self, body: &Value) -> Vec<Form> {
        let forms = entries(&body["content"]).map(|(media_type, content)| {
            let several = entries(&content["examples"]).map(|(_, example)| &example["value"]);
            let one = content.get("example").into_iter();
            Form {
                media_type: media_type.clone(),
                shape: shape::of(&content["schema"]),
                examples: one.chain(several).map(example).collect(),
            }
        });
        forms.collect()
    }

    fn schema(&self, name: &str, schema: &Value) -> Schema {
        // A part has a name, or fields of its own.
        let parts: Vec<&Value> = items(&schema["allOf"]).collect();
        let (own, named): (Vec<&Value>, Vec<&Value>) = parts
            .into_iter()
            .partition(|part| part.get("properties").is_some());
        let own = own.into_iter().chain([schema]);
        let fields: Vec<Field> = own.flat_map(fields).collect();
        let is_object = !fields.is_empty() || !named.is_empty();
        Schema {
            name: name.to_owned(),
            about: about(schema),
            shape: (!is_object).then(|| shape::of(schema)),
            parts: named.into_iter().map(part).collect(),
            fields,
        }
    }

    /// The component that a reference names. If it is no reference, the part itself.
    fn resolved(&self, part: &'a Value) -> &'a Value {
        let pointer = part["$ref"]
            .as_str()
            .and_then(|name| name.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.document.pointer(pointer));
        found.unwrap_or(part)
    }
}

fn call(path: &str, method: &str, operation: &Value) -> Call {
    let access = items(&operation["security"]).flat_map(entries);
    Call {
        access: access.map(|(scheme, _)| scheme.clone()).collect(),
        curl: curl::command(&method.to_uppercase(), path, operation),
    }
}

fn parameter(parameter: &Value) -> Parameter {
    let schema = &parameter["schema"];
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        shape: shape::of(schema),
        is_required: parameter["required"] == true,
        default: schema.get("default").map(shape::shown),
        about: about(parameter),
    }
}

/// If a part may be absent, the document has two alternatives: the part, or an object with any
/// fields.
fn part(schema: &Value) -> Part {
    let alternative = schema["anyOf"].get(0);
    Part {
        shape: shape::of(alternative.unwrap_or(schema)),
        may_lack: alternative.is_some(),
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let is_required = |name: &str| items(&schema["required"]).any(|known| known == name);
    let fields = entries(&schema["properties"]).map(|(name, field)| Field {
        name: name.clone(),
        shape: shape::of(field),
        is_required: is_required(name),
        about: about(field),
    });
    fields.collect()
}

fn named(name: &str, described: &Value) -> Named {
    Named {
        name: name.to_owned(),
        about: about(described),
    }
}

/// A text is shown as it is. JSON is shown over several lines.
fn example(value: &Value) -> String {
    let written = value.as_str().map(str::to_owned);
    written.unwrap_or_else(|| format!("{value:#}"))
}

/// The description, as HTML.
fn about(described: &Value) -> String {
    let mut written = String::new();
    html::push_html(&mut written, Parser::new(&text(&described["description"])));
    written
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}
