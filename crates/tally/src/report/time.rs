//! Times as the answers spell them.

use jiff::Timestamp;
use serde::Serializer;

/// Milliseconds since 1970 as `2026-01-31T23:59:59.999Z`; what no calendar has becomes 1970.
pub fn rfc3339_text(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or_default())
}

pub(super) fn rfc3339<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_text(*ms))
}

pub(super) fn rfc3339_if_any<S: Serializer>(
    ms: &Option<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => rfc3339(ms, serializer),
        None => serializer.serialize_none(),
    }
}
