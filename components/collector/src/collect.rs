//! `POST /collect`: hits from gateways, whom the router let in.
//!
//! All good: 202 without a body. Some bad: 200 with how many were taken and why each of the first ten others was not. None good:
//! 400. Whatever was acknowledged is durable.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use rollcall_tally::intake::{self, BATCH_ID_BYTES_MAX, Format, IntakeError};
use rollcall_tally::question::BadParameter;
use rollcall_web::{Problem, Reply, body, reply};
use spin_sdk::http::Request;

use crate::service::Service;

const FORMATS: &str = "json, ndjson, common, combined";
const MEDIA_TYPES: &str = "application/json, application/x-ndjson or text/plain (an access log)";

pub async fn collect(request: Request) -> Result<Reply, Problem> {
    let format = format_of(request.uri(), request.headers())?;
    let batch_id = batch_id_of(request.headers())?;
    let body = body::read(request, body::COLLECT_BYTES_MAX).await?;
    let service = Service::open_to_record().await?;
    let intake = intake::read(&body, format, service.now_ms()).map_err(not_read)?;
    let receipt = service.record(intake, batch_id.as_deref()).await?;
    match (receipt.accepted, receipt.rejected) {
        (0, 0) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "There is no hit in the body.",
        )),
        (0, _) => Err(Problem::all_rejected(receipt.rejected, receipt.rejections)),
        // Without a body: a small one would cost a keep-alive client 40 ms on Spin.
        (_, 0) => Ok(reply::empty(StatusCode::ACCEPTED)),
        (_, _) => Ok(reply::json(StatusCode::OK, &receipt)),
    }
}

/// `?format=`, or else the media type.
fn format_of(uri: &Uri, headers: &HeaderMap) -> Result<Format, Problem> {
    let refuse = |name: &str, reason: String| {
        let name = name.to_owned();
        Err(Problem::bad_parameters(vec![BadParameter { name, reason }]))
    };
    match uri.query().unwrap_or_default().split_once('=') {
        None if uri.query().unwrap_or_default().is_empty() => {}
        Some(("format", name)) => {
            return Format::from_name(name).map_or_else(
                || refuse("format", format!("expected one of {FORMATS}")),
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
                format!("Send {MEDIA_TYPES} as Content-Type, or ?format= with one of {FORMATS}."),
            )
        })
}

/// The `Idempotency-Key`. One that cannot be used is refused: the client counts on it.
fn batch_id_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let is_visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(id) if is_visible && (1..=BATCH_ID_BYTES_MAX).contains(&id.len()) => {
            Ok(Some(id.to_owned()))
        }
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("An Idempotency-Key has 1 to {BATCH_ID_BYTES_MAX} visible ASCII characters."),
        )),
    }
}

fn not_read(error: IntakeError) -> Problem {
    let status = match error {
        IntakeError::TooManyHits => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.to_string())
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
        assert_eq!(batch_id_of(&HeaderMap::new()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_key_of_visible_characters_is_taken_as_it_is_and_any_other_refused(value in prop_oneof!["[!-~]{0,300}", "[ -~]{0,9}", ".{0,9}"]) {
            if let Some(headers) = headers("idempotency-key", value.as_bytes()) {
                let is_usable = matches!(value.len(), 1..=255) && value.chars().all(|char| matches!(char, '!'..='~'));
                prop_assert_eq!(batch_id_of(&headers).ok(), is_usable.then_some(Some(value)));
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
