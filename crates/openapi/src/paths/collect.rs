//! Recording hits.

use http::StatusCode;
use rollcall_tally::intake::{BATCH_ID_BYTES_MAX, Format, HITS_MAX};
use rollcall_web::Problem;
use rollcall_web::body::COLLECT_BYTES_MAX;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Schema};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required};

use super::{Path, RECORD, example, operation, post};
use crate::examples;
use crate::parameters::query;
use crate::responses::{Error, errors, formatted_text, json, problem, response};
use crate::security::Access;
use crate::shapes;

const ERRORS: [Error; 6] = [
    Error::Unauthorized,
    Error::NotAllowed,
    Error::TooLarge,
    Error::TooManyWrongTokens,
    Error::Unreadable,
    Error::Unavailable,
];

pub fn collect() -> Path {
    let about = "One hit, or many. A hit that is not as it must be does not cost its neighbours: it is refused by its number, and the \
                 rest is taken. What was acknowledged is durable.\n\n\
                 After a 503, or no answer at all, the client does not know: a batch with an `Idempotency-Key` may be sent again, to any \
                 node, and counts once.";
    let operation = operation(
        RECORD,
        "collect",
        "Record hits",
        about,
        Access::Gateways,
        vec![format(), idempotency_key()],
    );
    let all_rejected = examples::rejections();
    let unknown_type = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Neither `Content-Type` nor `format` says what the body is.",
    );
    let operation = operation
        .request_body(Some(body()))
        .response("202", response("Every hit was taken, and is durable."))
        .response(
            "200",
            json("Some hits were taken, and are durable; others were not.", &examples::receipt()),
        )
        .response(
            "400",
            problem(
                "No hit was taken: each is refused, with the members of a `Receipt`; or the body as a whole, a parameter or the \
                 `Idempotency-Key` cannot be read.",
                &all_rejected,
            ),
        )
        .response(
            "415",
            problem("Neither `Content-Type` nor `format` says what the body is.", &unknown_type),
        );
    post("/collect", errors(operation, &ERRORS))
}

fn format() -> Parameter {
    let names = shapes::one_of(&Format::NAMES.map(|(name, _)| name));
    let about = "What the body is, instead of `Content-Type`: `common`, `combined` and `access-log` are lines of an access log, in Common or \
                 Combined format, told apart line by line.";
    query("format", about, names).build()
}

fn idempotency_key() -> Parameter {
    let about = "Names the batch: sent again under the same key, it counts once. Keys are remembered for 10 minutes after the newest batch, \
                 and for the last 10,000 batches whatever their age.";
    let key = shapes::text(format!("[!-~]{{1,{BATCH_ID_BYTES_MAX}}}"));
    query("Idempotency-Key", about, key)
        .parameter_in(ParameterIn::Header)
        .build()
}

fn body() -> RequestBody {
    let about = format!("At most {COLLECT_BYTES_MAX} bytes, and {HITS_MAX} hits.");
    let body = RequestBodyBuilder::new()
        .description(Some(about))
        .required(Some(Required::True));
    let types = Format::MEDIA_TYPES.into_iter();
    let body = types.fold(body, |body, (media_type, format)| {
        body.content(media_type, content(format))
    });
    body.build()
}

fn content(format: Format) -> Content {
    match format {
        Format::Json => hits(),
        Format::Ndjson => formatted_text("ndjson", examples::NDJSON),
        Format::AccessLog => formatted_text("access-log", examples::ACCESS_LOG),
    }
}

/// One hit, or an array of hits.
fn hits() -> Content {
    let hit = || RefOr::<Schema>::from(Ref::from_schema_name("Hit"));
    let many = ArrayBuilder::new().items(hit()).min_items(Some(1));
    let either = AnyOfBuilder::new().item(hit()).item(Schema::from(many));
    let examples = [("one", examples::hit()), ("many", examples::hits())];
    ContentBuilder::new()
        .schema(Some(Schema::from(either)))
        .examples_from_iter(examples.map(|(name, value)| (name, example(value))))
        .build()
}
