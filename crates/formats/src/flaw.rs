//! Why one hit was refused.

use rollcall_tally::hit::Refusal;

/// Why one hit was refused, by its reader or by the later check.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    pub field: Option<&'static str>,
    pub reason: String,
}

impl Flaw {
    /// The flaw of a hit as a whole, if no field alone is at fault.
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self {
            field: None,
            reason: reason.into(),
        }
    }

    pub fn of(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            reason: reason.into(),
        }
    }
}

impl From<Refusal> for Flaw {
    fn from(refusal: Refusal) -> Self {
        Self::of(refusal.field, refusal.reason)
    }
}
