//! The style and the script of the pages. Readable by anybody: they hold nothing of the traffic.

use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use rollcall_web::{Problem, Reply, reply};
use sha2::{Digest, Sha256};
use spin_sdk::http::Request;

/// A file that pages link to.
pub struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        path: "/admin/assets/sign-in.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../assets/sign-in.css"),
    },
    Asset {
        path: "/admin/assets/dashboard.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../assets/dashboard.css"),
    },
    Asset {
        path: "/admin/assets/dashboard.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../assets/dashboard.js"),
    },
];

pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

impl Asset {
    /// A browser may keep it, and asks each time whether it is still right: so a new version of the app comes with its own.
    pub fn serve(&self, request: &Request) -> Result<Reply, Problem> {
        if *request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let etag = format!("\"{:x}\"", Sha256::digest(self.text));
        let known = request.headers().get(IF_NONE_MATCH);
        let mut reply = match known.is_some_and(|known| known == etag.as_str()) {
            true => reply::empty(StatusCode::NOT_MODIFIED),
            false => reply::full(StatusCode::OK, self.content_type, self.text),
        };
        let no_cache = HeaderValue::from_static("public, no-cache");
        reply.headers_mut().insert(CACHE_CONTROL, no_cache);
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            reply.headers_mut().insert(ETAG, etag);
        }
        Ok(reply)
    }
}
