//! Paths that need no token.

use super::{OPEN, Path, get, operation};
use crate::responses::{Error, errors, response, text, with_headers};
use crate::security::Access;

pub fn healthz() -> Path {
    let about = "Whether the app runs. Asks the store nothing.";
    let operation = operation(OPEN, "healthz", "Health", about, Access::Open, Vec::new());
    let ok = response("It runs.").content("text/plain", text("ok"));
    let operation = operation.response("200", ok);
    get("/healthz", errors(operation, &[Error::NotAllowed]))
}

pub fn home() -> Path {
    let about = "Leads to the pages for people.";
    let operation = operation(OPEN, "home", "The way in", about, Access::Open, Vec::new());
    let there = with_headers(response("To `/admin/`."), &["Location"]);
    let operation = operation.response("303", there);
    get("/", errors(operation, &[Error::NotAllowed]))
}
