//! Backup and restore.

use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{Ref, Required};

use super::group::OPERATE;
use super::path::{Path, operation, post};
use crate::examples;
use crate::parameters::query;
use crate::responses::{Error, JSON, OF_A_QUESTION, WITHOUT_PARAMETERS, content, errors, response};
use crate::security::Access;
use crate::shapes::{self, formatted};

const BYTES: &str = "application/octet-stream";

pub fn backup() -> Path {
    let about = "Streams a backup: all that is counted, of one moment, though hits come in meanwhile. \
                 `rollcall backup` writes it to a file. If the backup breaks off, its end is missing: \
                 a length of 0 and the SHA-256 of all bytes before.";
    let operation = operation(
        OPERATE,
        "backup",
        "Make a backup",
        about,
        Access::Admins,
        Vec::new(),
    );
    let bytes = content(Schema::from(formatted("binary")), json!("…"));
    let made = response("The backup.").content(BYTES, bytes);
    post(
        "/admin/backup",
        errors(operation.response("200", made), &WITHOUT_PARAMETERS),
    )
}

pub fn restore() -> Path {
    let about = "Begins to restore a backup, or goes on. The body is the head of the backup, its first \
                 record. Then send each further record to `/admin/restore/{number}`. `rollcall restore` \
                 does this, and checks the file first. Until the last part is there, answers are as \
                 before, and nothing that is recorded is counted. If a minute passes without a part, \
                 the restore may have to begin anew.";
    let replace = query(
        "replace",
        "Whether what is counted so far is replaced. If not, a store with hits, IPs or documents is \
         refused.",
        shapes::of(Type::Boolean).default(Some(json!(false))),
    );
    let parameters = vec![id(), replace.build()];
    let operation = operation(
        OPERATE,
        "restore",
        "Begin to restore a backup",
        about,
        Access::Admins,
        parameters,
    );
    let head = content(
        Ref::from_schema_name("BackupHead"),
        json!(examples::backup_head()),
    );
    let body = RequestBodyBuilder::new()
        .content(JSON, head)
        .required(Some(Required::True));
    let next = shapes::of(Type::Object)
        .property("next", u64::schema())
        .required("next");
    let next = content(Schema::from(next.build()), json!({"next": 0}));
    let begun = response("The number of the part that comes next, from 0.").content(JSON, next);
    let operation = operation
        .request_body(Some(body.build()))
        .response("200", begun);
    post("/admin/restore", of_a_body(operation))
}

pub fn part() -> Path {
    let about = "Restores a part of a backup: a record behind the head. Parts come in their order. A part \
                 that comes again changes nothing. If another fold began meanwhile, the restore has to \
                 begin anew (400).";
    let number = query(
        "number",
        "The number of the part, from 0.",
        shapes::of(Type::Integer).minimum(Some(0)),
    );
    let number = number
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .example(Some(0.into()));
    let last = query(
        "last",
        "Whether this is the last part. It confirms the restore.",
        shapes::of(Type::Boolean).default(Some(json!(false))),
    );
    let operation = operation(
        OPERATE,
        "restorePart",
        "Restore a part of a backup",
        about,
        Access::Admins,
        vec![number.build(), id(), last.build()],
    );
    let bytes = content(Schema::from(formatted("binary")), json!("…"));
    let body = RequestBodyBuilder::new()
        .content(BYTES, bytes)
        .required(Some(Required::True));
    let operation = operation
        .request_body(Some(body.build()))
        .response("204", response("The part is restored."));
    let operation = of_a_body(operation);
    (
        "/admin/restore/{number}",
        PathItem::new(HttpMethod::Put, operation),
    )
}

fn of_a_body(operation: OperationBuilder) -> OperationBuilder {
    let operation = errors(operation, &OF_A_QUESTION);
    errors(operation, &[Error::TooLarge, Error::TooSlow])
}

/// The parameter that names a backup.
fn id() -> Parameter {
    let digest = shapes::of(Type::String).pattern(Some("^[0-9a-fA-F]{64}$"));
    query("backup", "The SHA-256 at the end of the backup.", digest)
        .required(Required::True)
        .example(Some(json!("0".repeat(64))))
        .build()
}
