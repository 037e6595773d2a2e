//! A hit as it comes in over HTTP, and the limits that it is checked against.

use rollcall_tally::hit::{
    FUTURE_MS_MAX, PATH_BYTES_MAX, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, TIMESTAMP_MS_MIN,
    USER_AGENT_BYTES_MAX,
};
use rollcall_tally::status::CODES;
use rollcall_tally::window::MINUTE_MS;
use utoipa::openapi::schema::{AnyOf, Object, ObjectBuilder, Schema, SchemaType, Type};

use crate::shapes::{COUNTRY, address, any_of, formatted, method, of};

pub fn schema() -> Object {
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
    let fields: [(&str, Schema, String); 9] = [
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
    ];
    let about = "One request that a gateway saw. `null` is the same as absent. Other fields are \
                 ignored. Only a bad `ip` or `timestamp` rejects a hit. Any other value that is not \
                 as described here is unknown, and counted in `repaired`.";
    let hit = fields.into_iter().fold(
        of(Type::Object).description(Some(about)),
        |hit, (name, schema, about)| hit.property(name, described(schema, about)),
    );
    hit.required("ip").build()
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
