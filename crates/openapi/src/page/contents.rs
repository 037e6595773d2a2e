//! The parts of the page, as its template takes them.

use askama::Template;

use super::shape::Shape;

#[derive(Template)]
#[template(path = "docs.html")]
pub struct Page {
    pub version: String,
    pub about: String,
    pub schemes: Vec<Named>,
    pub groups: Vec<Group>,
    pub schemas: Vec<Schema>,
}

/// A name with a description in HTML.
pub struct Named {
    pub name: String,
    pub about: String,
}

pub struct Group {
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
}

/// An operation at a path.
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub name: String,
    pub about: String,
    /// `None`: the app sends the request.
    pub call: Option<Call>,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub answers: Vec<Answer>,
}

/// How a client makes the request.
pub struct Call {
    /// The schemes. One of them is enough. If there is none, everybody is let in.
    pub access: Vec<String>,
    pub curl: String,
}

pub struct Parameter {
    pub name: String,
    pub place: String,
    pub shape: Shape,
    pub is_required: bool,
    pub default: Option<String>,
    pub about: String,
}

pub struct Body {
    pub about: String,
    pub forms: Vec<Form>,
}

pub struct Answer {
    pub status: String,
    pub about: String,
    pub headers: Vec<Named>,
    pub forms: Vec<Form>,
}

/// A body of one media type.
pub struct Form {
    pub media_type: String,
    pub shape: Shape,
    pub examples: Vec<String>,
}

pub struct Schema {
    pub name: String,
    pub about: String,
    pub parts: Vec<Part>,
    /// The shape of the value, if it has no fields.
    pub shape: Option<Shape>,
    pub fields: Vec<Field>,
}

/// Another schema. All of its fields are fields of this one.
pub struct Part {
    pub shape: Shape,
    /// True: all of its fields may be absent together.
    pub may_lack: bool,
}

pub struct Field {
    pub name: String,
    pub shape: Shape,
    pub is_required: bool,
    pub about: String,
}
