//! Schemas of single values.

use std::fmt::Display;
use std::ops::RangeInclusive;

use rollcall_tally::StatusClass;
use rollcall_tally::hit::METHOD_BYTES_MAX;
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::schema::{AnyOf, AnyOfBuilder, Object, ObjectBuilder, Schema, Type};

/// A country as the API spells it, in upper or lower case.
pub const COUNTRY: &str = "[A-Za-z][A-Za-z0-9]";

/// A class of statuses, or a status code.
pub fn status() -> String {
    let classes = StatusClass::EVERY.map(StatusClass::name).join("|");
    format!("{classes}|[1-5][0-9][0-9]")
}

/// A token of RFC 9110.
pub fn method() -> String {
    format!("[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{METHOD_BYTES_MAX}}}")
}

/// A text that fits this regular expression as a whole.
pub fn text(pattern: impl Display) -> ObjectBuilder {
    of(Type::String).pattern(Some(format!("^({pattern})$")))
}

/// A text with a named format.
pub fn formatted(format: &str) -> Object {
    let format = SchemaFormat::Custom(format.to_owned());
    of(Type::String).format(Some(format)).build()
}

/// One of these words.
pub fn one_of(names: &[&str]) -> ObjectBuilder {
    of(Type::String).enum_values(Some(names.iter().copied()))
}

pub fn integer(range: RangeInclusive<u32>) -> ObjectBuilder {
    let (from, to) = (*range.start(), *range.end());
    of(Type::Integer).minimum(Some(from)).maximum(Some(to))
}

pub fn any_of<S: Into<Schema>>(schemas: impl IntoIterator<Item = S>) -> AnyOf {
    let schemas = schemas.into_iter();
    schemas
        .fold(AnyOfBuilder::new(), |any, schema| any.item(schema.into()))
        .build()
}

/// An address in any spelling.
pub fn address() -> AnyOf {
    any_of(["ipv4", "ipv6"].map(formatted))
}

/// An address, or a network.
pub fn network() -> AnyOf {
    any_of(["ipv4", "ipv6", "cidr"].map(formatted))
}

/// A time, or a date.
pub fn moment() -> AnyOf {
    any_of(["date-time", "date"].map(formatted))
}

/// The stretch of time that a window is compared with. Of a range, the pattern has less than the
/// server takes: dates alone, and no impossible day.
pub fn against() -> Schema {
    let date = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    text(format!("previous|week|{date}/{date}"))
        .default(Some("previous".into()))
        .into()
}

pub fn of(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}
