//! The description of the HTTP API: an OpenAPI 3.1 document, and a page to read it.
//!
//! The document is made from the code of the components when the router is built. The schemas come
//! from the types that are sent. Requests are read with the same names, ranges and defaults. The
//! examples are values of these types. This crate is pure: it has no I/O. The pages for people
//! under `/admin/` are not in the document, but signing in is.
//!
//! To add a path, add a function to the file of its group under [`paths`], and a line to
//! [`paths::every`].

mod bodies;
mod examples;
mod hit;
#[allow(clippy::indexing_slicing, reason = "what JSON does not have is null")]
mod page;
mod parameters;
mod paths;
mod refs;
mod responses;
mod schemas;
mod security;
mod shapes;
mod webhooks;

pub use page::page;

use serde_json::Value;
use utoipa::openapi::{Info, License, OpenApi, OpenApiBuilder, Server};

const DESCRIPTION: &str = "\
Records the hits that API gateways saw, each under the IP that called, and answers across all IPs.

Times are RFC 3339 in UTC. Response times are in milliseconds. Rates are 0 to 1, percentages are 0 \
to 100. If a parameter is unknown, given twice or out of its range, the answer is a 400 that names \
all such parameters. Errors are `application/problem+json` (RFC 9457). With a right token, a path \
that is not here is answered with 404, and a method that the path does not take with 405. The pages \
under `/admin/` are for people with a browser, and only signing in to them is described.

Every answer has `Content-Security-Policy`, `X-Content-Type-Options`, `X-Frame-Options`, \
`Referrer-Policy`, `Cross-Origin-Opener-Policy`, `Cross-Origin-Resource-Policy`, \
`Permissions-Policy` and `Cache-Control`. Over HTTPS it also has `Strict-Transport-Security`.";

/// The whole document, as JSON.
///
/// # Errors
/// None is known.
pub fn document() -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(openapi())?;
    if let Some(parts) = document.as_object_mut() {
        parts.insert("webhooks".to_owned(), webhooks::every()?);
    }
    Ok(document)
}

fn openapi() -> OpenApi {
    let license = License::builder()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let info = Info::builder()
        .title("Rollcall")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .json_schema_dialect(Some("https://spec.openapis.org/oas/3.1/dialect/base"))
        .servers(Some([Server::new("/")]))
        .tags(Some(paths::groups()))
        .paths(paths::every())
        .components(Some(schemas::components()))
        .build()
}

#[cfg(test)]
mod tests;
