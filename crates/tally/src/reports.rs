//! The WIT's interface `reports` in Rust: the shapes of all reports, also of those that stand beside their question.

pub use crate::question::reports::*;
pub use crate::report::*;
