//! Exports.

use rollcall_tally::question::{self, Ask};
use rollcall_tally::report::ExportRecord;
use utoipa::openapi::schema::{AnyOfBuilder, Array, Schema};
use utoipa::openapi::{Content, ContentBuilder, RefOr, ResponseBuilder};

use super::group::ASK;
use super::path::{Path, example, get, operation};
use crate::bodies::Export;
use crate::examples::{self, value};
use crate::parameters;
use crate::refs;
use crate::responses::{
    JSON, OF_A_QUESTION, errors, formatted_text, or_sign_in, response, with_headers,
};
use crate::security::Access;

pub fn export() -> Path {
    let mut export = question::Export::default();
    let parameters = parameters::of_question(&mut export.clone(), &mut export);
    let about = export.about();
    let operation = operation(
        ASK,
        about.id,
        about.summary,
        about.description,
        Access::Viewers,
        parameters,
    );
    let operation = operation.response("200", rows());
    get(about.path, or_sign_in(errors(operation, &OF_A_QUESTION)))
}

fn rows() -> ResponseBuilder {
    let rows = response(
        "The rows, in the form of `format`. `csv`: a header row, and then the rows. `ndjson`: one \
         `ExportRecord` a line, and nothing else. `json`: an `Export`, or the bare array of rows.",
    );
    let rows = rows
        .content(JSON, json())
        .content(
            "text/csv",
            formatted_text("csv", &examples::export_as_csv()),
        )
        .content(
            "application/x-ndjson",
            formatted_text("ndjson", &examples::export_as_ndjson()),
        );
    with_headers(rows, &["Content-Disposition", "Export-Lacks", "Trailer"])
}

fn json() -> Content {
    let bare: RefOr<Schema> = Array::new(refs::of::<ExportRecord>()).into();
    let either = AnyOfBuilder::new().item(refs::of::<Export>()).item(bare);
    let examples = [
        ("withMetadata", value(&examples::export())),
        ("bare", value(&examples::rows())),
    ];
    ContentBuilder::new()
        .schema(Some(Schema::from(either)))
        .examples_from_iter(examples.map(|(name, value)| (name, example(value))))
        .build()
}
