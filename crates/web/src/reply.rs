//! Answers.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use spin_sdk::http::{BoxBody, EmptyBody, FullBody, box_body};

use crate::log;

/// The answer of a handler.
pub type Reply = Response<BoxBody>;

/// An answer without a body.
pub fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(box_body(EmptyBody::new()));
    *reply.status_mut() = status;
    reply
}

/// An answer with a body in memory.
pub fn full(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(box_body(FullBody::new(body.into())));
    *reply.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// `application/json`. If a value cannot be written as JSON, this is logged, and the answer is a
/// 500 without a body.
pub fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    json_as(status, "application/json", value)
}

/// JSON under another media type.
pub fn json_as(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => full(status, content_type, body),
        Err(error) => {
            log!(Error, "answer-not-written", error = error);
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// An answer for another component, as postcard. A large answer is smaller and faster as postcard
/// than as JSON.
pub fn postcard(status: StatusCode, value: &impl Serialize) -> Reply {
    match postcard::to_allocvec(value) {
        Ok(body) => full(status, "application/octet-stream", body),
        Err(error) => {
            log!(Error, "answer-not-written", error = error);
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
