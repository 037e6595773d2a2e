//! The groups of paths, by the needs of their clients.

use utoipa::openapi::tag::{Tag, TagBuilder};

pub const RECORD: &str = "Record";
pub const ASK: &str = "Ask";
pub const OPERATE: &str = "Operate";
pub const SETTINGS: &str = "Names and rules";
pub const SIGN_IN: &str = "Sign in";
pub const OPEN: &str = "Open to all";

pub fn groups() -> [Tag; 6] {
    let group = |name: &str, about: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    };
    [
        group(
            RECORD,
            "Hits of gateways. A hit that was acknowledged is durable, and is in every later \
             answer.",
        ),
        group(
            ASK,
            "Questions about all IPs. Answers are kept for a few minutes and given again. Each \
             answer says up to when it counts (`asOf`). `Cache-Control: no-cache` in the request \
             computes it anew.",
        ),
        group(
            OPERATE,
            "The state of the system, and tasks for a schedule.",
        ),
        group(
            SETTINGS,
            "Labels of callers, notes on charts, saved views, and rules of alerts. They are in the \
             store, and all instances share them.",
        ),
        group(SIGN_IN, "Sessions of people who use a browser."),
        group(OPEN, "Paths that need no token."),
    ]
}
