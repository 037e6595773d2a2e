//! A hit as it comes in over HTTP, and the limits that it is checked against.

use rollcall_tally::hit::{
    CONSUMER_BYTES_MAX, FUTURE_MS_MAX, HOST_BYTES_MAX, PATH_BYTES_MAX, PROTOCOL_BYTES_MAX,
    RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, TIMESTAMP_MS_MIN, USER_AGENT_BYTES_MAX,
};
use rollcall_tally::status::CODES;
use rollcall_tally::window::MINUTE_MS;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOf, Object, ObjectBuilder, Schema, SchemaType, Type,
};

use crate::shapes::{COUNTRY, address, any_of, formatted, method, of};

/// A hit of any caller.
pub fn schema() -> Object {
    let about = "One request that a gateway saw. `null` is the same as absent. Other fields are \
                 ignored. Only a bad `ip` or `timestamp` rejects a hit. Any other value that is not \
                 as described here is unknown, and counted in `repaired`, but for `host`, \
                 `consumer`, `protocol` and `referrer`: `/admin/breakdown` tells how many hits do \
                 not have them.";
    let hit = of(Type::Object).description(Some(about));
    let hit = fields()
        .into_iter()
        .fold(hit, |hit, (name, schema, about)| {
            hit.property(name, described(schema, about))
        });
    hit.required("ip").build()
}

/// A hit of the sender itself.
pub fn own() -> Object {
    let about = "One request of the sender itself: its address is that of the client that sends \
                 the hit. Other fields are not allowed, so that a line of a log whose address has \
                 another name is not taken for one. Only `application/json` has such hits.";
    let hit = of(Type::Object).description(Some(about));
    let fields = fields().into_iter().filter(|(name, ..)| *name != "ip");
    let hit = fields.fold(hit, |hit, (name, schema, about)| {
        hit.property(name, described(schema, about))
    });
    let hit = hit.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    hit.required("path").build()
}

fn fields() -> [(&'static str, Schema, String); 13] {
    let status = optional(Type::Integer)
        .minimum(Some(*CODES.start()))
        .maximum(Some(*CODES.end()));
    let ms_max = RESPONSE_TIME_US_MAX as usize / 1_000;
    let time = optional(Type::Number)
        .minimum(Some(0))
        .maximum(Some(ms_max));
    let bytes_max = RESPONSE_BYTES_MAX as usize;
    let bytes = optional(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(bytes_max));
    let country = optional(Type::String).pattern(Some(format!("^({COUNTRY})$")));
    [
        (
            "ip",
            address().into(),
            "The address of the caller. Brackets, port and zone are taken off. Of a list, the last \
             address counts. It is counted under its canonical form: an IPv4 address mapped into \
             IPv6 is IPv4."
                .to_owned(),
        ),
        (
            "method",
            or_null(method()).into(),
            "In any case. If it is absent or no method, it counts as `-`.".to_owned(),
        ),
        (
            "path",
            or_null(target()).into(),
            format!(
                "A request target, as `/path?query` or `http://host/path`. Query string and \
                 fragment are taken off. If the rest has more than {PATH_BYTES_MAX} bytes, it is \
                 cut. If it is absent or empty, it counts as `(unknown)`."
            ),
        ),
        (
            "timestamp",
            timestamp().into(),
            format!(
                "RFC 3339, or milliseconds since 1970. At most {} minutes in the future. Absent: \
                 now.",
                FUTURE_MS_MAX / MINUTE_MS
            ),
        ),
        ("status", status.into(), "Of the response.".to_owned()),
        (
            "responseTimeMs",
            time.into(),
            "Milliseconds. Fractions are allowed. It is kept in microseconds.".to_owned(),
        ),
        ("bytes", bytes.into(), "Of the response.".to_owned()),
        (
            "country",
            country.into(),
            "A code of ISO 3166-1, or another code that gateways use, as `T1`. In any case."
                .to_owned(),
        ),
        (
            "userAgent",
            optional(Type::String).into(),
            format!("Cut to {USER_AGENT_BYTES_MAX} bytes. Anything but text is left out."),
        ),
        (
            "host",
            optional(Type::String).into(),
            format!(
                "The host that was asked for. It is kept in lower case, without its port. One of \
                 more than {HOST_BYTES_MAX} bytes is unknown."
            ),
        ),
        (
            "consumer",
            optional(Type::String).into(),
            format!(
                "Who the gateway says called: the name of a key, never the key. Cut to \
                 {CONSUMER_BYTES_MAX} bytes."
            ),
        ),
        (
            "protocol",
            optional(Type::String).into(),
            format!(
                "As `HTTP/2`. One of more than {PROTOCOL_BYTES_MAX} bytes is unknown."
            ),
        ),
        (
            "referrer",
            optional(Type::String).into(),
            "The URL of the page that led here. Its host alone is kept.".to_owned(),
        ),
    ]
}

/// A pattern for a path as it is kept.
pub fn path() -> String {
    format!(r"[^?#\x00-\x1f\x7f-\x9f]{{1,{PATH_BYTES_MAX}}}")
}

/// A pattern for the path of a hit, before it is cut.
fn target() -> String {
    format!(r"{}([?#][\s\S]*)?", path())
}

fn or_null(pattern: String) -> ObjectBuilder {
    optional(Type::String).pattern(Some(format!("^({pattern})$")))
}

fn timestamp() -> AnyOf {
    let ms = of(Type::Integer).minimum(Some(TIMESTAMP_MS_MIN as usize));
    any_of([ms.build(), formatted("date-time"), of(Type::Null).build()])
}

fn optional(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([schema_type, Type::Null]))
}

fn described(mut schema: Schema, about: String) -> Schema {
    match &mut schema {
        Schema::Object(object) => object.description = Some(about),
        Schema::AnyOf(any) => any.description = Some(about),
        _ => {}
    }
    schema
}
