//! Reads hits from bytes of clients and gateways: JSON, and lines of any format of
//! [`LINE_FORMATS`].
//!
//! If a hit is invalid, only this hit is refused, by its number. The other hits are accepted. It is
//! an error only if the whole body cannot be read. Every hit, in any format, goes through
//! [`RawHit::check`]. So the limits are the same for all.
//!
//! Rollcall's own JSON form of a hit follows. An object without `ip` may be one of a gateway. `ip`, `method` and `path` are required. `null` is the same as
//! absent.
//!
//! ```json
//! {"ip": "192.0.2.1", "method": "GET", "path": "/users", "timestamp": "2025-05-17T10:05:03Z",
//!  "status": 200, "responseTimeMs": 12.5, "bytes": 5120, "country": "DE",
//!  "userAgent": "curl/8.5.0"}
//! ```
//!
//! `timestamp` is RFC 3339 or a number of milliseconds since 1970. If it is absent, it is now.
//! Other fields are ignored.

mod access_log;
mod batch_id;
mod contents;
mod context;
mod document;
mod encoding;
mod flaw;
mod json;
mod line_format;
mod lines;
mod map;
mod object;
mod prefix;
mod quoting;
mod sources;
mod table;
mod tree;
mod values;

pub use self::batch_id::{BATCH_ID_BYTES_MAX, BadBatchId, BatchId};
pub use self::contents::{HITS_MAX, Intake, IntakeError, REJECTIONS_SHOWN};
pub use self::context::Context;
pub use self::encoding::{Encoding, UnpackError, ZstdReader};
pub use self::json::write_json;
pub use self::line_format::LineFormat;
use self::lines::{Lines, read_lines};
pub use self::map::{BadFieldMap, FieldMap};
pub use self::table::LINE_FORMATS;
pub use self::values::{BYTES_UNUSABLE, RESPONSE_TIME_UNUSABLE_US, STATUS_UNUSABLE};
use rollcall_tally::hit::RawHit;

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One object, or an array of objects. They are Rollcall's own, or those of a gateway.
    Json,
    /// One object a line. They are Rollcall's own, or those of a gateway.
    Ndjson,
    /// Common or Combined Log Format. The reader tells them apart line by line.
    AccessLog,
    /// Lines of one of the formats of [`LINE_FORMATS`].
    Line(&'static LineFormat),
    /// Lines whose fields the operator has named: JSON objects, or columns of text.
    Mapped,
    /// Lines of any of these formats. The reader tells them apart line by line.
    Auto,
}

impl Format {
    /// The values of `Content-Type`.
    pub const MEDIA_TYPES: [(&str, Self); 6] = [
        ("application/json", Self::Json),
        ("application/x-ndjson", Self::Ndjson),
        ("application/ndjson", Self::Ndjson),
        ("application/jsonl", Self::Ndjson),
        ("application/x-jsonlines", Self::Ndjson),
        ("text/plain", Self::Auto),
    ];

    /// The values of `?format=`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let of_lines = LINE_FORMATS.iter().flat_map(LineFormat::names);
        ["auto", "json", "mapped"].into_iter().chain(of_lines)
    }

    /// The format of a `?format=` parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "json" => Some(Self::Json),
            "mapped" => Some(Self::Mapped),
            name => LINE_FORMATS
                .iter()
                .find(|format| format.has_name(name))
                .map(Self::of_lines),
        }
    }

    fn of_lines(format: &'static LineFormat) -> Self {
        match format.name {
            "ndjson" => Self::Ndjson,
            "access-log" => Self::AccessLog,
            _ => Self::Line(format),
        }
    }

    /// The format of a `Content-Type` header. The header's parameters do not matter.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        find(&Self::MEDIA_TYPES, &essence.to_ascii_lowercase())
    }
}

fn find(formats: &[(&str, Format)], name: &str) -> Option<Format> {
    let found = formats.iter().find(|(known, _)| *known == name);
    found.map(|(_, format)| *format)
}

/// Reads a whole body.
///
/// # Errors
/// See [`IntakeError`]. A hit that is refused is no error.
pub fn read<'r>(
    body: &[u8],
    format: Format,
    context: impl Into<Context<'r>>,
) -> Result<Intake, IntakeError> {
    let context = context.into();
    if body.trim_ascii().is_empty() {
        return Err(IntakeError::Empty);
    }
    match format {
        Format::Json => document::read_document(body, context),
        Format::Ndjson => read_lines(body, Lines::Json, context),
        Format::AccessLog => read_lines(body, Lines::AccessLog, context),
        Format::Line(format) => read_lines(body, Lines::Of(format), context),
        Format::Mapped => {
            let map = context.map.ok_or(IntakeError::NoMap)?;
            read_lines(body, Lines::Mapped(map), context)
        }
        Format::Auto => read_lines(body, Lines::Any, context),
    }
}

/// Whether a line names the columns of the lines behind it, as `#Fields:` in a log of CloudFront or
/// IIS. A body that begins in the middle of such a log must begin with this line.
pub fn names_columns(line: &[u8]) -> bool {
    line.starts_with(b"#Fields:")
}

/// Checks hits that need no reading.
///
/// # Errors
/// [`IntakeError::TooManyHits`].
pub fn check<'r>(
    hits: Vec<RawHit>,
    context: impl Into<Context<'r>>,
) -> Result<Intake, IntakeError> {
    let context = context.into();
    let mut intake = Intake::default();
    for (number, raw) in (1..).zip(hits) {
        intake.take(number, Ok(raw), context)?;
    }
    Ok(intake)
}

#[cfg(test)]
mod tests;
