//! Files that are served as they were built: the style and the script of the pages, the description
//! of the API, and a page to read it.

use std::sync::OnceLock;

use http::header::ETAG;
use http::{HeaderValue, Method, StatusCode};
use rollcall_web::{Problem, Reply, etag, reply};
use spin_sdk::http::Request;

/// A file that never changes while the app runs.
pub struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
    etag: OnceLock<String>,
}

const CSS: &str = "text/css; charset=utf-8";

/// A page's style: the common part, and then its own.
macro_rules! style {
    ($path:literal) => {
        concat!(
            include_str!("../assets/common.css"),
            "\n",
            include_str!($path)
        )
    };
}

/// The script of the pages: files of one job each.
macro_rules! script {
    ($($path:literal)*) => {
        concat!("\"use strict\";\n", $("\n", include_str!($path)),*)
    };
}

/// These files need no token: they hold nothing of the traffic.
static OPEN: [Asset; 4] = [
    Asset::new(
        "/admin/assets/sign-in.css",
        CSS,
        style!("../assets/sign-in.css"),
    ),
    Asset::new(
        "/admin/assets/dashboard.css",
        CSS,
        style!("../assets/dashboard.css"),
    ),
    Asset::new("/admin/assets/docs.css", CSS, style!("../assets/docs.css")),
    Asset::new(
        "/admin/assets/dashboard.js",
        "text/javascript; charset=utf-8",
        script!(
            "../assets/dashboard/texts.js"
            "../assets/dashboard/plots.js"
            "../assets/dashboard/filters.js"
            "../assets/dashboard/menus.js"
            "../assets/dashboard/palette.js"
            "../assets/dashboard/page.js"
        ),
    ),
];

/// These files need a token that may read.
static DOCUMENTS: [Asset; 2] = [
    Asset::new(
        "/admin/openapi.json",
        "application/json",
        include_str!(concat!(env!("OUT_DIR"), "/openapi.json")),
    ),
    Asset::new(
        "/admin/docs",
        "text/html; charset=utf-8",
        include_str!(concat!(env!("OUT_DIR"), "/docs.html")),
    ),
];

pub fn open(path: &str) -> Option<&'static Asset> {
    OPEN.iter().find(|asset| asset.path == path)
}

pub fn document(path: &str) -> Option<&'static Asset> {
    DOCUMENTS.iter().find(|document| document.path == path)
}

impl Asset {
    const fn new(path: &'static str, content_type: &'static str, text: &'static str) -> Self {
        Self {
            path,
            content_type,
            text,
            etag: OnceLock::new(),
        }
    }

    /// A browser may keep the file, but asks each time if it has changed. So it gets the file of a
    /// new version at once.
    pub fn serve(&self, request: &Request) -> Result<Reply, Problem> {
        if *request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let etag = self.etag.get_or_init(|| etag::of(self.text.as_bytes()));
        let mut reply = match etag::is_known(request.headers(), etag) {
            true => reply::empty(StatusCode::NOT_MODIFIED),
            false => reply::full(StatusCode::OK, self.content_type, self.text),
        };
        if let Ok(etag) = HeaderValue::from_str(etag) {
            reply.headers_mut().insert(ETAG, etag);
        }
        Ok(reply)
    }
}
