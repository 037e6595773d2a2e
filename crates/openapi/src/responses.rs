//! Answers: their bodies, their headers, and every error.

use http::StatusCode;
use rollcall_tally::Failure;
use rollcall_tally::question::{LIMIT_MAX, NO_API, NotUnderstood, Question};
use rollcall_web::Problem;
use rollcall_web::body::COLLECT_BYTES_MAX;
use rollcall_web::problem::RETRY_AFTER_SECONDS;
use rollcall_web::trailer::EXPORT_COMPLETE;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::schema::{AllOfBuilder, Object, Schema, Type};
use utoipa::openapi::{
    Content, ContentBuilder, Header, HeaderBuilder, Ref, RefOr, ResponseBuilder,
};

use crate::bodies::Stale;
use crate::examples::value;
use crate::refs;
use crate::shapes::{formatted, integer, of};

pub const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Errors that all paths have in common.
#[derive(Clone, Copy)]
pub enum Error {
    BadParameters,
    Unauthorized,
    Forbidden,
    NotTracked,
    NoApi,
    NoDocument,
    NotAllowed,
    TooLarge,
    TooSlow,
    TooManyWrongTokens,
    Unreadable,
    Unavailable,
}

/// The errors of a path that needs a token, reads the data, and takes no body.
pub const OF_A_QUESTION: [Error; 7] = [
    Error::BadParameters,
    Error::Unauthorized,
    Error::Forbidden,
    Error::NotAllowed,
    Error::TooManyWrongTokens,
    Error::Unreadable,
    Error::Unavailable,
];

/// The errors of a path that needs a token, and takes no parameter that could be wrong.
pub const WITHOUT_PARAMETERS: [Error; 6] = [
    Error::Unauthorized,
    Error::Forbidden,
    Error::NotAllowed,
    Error::TooManyWrongTokens,
    Error::Unreadable,
    Error::Unavailable,
];

impl Error {
    const EVERY: [Self; 12] = [
        Self::BadParameters,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotTracked,
        Self::NoApi,
        Self::NoDocument,
        Self::NotAllowed,
        Self::TooLarge,
        Self::TooSlow,
        Self::TooManyWrongTokens,
        Self::Unreadable,
        Self::Unavailable,
    ];

    fn status(self) -> StatusCode {
        self.example().status()
    }

    fn name(self) -> &'static str {
        match self {
            Self::BadParameters => "BadParameters",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotTracked => "NotTracked",
            Self::NoApi => "NoApi",
            Self::NoDocument => "NoDocument",
            Self::NotAllowed => "MethodNotAllowed",
            Self::TooLarge => "TooLarge",
            Self::TooSlow => "TooSlow",
            Self::TooManyWrongTokens => "TooManyWrongTokens",
            Self::Unreadable => "Unreadable",
            Self::Unavailable => "Unavailable",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::BadParameters => {
                "A parameter is unknown, given twice or out of its range. `invalidParams` names \
                 all such parameters."
            }
            Self::Unauthorized => {
                "There is no token, an unknown token, or a token for another path. The answer to \
                 an unknown token takes half a second."
            }
            Self::Forbidden => {
                "The token may only read, or only read the metrics. Or the request has a session \
                 and does not come from a page of the same origin."
            }
            Self::NotTracked => "The IP is not tracked, or not any more.",
            Self::NoApi => {
                "The app has no OpenAPI file of your API, or cannot use it. `detail` says why."
            }
            Self::NoDocument => "There is none of this name.",
            Self::NotAllowed => {
                "The path does not take this method. `Allow` names the methods that it takes."
            }
            Self::TooSlow => "The body came too slowly.",
            Self::TooLarge => "The body is too large, or has too many hits.",
            Self::TooManyWrongTokens => {
                "The token is not known, and too many other requests with an unknown token wait. A \
                 right token never waits."
            }
            Self::Unreadable => "A stored value cannot be read. The log says which.",
            Self::Unavailable => {
                "Too little of the data could be reached in time. It is not known whether the \
                 request took effect. Ask again."
            }
        }
    }

    fn example(self) -> Problem {
        match self {
            Self::BadParameters => {
                let out_of_range = format!("limit={}&order=requests", LIMIT_MAX + 1);
                let bad = match Question::read("top-ips", &out_of_range) {
                    Err(NotUnderstood::Parameters(bad)) => bad,
                    _ => Vec::new(),
                };
                Problem::bad_parameters(bad)
            }
            Self::Unauthorized => Problem::unauthorized(),
            Self::Forbidden => Problem::new(StatusCode::FORBIDDEN, "This token reads only."),
            Self::NotTracked => {
                Failure::NotFound("The IP 192.0.2.1 is not tracked, or not any more.".to_owned())
                    .into()
            }
            Self::NoApi => Failure::NotFound(NO_API.to_owned()).into(),
            Self::NoDocument => Failure::NotFound("There is no rules/scan.".to_owned()).into(),
            Self::NotAllowed => Problem::method_not_allowed("GET"),
            Self::TooLarge => Problem::too_large(COLLECT_BYTES_MAX),
            Self::TooSlow => Problem::too_slow(),
            Self::TooManyWrongTokens => Problem::too_many_wrong_tokens(),
            Self::Unreadable => Problem::unreadable(),
            Self::Unavailable => Problem::out_of_reach(),
        }
    }

    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Unauthorized => &["WWW-Authenticate"],
            Self::NotAllowed => &["Allow"],
            Self::TooManyWrongTokens | Self::Unavailable => &["Retry-After"],
            _ => &[],
        }
    }
}

