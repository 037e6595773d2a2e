//! Labels, notes, views and rules, and all that is made of rules.

use rollcall_tally::DocumentKind;
use rollcall_tally::document::{AlertRule, BODY_BYTES_MAX, NAME_CHARACTERS_MAX, Note, View};
use rollcall_tally::label::Label;
use rollcall_tally::report::ListFormat;
use rollcall_tally::weekly::ReportFormat;
use serde_json::{Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use super::group::{OPERATE, SETTINGS};
use super::path::{Path, get, operation, post};
use crate::examples;
use crate::parameters::query;
use crate::responses::{
    Error, JSON, OF_A_QUESTION, WITHOUT_PARAMETERS, content, errors, json, or_sign_in, response,
    text,
};
use crate::security::Access;
use crate::shapes::{self, formatted};

/// The words for a kind: for one, for what it is, and its schema.
fn words(kind: DocumentKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        DocumentKind::Label => (
            "label",
            "A label gives callers a name. Answers show it as `labels`, and `label=NAME` filters by \
             it. If it has `leftOut`, hits of its addresses and networks count only in answers that \
             ask for an address, or for `label`.",
            "Label",
        ),
        DocumentKind::Note => (
            "note",
            "A note says what happened at a moment, as a deployment. The charts of the dashboard \
             show it.",
            "Note",
        ),
        DocumentKind::View => (
            "saved view",
            "A saved view is a page of the dashboard, with its filters. All who may sign in see it.",
            "View",
        ),
        DocumentKind::Rule => (
            "rule",
            "A rule watches a number of some hits. While it reaches its threshold, the receiver of \
             the alerts is notified.",
            "AlertRule",
        ),
    }
}

fn id(kind: DocumentKind, verb: &str) -> String {
    let (one, _, _) = words(kind);
    let name = one.split(' ').next_back().unwrap_or(one);
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    format!("{verb}{name}")
}

fn example(kind: DocumentKind) -> Value {
    match kind {
        DocumentKind::Label => json!({
            "ips": ["192.0.2.0/24"], "networks": [], "consumers": ["office key"],
            "leftOut": false, "about": "Our own office."
        }),
        DocumentKind::Note => json!({"at": "2026-11-28T10:00:00.000Z", "text": "Deployed 1.2"}),
        DocumentKind::View => json!({"path": "/admin/?timeRange=7d&status=5xx"}),
        DocumentKind::Rule => json!({
            "metric": "requests", "by": "ip", "filter": {"status": "404", "path": "/login"},
            "timeRange": "10m", "compare": "above", "threshold": 20.0, "minRequests": 1,
            "coolDownMinutes": 30, "off": false
        }),
    }
}

/// The list of a kind, and one of it.
pub fn of_kind(kind: DocumentKind) -> [Path; 2] {
    let (list, one) = match kind {
        DocumentKind::Label => ("/admin/labels", "/admin/labels/{name}"),
        DocumentKind::Note => ("/admin/notes", "/admin/notes/{name}"),
        DocumentKind::View => ("/admin/views", "/admin/views/{name}"),
        DocumentKind::Rule => ("/admin/rules", "/admin/rules/{name}"),
    };
    let mut item = PathItem::new(HttpMethod::Put, put(kind));
    item.delete = Some(delete(kind));
    [all(kind, list), (one, item)]
}

fn all(kind: DocumentKind, path: &'static str) -> Path {
    let (_, about, _) = words(kind);
    let plural = kind.plural();
    let about = format!("{about} There are at most {} {plural}.", kind.most());
    let operation = operation(
        SETTINGS,
        &format!("{plural}List"),
        &format!("All {plural}"),
        &about,
        Access::Viewers,
        Vec::new(),
    );
    let list = ArrayBuilder::new()
        .items(named(kind))
        .max_items(Some(kind.most()));
    let body = shapes::of(Type::Object)
        .property(plural, list)
        .required(plural);
    let mut first = example(kind);
    if let Some(first) = first.as_object_mut() {
        first.insert("name".to_owned(), json!("a name"));
        first.insert("changedAt".to_owned(), json!("2026-11-28T10:00:00.000Z"));
    }
    let found = response("All of them, sorted by name.").content(
        JSON,
        content(Schema::from(body.build()), json!({plural: [first]})),
    );
    get(
        path,
        or_sign_in(errors(
            operation.response("200", found),
            &WITHOUT_PARAMETERS,
        )),
    )
}

/// A document with its name. No document has another field.
fn named(kind: DocumentKind) -> RefOr<Schema> {
    let mut schema = match kind {
        DocumentKind::Label => Label::schema(),
        DocumentKind::Note => Note::schema(),
        DocumentKind::View => View::schema(),
        DocumentKind::Rule => AlertRule::schema(),
    };
    if let RefOr::T(Schema::Object(document)) = &mut schema {
        let text = shapes::of(Type::String).build();
        let fields = [("name", text), ("changedAt", formatted("date-time"))];
        for (name, field) in fields {
            let field = RefOr::T(Schema::Object(field));
            document.properties.insert(name.to_owned(), field);
            document.required.push(name.to_owned());
        }
    }
    schema
}

