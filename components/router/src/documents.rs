//! What there is to read of the API: its description, the same as a page, and the style of that. All of it is made with the component.

use std::sync::LazyLock;

use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode};
use rollcall_web::{Reply, etag, reply};

/// A document that never changes while the app runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    media_type: &'static str,
    body: &'static str,
    etag: String,
}

static OPENAPI: LazyLock<Document> = LazyLock::new(|| {
    let body = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
    Document::new("application/json", body)
});
static PAGE: LazyLock<Document> = LazyLock::new(|| {
    let body = include_str!(concat!(env!("OUT_DIR"), "/docs.html"));
    Document::new("text/html; charset=utf-8", body)
});
static STYLE: LazyLock<Document> = LazyLock::new(|| {
    let body = include_str!("../assets/docs.css");
    Document::new("text/css; charset=utf-8", body)
});

impl Document {
    fn new(media_type: &'static str, body: &'static str) -> Self {
        let etag = etag::of(body.as_bytes());
        Self {
            media_type,
            body,
            etag,
        }
    }

    pub fn at(path: &str) -> Option<&'static Self> {
        match path {
            "/admin/openapi.json" => Some(&OPENAPI),
            "/admin/docs" => Some(&PAGE),
            "/admin/assets/docs.css" => Some(&STYLE),
            _ => None,
        }
    }

    /// The document, or 304 where the client has it.
    pub fn reply(&self, asked: &HeaderMap) -> Reply {
        let mut reply = match etag::is_known(asked, &self.etag) {
            true => reply::empty(StatusCode::NOT_MODIFIED),
            false => reply::full(StatusCode::OK, self.media_type, self.body),
        };
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            reply.headers_mut().insert(ETAG, etag);
        }
        reply
    }
}
