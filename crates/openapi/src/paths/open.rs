//! Paths that need no token.

use super::group::OPEN;
use super::path::{Path, get, operation};
use crate::responses::{Error, errors, response, text, with_headers};
use crate::security::Access;

pub fn healthz() -> Path {
    let about = "Says whether the app runs. It does not ask the store.";
    let operation = operation(OPEN, "healthz", "Health", about, Access::Open, Vec::new());
    let ok = response("The app runs.").content("text/plain", text("ok"));
    let operation = operation.response("200", ok);
    get("/healthz", errors(operation, &[Error::NotAllowed]))
}

pub fn home() -> Path {
    let about = "Redirects to the pages for people.";
    let operation = operation(OPEN, "home", "Home", about, Access::Open, Vec::new());
    let there = with_headers(response("To `/admin/`."), &["Location"]);
    let operation = operation.response("303", there);
    get("/", errors(operation, &[Error::NotAllowed]))
}
