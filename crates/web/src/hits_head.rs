//! The head of a `POST /collect`: the format of its body, and its `Idempotency-Key`.
//!
//! The router reads the head before the body, which may have 10 MiB, and refuses a bad one. The
//! collector reads it again, to read the body.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use rollcall_formats::{BatchId, Encoding, Format};
use rollcall_tally::question::BadParameter;

use crate::Problem;

/// The header of an acknowledgement that tells the number of the batch.
pub const BATCH: HeaderName = HeaderName::from_static("rollcall-batch");

const MEDIA_TYPES: &str = "application/json, application/x-ndjson or text/plain (lines of a log)";

/// The format of the hits in the body, and the id of their batch.
#[derive(Debug)]
pub struct HitsHead {
    pub format: Format,
    /// How the body is packed. `None`: it is not.
    pub encoding: Option<Encoding>,
    pub batch_id: Option<BatchId>,
}

impl HitsHead {
    /// # Errors
    /// 400 or 415: the format or the encoding is not known, or the `Idempotency-Key` cannot be used.
    pub fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            format: format_of(uri, headers)?,
            encoding: encoding_of(headers)?,
            batch_id: batch_id_of(headers)?,
        })
    }
}

/// The format of `?format=`. If there is none, the format of the media type.
fn format_of(uri: &Uri, headers: &HeaderMap) -> Result<Format, Problem> {
    let refuse = |name: &str, reason: String| {
        let name = name.to_owned();
        Err(Problem::bad_parameters(vec![BadParameter { name, reason }]))
    };
    match uri.query().unwrap_or_default().split_once('=') {
        None if uri.query().unwrap_or_default().is_empty() => {}
        Some(("format", name)) => {
            return Format::from_name(name).map_or_else(
                || refuse("format", format!("expected one of {}", format_names())),
                Ok,
            );
        }
        other => {
            let name = other.map_or(uri.query().unwrap_or_default(), |(name, _)| name);
            return refuse(name, "unknown parameter".to_owned());
        }
    }
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    media_type
        .and_then(Format::from_content_type)
        .ok_or_else(|| {
            Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "Send {MEDIA_TYPES} as Content-Type, or ?format= with one of {}.",
                    format_names()
                ),
            )
        })
}

fn format_names() -> String {
    Format::names().collect::<Vec<_>>().join(", ")
}

fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, Problem> {
    let Some(value) = headers.get(CONTENT_ENCODING) else {
        return Ok(None);
    };
    let name = value.to_str().unwrap_or_default();
    match Encoding::from_name(name) {
        None if !name.eq_ignore_ascii_case("identity") => {
            let why = "A Content-Encoding is gzip or zstd.";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
        }
        encoding => Ok(encoding),
    }
}

/// The `Idempotency-Key`. A bad key is refused, because the client relies on it.
fn batch_id_of(headers: &HeaderMap) -> Result<Option<BatchId>, Problem> {
    let value = headers.get("idempotency-key");
    let id = value.map(|value| BatchId::new(value.as_bytes()));
    let id = id.transpose();
    id.map_err(|bad| {
        let why = format!("An Idempotency-Key has {bad}.");
        Problem::new(StatusCode::BAD_REQUEST, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(name: &'static str, value: &[u8]) -> Option<HeaderMap> {
        let value = HeaderValue::from_bytes(value).ok()?;
        Some(HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            value,
        )]))
    }

    #[test]
    fn a_key_has_1_to_255_characters() {
        let check = |length: usize, expect: bool| {
            let headers = headers("idempotency-key", "k".repeat(length).as_bytes());
            assert_eq!(batch_id_of(&headers.unwrap()).is_ok(), expect, "{length}");
        };
        check(0, false);
        check(1, true);
        check(255, true);
        check(256, false);
        assert!(batch_id_of(&HeaderMap::new()).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn a_key_of_visible_characters_is_taken_as_it_is_and_any_other_refused(value in prop_oneof!["[!-~]{0,300}", "[ -~]{0,9}", ".{0,9}"]) {
            if let Some(headers) = headers("idempotency-key", value.as_bytes()) {
                let is_usable = matches!(value.len(), 1..=255) && value.chars().all(|char| matches!(char, '!'..='~'));
                let id = batch_id_of(&headers).ok().map(|id| id.unwrap().as_str().to_owned());
                prop_assert_eq!(id, is_usable.then_some(value));
            }
        }

        #[test]
        fn no_query_or_content_type_makes_finding_the_format_panic(query in "[!-~]{0,30}", name in "(format=)?[a-z-]{0,10}", content_type: Vec<u8>) {
            for query in [query, name] {
                let uri = format!("/collect?{query}").parse::<Uri>();
                if let (Ok(uri), Some(headers)) = (uri, headers("content-type", &content_type)) {
                    let _ = format_of(&uri, &headers);
                }
            }
        }
    }
}
