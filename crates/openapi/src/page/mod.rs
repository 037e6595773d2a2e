//! The document as a page: every path with its parameters, answers and examples, and every schema.
//! The page needs no script, and no other host.

mod contents;
mod curl;
mod read;
mod shape;

use askama::Template;
use serde_json::Value;

/// The page of a document, which is JSON.
///
/// # Errors
/// The page could not be written.
pub fn page(document: &Value) -> askama::Result<String> {
    read::page(document).render()
}
