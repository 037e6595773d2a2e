//! What each path is made of.

use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, PathItem};

use crate::security::Access;

/// A path and its operations.
pub type Path = (&'static str, PathItem);

/// Begins an operation. `id` is its name for programs, `name` for people.
pub fn operation(
    group: &str,
    id: &str,
    name: &str,
    about: &str,
    access: Access,
    parameters: Vec<Parameter>,
) -> OperationBuilder {
    let parameters = (!parameters.is_empty()).then_some(parameters);
    OperationBuilder::new()
        .tag(group)
        .operation_id(Some(id))
        .summary(Some(name))
        .description(Some(about))
        .securities(Some(access.requirements()))
        .parameters(parameters)
}

pub fn get(path: &'static str, operation: impl Into<Operation>) -> Path {
    (path, PathItem::new(HttpMethod::Get, operation))
}

pub fn post(path: &'static str, operation: impl Into<Operation>) -> Path {
    (path, PathItem::new(HttpMethod::Post, operation))
}

/// One of several examples.
pub fn example(value: Value) -> Example {
    ExampleBuilder::new().value(Some(value)).build()
}
