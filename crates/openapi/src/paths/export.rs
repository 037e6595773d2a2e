//! Exports.

use rollcall_tally::question::{DateRange, ExportFormat};
use rollcall_tally::report::ExportRecord;
use utoipa::openapi::schema::{AnyOfBuilder, Array, Schema};
use utoipa::openapi::{Content, ContentBuilder, RefOr, ResponseBuilder};

use super::{ASK, Path, get, operation};
use crate::examples::{self, value};
use crate::parameters::Parameters;
use crate::responses::{
    JSON, OF_A_QUESTION, errors, formatted_text, or_sign_in, response, with_headers,
};
use crate::schemas::{self, Export};
use crate::security::Access;

pub fn export() -> Path {
    let parameters = Parameters::of("export-data", "")
        .one_of(
            "format",
            &ExportFormat::EVERY.map(ExportFormat::name),
            "The form. In `csv`, what a spreadsheet would take for a formula has `'` before it.",
        )
        .one_of(
            "dateRange",
            &DateRange::EVERY.map(DateRange::name),
            "The stretch of time up to now in which hits count.",
        )
        .flag(
            "includeMetadata",
            "Of `json` alone: an object with the rows in `data`; else the bare array of rows.",
        )
        .flag("compression", "With gzip, and `Content-Encoding`.")
        .filter();
    let about = "A row for each IP and path with a hit in the range, in no order. Rows are sent as they are read, all of one snapshot. An \
                 export that cannot be finished breaks off: the connection is cut before the end of the chunked body. What fails before \
                 the first row is a problem like everywhere else. Exports are never kept.";
    let operation = operation(
        ASK,
        "export",
        "A row for each IP and path",
        about,
        Access::Viewers,
        parameters.all(),
    );
    let operation = operation.response("200", rows());
    get(
        "/admin/export",
        or_sign_in(errors(operation, &OF_A_QUESTION)),
    )
}

fn rows() -> ResponseBuilder {
    let rows = response(
        "The rows, as `format` says: `csv` with a header row; `ndjson` with an `ExportRecord` a line, and nothing else; `json` with an \
         `Export`, or the bare array.",
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
    with_headers(rows, &["Content-Disposition", "Trailer"])
}

fn json() -> Content {
    let bare: RefOr<Schema> = Array::new(schemas::of::<ExportRecord>()).into();
    let either = AnyOfBuilder::new().item(schemas::of::<Export>()).item(bare);
    let examples = [
        ("withMetadata", value(&examples::export())),
        ("bare", value(&examples::rows())),
    ];
    ContentBuilder::new()
        .schema(Some(Schema::from(either)))
        .examples_from_iter(examples.map(|(name, value)| (name, super::example(value))))
        .build()
}
