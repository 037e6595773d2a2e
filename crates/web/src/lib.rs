//! What the components share of HTTP: answers, problems, tokens, bodies, the head of a post of hits, entity tags, the log, signatures, variables, calls to each other, work done later, the functions of the collector, and streams of which nothing may be missing.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

pub mod auth;
pub mod body;
pub mod call;
pub mod collector;
pub mod etag;
pub mod hits_head;
pub mod later;
pub mod log;
pub mod problem;
pub mod reply;
pub mod signature;
pub mod trailer;
pub mod variable;

pub use problem::Problem;
pub use reply::Reply;
