//! Answers.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use spin_sdk::http::{BoxBody, EmptyBody, FullBody, box_body};

use crate::log;

/// What a handler answers with.
pub type Reply = Response<BoxBody>;

/// An answer without a body.
pub fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(box_body(EmptyBody::new()));
    *reply.status_mut() = status;
    reply
}

/// An answer with a body that is in memory.
pub fn full(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(box_body(FullBody::new(body.into())));
    *reply.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// `application/json`. What cannot be written as JSON is logged, and answered with a bare 500.
pub fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    json_as(status, "application/json", value)
}

/// JSON under a media type of its own.
pub fn json_as(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => full(status, content_type, body),
        Err(error) => {
            log!(Error, "answer-not-written", error = error);
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// What one component answers another: postcard, which is smaller and faster than JSON where much travels.
pub fn postcard(status: StatusCode, value: &impl Serialize) -> Reply {
    match postcard::to_allocvec(value) {
        Ok(body) => full(status, "application/octet-stream", body),
        Err(error) => {
            log!(Error, "answer-not-written", error = error);
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
