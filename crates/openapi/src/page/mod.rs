//! The document as a page: every path with its parameters, answers and examples, and every schema.
//! The page needs no script, and no other host.

mod curl;
mod read;
mod shape;

use askama::Template;
use serde_json::Value;

use shape::Shape;

/// The page of a document, which is JSON.
///
/// # Errors
/// The page could not be written.
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

/// A name with a description in HTML.
struct Named {
    name: String,
    about: String,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

/// An operation at a path.
struct Operation {
    id: String,
    method: String,
    path: String,
    name: String,
    about: String,
    /// `None`: the app sends the request.
    call: Option<Call>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answer>,
}

/// How a client makes the request.
struct Call {
    /// The schemes. One of them is enough. If there is none, everybody is let in.
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
    /// The shape of the value, if it has no fields.
    shape: Option<Shape>,
    fields: Vec<Field>,
}

/// Another schema. All of its fields are fields of this one.
struct Part {
    shape: Shape,
    /// True: all of its fields may be absent together.
    may_lack: bool,
}

struct Field {
    name: String,
    shape: Shape,
    is_required: bool,
    about: String,
}
