//! Every path, by group. A group is a file, and a path is a function.

mod collect;
mod export;
mod open;
mod operations;
mod questions;
mod sign_in;

use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, PathItem, Paths};
use utoipa::openapi::tag::{Tag, TagBuilder};

use crate::security::Access;

/// A path and its operations.
pub type Path = (&'static str, PathItem);

const RECORD: &str = "Record";
const ASK: &str = "Ask";
pub const OPERATE: &str = "Operate";
const SIGN_IN: &str = "Sign in";
const OPEN: &str = "Open to all";

pub fn every() -> Paths {
    let mut every = vec![collect::collect()];
    every.extend(questions::surveys());
    every.extend([
        export::export(),
        questions::aggregator_status(),
        operations::metrics(),
        operations::prewarm(),
        operations::verify(),
        operations::check_alerts(),
        operations::openapi(),
        sign_in::sign_in(),
        sign_in::sign_out(),
        open::home(),
        open::healthz(),
    ]);
    let mut paths = Paths::new();
    paths.paths.extend(
        every
            .into_iter()
            .map(|(path, item)| (path.to_owned(), item)),
    );
    paths
}

pub fn groups() -> [Tag; 5] {
    let group = |name: &str, about: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    };
    [
        group(
            RECORD,
            "Hits of gateways. A hit that was acknowledged is durable, and is in every later \
             answer.",
        ),
        group(
            ASK,
            "Questions about all IPs. Answers are kept for a few minutes and given again. Each \
             answer says up to when it counts (`asOf`). `Cache-Control: no-cache` in the request \
             computes it anew.",
        ),
        group(
            OPERATE,
            "The state of the system, and tasks for a schedule.",
        ),
        group(SIGN_IN, "Sessions of people who use a browser."),
        group(OPEN, "Paths that need no token."),
    ]
}

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

fn get(path: &'static str, operation: impl Into<Operation>) -> Path {
    (path, PathItem::new(HttpMethod::Get, operation))
}

fn post(path: &'static str, operation: impl Into<Operation>) -> Path {
    (path, PathItem::new(HttpMethod::Post, operation))
}

/// One of several examples.
fn example(value: Value) -> Example {
    ExampleBuilder::new().value(Some(value)).build()
}