/// An operation with these errors. The errors are among the components.
pub fn errors(operation: OperationBuilder, errors: &[Error]) -> OperationBuilder {
    errors.iter().fold(operation, |operation, error| {
        let shared = Ref::from_response_name(error.name());
        operation.response(error.status().as_str(), shared)
    })
}

/// An operation that sends a browser without a session to sign in.
pub fn or_sign_in(operation: OperationBuilder) -> OperationBuilder {
    operation.response("303", Ref::from_response_name(SIGN_IN_FIRST))
}

const SIGN_IN_FIRST: &str = "SignInFirst";

/// The answers that are among the components.
pub fn shared() -> Vec<(&'static str, ResponseBuilder)> {
    let sign_in = response(
        "A browser without a session is redirected to the sign-in page, and back afterwards. This \
         is for requests without a token whose `Accept` begins with `text/html`.",
    );
    let sign_in = [(SIGN_IN_FIRST, with_headers(sign_in, &["Location"]))];
    let every = Error::EVERY.into_iter();
    let shared = every.map(|error| {
        let response = problem(error.about(), &error.example());
        (error.name(), with_headers(response, error.headers()))
    });
    sign_in.into_iter().chain(shared).collect()
}

/// An error that only one operation has.
pub fn problem(about: &str, example: &Problem) -> ResponseBuilder {
    let content = content(refs::of::<Problem>(), value(example));
    response(about).content(PROBLEM, content)
}

/// An answer as JSON.
pub fn json<T: ToSchema + Serialize>(about: &str, example: &T) -> ResponseBuilder {
    let content = content(refs::of::<T>(), value(example));
    response(about).content(JSON, content)
}

/// An answer that is kept for later requests.
pub fn kept(about: &str, schema: RefOr<Schema>, example: &impl Serialize) -> ResponseBuilder {
    let whole = AllOfBuilder::new().item(schema);
    let whole = whole.item(refs::of::<Stale>()).build();
    let content = content(Schema::from(whole), value(example));
    with_headers(response(about).content(JSON, content), &KEPT)
}

/// 304.
pub fn not_modified() -> ResponseBuilder {
    with_headers(
        response("The client has this answer: its `If-None-Match` names it."),
        &KEPT,
    )
}

pub fn response(about: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(about)
}

pub fn content(schema: impl Into<RefOr<Schema>>, example: impl Into<Value>) -> Content {
    let content = ContentBuilder::new().schema(Some(schema));
    content.example(Some(example.into())).build()
}

/// A text that is not JSON.
pub fn text(example: &str) -> Content {
    content(Schema::from(of(Type::String)), example)
}

/// A text with a named format.
pub fn formatted_text(format: &str, example: &str) -> Content {
    content(Schema::from(formatted(format)), example)
}

const KEPT: [&str; 4] = ["ETag", "Age", "Cache-Status", "Cache-Control"];

pub fn with_headers(response: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    names.iter().fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// Every header of an answer.
pub fn headers() -> Vec<(&'static str, Header)> {
    let text = |about: &str, example: &str| header(of(Type::String).build(), about, json!(example));
    let seconds =
        |about: &str, example: Value| header(integer(0..=u32::MAX).build(), about, example);
    let complete = format!(
        "Names the trailer `{EXPORT_COMPLETE}`: `rows=N`. It is sent last, to clients that send \
         `TE: trailers`. If it does not come, the export broke off."
    );
    vec![
        (
            "ETag",
            text(
                "The tag of the answer, for `If-None-Match`.",
                "\"6b9d4c0f6a0b7a5be3d1f2a0\"",
            ),
        ),
        (
            "Rollcall-Batch",
            header(
                of(Type::Integer).minimum(Some(1)).build(),
                "The number of the batch. Absent if no hit was accepted.",
                json!(17),
            ),
        ),
        (
            "Age",
            seconds("Seconds since the answer was computed.", json!(12)),
        ),
        (
            "Cache-Status",
            text(
                "The source of the answer (RFC 9211). `hit; detail=memory`, `store` or `stale`: a \
                 kept answer. `fwd=miss`: it was computed. `fwd=request`: it was computed because \
                 of `no-cache`. `stored` follows a computed answer. `collapsed` stands in its \
                 place if the answer was computed for another question at the same time. `ttl`: \
                 seconds for which the answer is fresh. It is negative if the answer is not fresh.",
                "rollcall; hit; detail=memory; ttl=288",
            ),
        ),
        (
            "Cache-Control",
            text(
                "Only the client itself may keep the answer. It asks each time.",
                "private, no-cache",
            ),
        ),
        (
            "Retry-After",
            seconds(
                "Seconds to wait before asking again.",
                json!(RETRY_AFTER_SECONDS.parse::<u32>().ok()),
            ),
        ),
        (
            "WWW-Authenticate",
            text("How to authenticate.", "Bearer realm=\"rollcall\""),
        ),
        ("Allow", text("The methods that the path takes.", "GET")),
        ("Location", text("A path on this server.", "/admin/")),
        (
            "Set-Cookie",
            text(
                "The cookie of the session.",
                "rollcall_session=viewer.1769904000.5f7c; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict",
            ),
        ),
        (
            "Content-Disposition",
            text(
                "A name for the file.",
                "attachment; filename=\"path-stats-7d.json\"",
            ),
        ),
        ("Trailer", text(&complete, EXPORT_COMPLETE.as_str())),
        (
            "Export-Lacks",
            text(
                "The IPs that are not tracked any more, and their hits. They have no rows.",
                "ips=3, hits=120",
            ),
        ),
    ]
}

fn header(schema: Object, about: &str, example: Value) -> Header {
    HeaderBuilder::new()
        .schema(Some(Schema::from(schema)))
        .description(Some(about))
        .example(Some(example))
        .build()
}