fn name() -> Parameter {
    let about = "The name. It has no `/` and no control character, and is not `*`.";
    let pattern = format!(
        "[^/*\\x00-\\x20\\x7f-\\xa0][^/\\x00-\\x1f\\x7f-\\x9f]{{0,{}}}",
        NAME_CHARACTERS_MAX - 2
    );
    let name = query("name", about, shapes::text(pattern));
    name.parameter_in(ParameterIn::Path)
        .required(Required::True)
        .build()
}

fn put(kind: DocumentKind) -> Operation {
    let (one, about, schema) = words(kind);
    let operation = operation(
        SETTINGS,
        &id(kind, "put"),
        &format!("Save a {one}"),
        &format!("{about} When the answer comes, the {one} is durable, and later answers know it."),
        Access::Admins,
        vec![name()],
    );
    let saved = content(Ref::from_schema_name(schema), example(kind));
    let saved = response("It is saved, in its one spelling.").content(JSON, saved);
    let operation = operation.request_body(Some(body(schema, example(kind))));
    let operation = errors(operation.response("200", saved), &OF_A_QUESTION);
    errors(operation, &[Error::TooLarge, Error::TooSlow]).build()
}

fn body(schema: &str, example: Value) -> RequestBody {
    RequestBodyBuilder::new()
        .description(Some(format!("At most {BODY_BYTES_MAX} bytes.")))
        .required(Some(Required::True))
        .content(JSON, content(Ref::from_schema_name(schema), example))
        .build()
}

fn delete(kind: DocumentKind) -> Operation {
    let (one, _, _) = words(kind);
    let operation = operation(
        SETTINGS,
        &id(kind, "delete"),
        &format!("Delete a {one}"),
        &format!("Deletes one {one}."),
        Access::Admins,
        vec![name()],
    );
    let deleted = response("It is deleted.");
    let operation = errors(operation.response("204", deleted), &OF_A_QUESTION);
    errors(operation, &[Error::NoDocument]).build()
}

pub fn test_rule() -> Path {
    let about = "Judges a rule now, and sends the receiver of the alerts a notification with \
                 `\"test\": true`, whether the rule fires or not.";
    let operation = operation(
        SETTINGS,
        "testRule",
        "Test a rule",
        about,
        Access::Admins,
        vec![name()],
    );
    let tested = json(
        "What the rule found, and whether the test was sent.",
        &examples::rule_test(),
    );
    let operation = errors(operation.response("200", tested), &WITHOUT_PARAMETERS);
    post(
        "/admin/rules/{name}/test",
        errors(operation, &[Error::NoDocument]),
    )
}

pub fn list() -> Path {
    let about = "The IPs that reach the threshold of a rule with `\"by\": \"ip\"` now, those with the \
                 highest values first, as text for a firewall or a gateway. There are at most 1,000. \
                 If there are more, the first line or the second says so. `Expires` is the time at \
                 which no hit counts any more that counts now. `ipset` gives commands for `ipset \
                 restore`, for the sets `rollcall4` and `rollcall6`.";
    let names = shapes::one_of(&ListFormat::EVERY.map(ListFormat::name));
    let format = query(
        "format",
        "The form of the list.",
        names.default(Some(json!("plain"))),
    );
    let operation = operation(
        OPERATE,
        "list",
        "The IPs over a limit, for a firewall",
        about,
        Access::Viewers,
        vec![name(), format.build()],
    );
    let found = response("The list.").content("text/plain", text("192.0.2.1\n"));
    let operation = errors(operation.response("200", found), &OF_A_QUESTION);
    get(
        "/admin/lists/{name}",
        or_sign_in(errors(operation, &[Error::NoDocument])),
    )
}

pub fn report() -> Path {
    let about = "The last whole week of the store's calendar, from Monday to Sunday, against the \
                 week before: the overview, and the paths and IPs that changed. `html` is a page for \
                 mail programs, which loads nothing.";
    let names = shapes::one_of(&ReportFormat::EVERY.map(ReportFormat::name));
    let names = names.default(Some(json!("json")));
    let format = query("format", "The form of the report.", names);
    let operation = operation(
        OPERATE,
        "weeklyReport",
        "The weekly report",
        about,
        Access::Viewers,
        vec![format.build()],
    );
    let found = content(
        Ref::from_schema_name("WeeklyReport"),
        examples::weekly_report(),
    );
    let found = response("The report.")
        .content(JSON, found)
        .content("text/html", text("<!DOCTYPE html>…"));
    let operation = operation.response("200", found);
    get(
        "/admin/report",
        or_sign_in(errors(operation, &OF_A_QUESTION)),
    )
}

pub fn send_report() -> Operation {
    let about = "Sends the weekly report to the receiver of the alerts. Meant for a schedule, on \
                 Mondays. PagerDuty and Alertmanager take no report.";
    let operation = operation(
        OPERATE,
        "sendReport",
        "Send the weekly report",
        about,
        Access::Admins,
        Vec::new(),
    );
    let sent = shapes::of(Type::Object)
        .property("week", formatted("date"))
        .required("week")
        .property("text", shapes::of(Type::String))
        .required("text")
        .property("notification", Ref::from_schema_name("Notification"))
        .required("notification")
        .property("failure", shapes::of(Type::String));
    let example = json!({"week": "2026-11-16", "text": "Rollcall, the week of 2026-11-16: …", "notification": "sent"});
    let sent = content(Schema::from(sent.build()), example);
    let sent = response("Whether it was sent.").content(JSON, sent);
    errors(operation.response("200", sent), &WITHOUT_PARAMETERS).build()
}
