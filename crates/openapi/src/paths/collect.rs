//! Recording hits.

use std::time::Duration;

use http::StatusCode;
use rollcall_formats::{BATCH_ID_BYTES_MAX, Format, HITS_MAX};
use rollcall_tally::Failure;
use rollcall_tally::hit::PATH_BYTES_MAX;
use rollcall_web::Problem;
use rollcall_web::body::COLLECT_BYTES_MAX;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Schema, Type};
use utoipa::openapi::{Content, ContentBuilder, Ref, Required, ResponseBuilder};

use super::group::{OPERATE, RECORD};
use super::path::{Path, example, get, operation, post};
use crate::examples;
use crate::parameters::query;
use crate::responses::{
    Error, OF_A_QUESTION, errors, formatted_text, json, or_sign_in, problem, response, text,
    with_headers,
};
use crate::security::Access;
use crate::shapes;

const ERRORS: [Error; 6] = [
    Error::Unauthorized,
    Error::NotAllowed,
    Error::TooLarge,
    Error::TooSlow,
    Error::Unreadable,
    Error::Unavailable,
];

pub fn collect() -> Path {
    let about = "Records one hit, or many. If the address or the time of a hit cannot be read, \
                 only this hit is rejected, by its number. Whatever else cannot be used is unknown: \
                 the hit is recorded, and counted in `repaired`. An acknowledged hit is durable.\n\n\
                 After a 503, or if there is no answer, the client does not know whether the hits \
                 count. A batch with an `Idempotency-Key` may be sent again, to any node. It \
                 counts once. After a 429, nothing of the request was recorded.";
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
        "Neither `Content-Type` nor `format` names the form of the body.",
    );
    let all_accepted = response("Every hit was accepted, and is durable.");
    let some_accepted = json(
        "Accepted hits are durable. Others were rejected, do not count by the rules, or have \
         something that is unknown or was cut.",
        &examples::receipt(),
    );
    let operation = operation
        .request_body(Some(body()))
        .response("202", with_headers(all_accepted, &["Rollcall-Batch"]))
        .response("200", with_headers(some_accepted, &["Rollcall-Batch"]))
        .response(
            "400",
            problem(
                "No hit was accepted. If every hit was rejected, the problem has the members of a \
                 `Receipt`. Else the whole body, a parameter or the `Idempotency-Key` could not be \
                 read.",
                &all_rejected,
            ),
        )
        .response("429", too_many())
        .response(
            "415",
            problem(
                "Neither `Content-Type` nor `format` names the form of the body, or the \
                 `Content-Encoding` is not known.",
                &unknown_type,
            ),
        );
    post("/collect", errors(operation, &ERRORS))
}

/// The largest number that every reader of JSON takes: 2^53 - 1. No log gets that long.
const NUMBER_MAX: isize = 9_007_199_254_740_991;

pub fn batch() -> Path {
    let about = "What became of a batch that was recorded. Recorded batches are counted before the \
                 answer, if that takes no longer than `fold_wait_ms`.";
    let number = query(
        "number",
        "The number that `Rollcall-Batch` told.",
        shapes::of(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(NUMBER_MAX)),
    );
    let number = number
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .example(Some(17.into()));
    let operation = operation(
        OPERATE,
        "batch",
        "What became of a batch",
        about,
        Access::Viewers,
        vec![number.build()],
    );
    let unknown: Problem = Failure::NotFound("No batch has the number 18.".to_owned()).into();
    let operation = operation
        .response("200", json("The state of the batch.", &examples::batch()))
        .response("404", problem("No batch has this number.", &unknown));
    let operation = errors(operation, &OF_A_QUESTION);
    get("/admin/batches/{number}", or_sign_in(operation))
}

/// The answer to a request that is refused, because more comes than can be taken.
fn too_many() -> ResponseBuilder {
    let about = "Too many recorded batches wait to be counted, or the token has reached its rate: \
                 nothing of the request was recorded. Or the token is not known, and too many other \
                 requests with an unknown token wait.";
    let problem = problem(about, &Problem::too_far_behind(Duration::from_secs(5)));
    with_headers(problem, &["Retry-After"])
}

/// The errors of the beacon that are described elsewhere.
const BEACON_ERRORS: [Error; 4] = [
    Error::BadParameters,
    Error::NotAllowed,
    Error::Unreadable,
    Error::Unavailable,
];

pub fn beacon() -> Path {
    let about = "Records a visit of a web page: a `GET` of its path, now, with the `User-Agent` of \
                 the request, under the address that the request comes from. It needs no token. It \
                 is off unless the variable `beacon` is `true`. The image is sent when the hit is \
                 durable. `HEAD` does the same.";
    let rest_max = PATH_BYTES_MAX - 1;
    let path = query(
        "path",
        "The path of the page. Absent: the path in `Referer`. If there is none, it is unknown.",
        shapes::text(format!(r"/[\s\S]{{0,{rest_max}}}")),
    );
    let off = Problem::not_found();
    let operation = operation(
        RECORD,
        "beacon",
        "Record a visit of a page",
        about,
        Access::Open,
        vec![path.build()],
    );
    let image = response("The hit is durable, or does not count by the rules. A GIF of one pixel.")
        .content("image/gif", text("GIF89a…"));
    let operation = operation
        .response("200", image)
        .response("404", problem("The beacon is off.", &off))
        .response("429", too_many());
    get("/collect/beacon", errors(operation, &BEACON_ERRORS))
}

fn format() -> Parameter {
    let names = shapes::one_of(&Format::names().collect::<Vec<_>>());
    let about = "The form of the body, in place of `Content-Type`. `common`, `combined` and \
                 `access-log` are lines of an access log, in Common or Combined format, told apart \
                 line by line.";
    query("format", about, names).build()
}

fn idempotency_key() -> Parameter {
    let about = "Names the batch. If the batch is sent again under the same key, it counts once. A \
                 key holds for at least 10 minutes, and for at least the last 10,000 batches.";
    let key = shapes::text(format!("[!-~]{{1,{BATCH_ID_BYTES_MAX}}}"));
    query("Idempotency-Key", about, key)
        .parameter_in(ParameterIn::Header)
        .build()
}

fn body() -> RequestBody {
    let about = format!(
        "At most {COLLECT_BYTES_MAX} bytes, and {HITS_MAX} hits. It may be packed: then \
         `Content-Encoding` is `gzip` or `zstd`, and it may have as many bytes unpacked."
    );
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
        Format::AccessLog | Format::Line(_) | Format::Mapped | Format::Auto => {
            formatted_text("access-log", examples::ACCESS_LOG)
        }
    }
}

/// One hit, or an array of hits. Each is of any caller, or of the sender.
fn hits() -> Content {
    let hits = ["Hit", "OwnHit"].map(Ref::from_schema_name);
    let one = || {
        let hits = hits.clone().into_iter();
        hits.fold(AnyOfBuilder::new(), |any, hit| any.item(hit))
    };
    let many = ArrayBuilder::new().items(one()).min_items(Some(1));
    let either = one().item(Schema::from(many));
    let examples = [
        ("one", examples::hit()),
        ("many", examples::hits()),
        ("own", examples::own_hit()),
    ];
    ContentBuilder::new()
        .schema(Some(Schema::from(either)))
        .examples_from_iter(examples.map(|(name, value)| (name, example(value))))
        .build()
}
