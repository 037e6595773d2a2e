//! The WIT's interface `reports` in Rust: the shapes of all reports, including those in the files
//! of their questions.

pub use crate::question::reports::*;
pub use crate::report::*;
