//! The document as a page to read: every path with its parameters, answers and examples, and every schema. Needs no script, and no other
//! host.

mod curl;
mod read;
mod shape;

use askama::Template;
use serde_json::Value;

use shape::Shape;

/// The page of a document, as JSON.
///
/// # Errors
/// Those of writing it.
pub fn page(document: &Value) -> askama::Result<String> {
    read::page(document).render()
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    version: String,
    about: String,
    schemes: Vec<Named>,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// What has a name, and a description in HTML.
struct Named {
    name: String,
    about: String,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

/// What can be done at a path.
struct Operation {
    id: String,
    method: String,
    path: String,
    name: String,
    about: String,
    /// `None`: it is the app that does it.
    call: Option<Call>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answer>,
}

/// How a client does it.
struct Call {
    /// The schemes of which any one lets in; none: everybody.
    access: Vec<String>,
    curl: String,
}

struct Parameter {
    name: String,
    place: String,
    shape: Shape,
    is_required: bool,
    default: Option<String>,
    about: String,
}

struct Body {
    about: String,
    forms: Vec<Form>,
}

struct Answer {
    status: String,
    about: String,
    headers: Vec<Named>,
    forms: Vec<Form>,
}

/// A body of one media type.
struct Form {
    media_type: String,
    shape: Shape,
    examples: Vec<String>,
}

struct Schema {
    name: String,
    about: String,
    parts: Vec<Part>,
    /// What it is, if it has no fields.
    shape: Option<Shape>,
    fields: Vec<Field>,
}

/// Another schema that it has all fields of.
struct Part {
    shape: Shape,
    /// Or none of them.
    may_lack: bool,
}

struct Field {
    name: String,
    shape: Shape,
    is_required: bool,
    about: String,
}
