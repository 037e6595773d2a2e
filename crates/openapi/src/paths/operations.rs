//! Paths for operators.

use rollcall_tally::question::Question;
use serde_json::json;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::schema::{Schema, Type};

use super::group::OPERATE;
use super::path::{Path, get, operation, post};
use crate::examples;
use crate::parameters::if_none_match;
use crate::responses::{
    Error, JSON, content, errors, json, or_sign_in, response, text, with_headers,
};
use crate::security::Access;
use crate::shapes;

pub fn prewarm() -> Path {
    let every = Question::every().into_iter();
    let prewarmed = every.filter(|question| question.about().is_prewarmed);
    let paths: Vec<String> = prewarmed
        .map(|question| format!("`{}`", question.about().path.trim_start_matches("/admin/")))
        .collect();
    let paths = match paths.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    let about = format!(
        "Computes {paths}, each with all defaults, so that they are fresh. It also deletes expired \
         answers from the store. Meant for a schedule, once a minute."
    );
    let computed = json("The answers that were computed.", &examples::prewarmed());
    order(
        "/admin/prewarm",
        ("prewarm", "Compute answers in advance"),
        &about,
        computed,
        &[],
    )
}

pub fn verify() -> Path {
    let about = "Compares the sums over all IPs, which answer most questions, with the IPs \
                 themselves. It compares counts of hits and of IPs, hits by status, bytes and \
                 response times: in all, by path, by country and by time, over every window. This takes as long as asking every IP six times.";
    let compared = json(
        "The differences between the sums and the IPs.",
        &examples::verified(),
    );
    order(
        "/admin/verify",
        ("verify", "Compare the sums with the IPs"),
        about,
        compared,
        &[Error::Unreadable],
    )
}

pub fn check_alerts() -> Path {
    let about = "Checks each rule that has a threshold. If there is news, it notifies the webhook. \
                 Meant for a schedule, once a minute.";
    let found = json(
        "The state of each rule, even if the data could not be reached.",
        &examples::alert_check(),
    );
    order(
        "/admin/check-alerts",
        ("checkAlerts", "Check the alerts"),
        about,
        found,
        &[],
    )
}

pub fn metrics() -> Path {
    let about = "The state of the system, and the recorded requests by method and class of status. \
                 The text is for Prometheus and similar tools. It is made anew for each request.";
    let operation = operation(
        OPERATE,
        "metrics",
        "Metrics",
        about,
        Access::Scrapers,
        Vec::new(),
    );
    let metrics = response("OpenMetrics text.")
        .content("application/openmetrics-text", text(&examples::metrics()));
    const ERRORS: [Error; 4] = [
        Error::Unauthorized,
        Error::NotAllowed,
        Error::TooManyWrongTokens,
        Error::Unavailable,
    ];
    let operation = operation.response("200", metrics);
    get("/admin/metrics", or_sign_in(errors(operation, &ERRORS)))
}

pub fn openapi() -> Path {
    let about = "This document. `/admin/docs` has it as a page for people.";
    let operation = operation(
        OPERATE,
        "openapi",
        "This description",
        about,
        Access::Viewers,
        vec![if_none_match()],
    );
    let any = shapes::of(Type::Object).build();
    let document = content(Schema::from(any), json!({"openapi": "3.1.0"}));
    let document = response("An OpenAPI 3.1 document.").content(JSON, document);
    let operation = operation
        .response("200", with_headers(document, &["ETag", "Cache-Control"]))
        .response(
            "304",
            with_headers(
                response("The client has this document: its `If-None-Match` names it."),
                &["ETag", "Cache-Control"],
            ),
        );
    const ERRORS: [Error; 4] = [
        Error::Unauthorized,
        Error::Forbidden,
        Error::NotAllowed,
        Error::TooManyWrongTokens,
    ];
    get(
        "/admin/openapi.json",
        or_sign_in(errors(operation, &ERRORS)),
    )
}

/// A `POST` without a body, for admins. `id` and `name` are those of an [`operation`]. `more` are
/// errors that only this operation has.
fn order(
    path: &'static str,
    (id, name): (&str, &str),
    about: &str,
    done: ResponseBuilder,
    more: &[Error],
) -> Path {
    const ERRORS: [Error; 5] = [
        Error::Unauthorized,
        Error::Forbidden,
        Error::NotAllowed,
        Error::TooManyWrongTokens,
        Error::Unavailable,
    ];
    let operation = operation(OPERATE, id, name, about, Access::Admins, Vec::new());
    let operation = errors(operation.response("200", done), &ERRORS);
    post(path, errors(operation, more))
}
