//! What the components share of HTTP: answers, problems, tokens, bodies, variables and calls to each other.

pub mod auth;
pub mod body;
pub mod call;
pub mod problem;
pub mod reply;
pub mod variable;

pub use problem::Problem;
pub use reply::Reply;
