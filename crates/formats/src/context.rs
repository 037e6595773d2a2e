//! How hits are read.

use std::net::IpAddr;

use super::map::FieldMap;
use rollcall_tally::hit::Rules;

/// When hits are read, and by which rules of the operator.
#[derive(Clone, Copy, Debug)]
pub struct Context<'r> {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    pub rules: &'r Rules,
    /// Where the fields of [`Format::Mapped`](crate::Format::Mapped) come from.
    pub map: Option<&'r FieldMap>,
    /// The client that sent the body. A JSON hit without an address is its own.
    pub sender: Option<IpAddr>,
}

/// A time alone: there are no rules.
impl From<u64> for Context<'static> {
    fn from(now_ms: u64) -> Self {
        static NONE: Rules = Rules::NONE;
        Self {
            now_ms,
            rules: &NONE,
            map: None,
            sender: None,
        }
    }
}
