//! Code that the components share: answers, problems, tokens, bodies, the head of a post of hits,
//! the sender, entity tags, the log, signatures, variables, the operator's API, calls to each other,
//! work done once for many calls, the functions of the collector, and the trailer of a whole stream.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

pub mod api;
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
pub mod sender;
pub mod signature;
pub mod trailer;
pub mod variable;

pub use problem::Problem;
pub use reply::Reply;
