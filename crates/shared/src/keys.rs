//! Every key of the shared values.
//!
//! A question always has the same slot, and the number of slots is fixed. So the keys are known
//! without a list, and an expired answer can be found and deleted. Every other value has a key of
//! its own, which no question can get.

use rollcall_store::stable_hash;
use rollcall_tally::Place;

/// The place of a value in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Answer(u64),
    /// A single value, by its key.
    Note(&'static str),
}

impl Slot {
    pub const LAST_CHECK: Self = Self::Note("last-check");

    pub fn of(place: &Place, slots: u64) -> Self {
        match place {
            Place::Answer(question) => Self::Answer(stable_hash(question.as_bytes()) % slots),
            Place::Notifications => Self::Note("notifications"),
            Place::LastCheck => Self::LAST_CHECK,
            Place::LastFanOut => Self::Note("last-fan-out"),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Answer(slot) => slot.to_string(),
            Self::Note(key) => key.to_owned(),
        }
    }

    /// The key of the kept value.
    pub fn value(self) -> String {
        match self {
            Self::Answer(slot) => format!("answer:{slot}"),
            Self::Note(key) => key.to_owned(),
        }
    }

    /// The key of the claim. It says until when somebody makes the successor. A hint.
    pub fn claim(self) -> String {
        format!("claim:{}", self.name())
    }

    /// Counter: how many instances wanted to make the successor of a generation.
    pub fn claims(self, generation: u64) -> String {
        format!("claims:{}:{generation}", self.name())
    }
}

/// Until when the window of a token lasts.
pub fn rate(token: usize) -> String {
    format!("rate:{token}")
}

/// Counter: the hits of a token in its window.
pub fn rate_hits(token: usize) -> String {
    format!("rate-hits:{token}")
}

/// Counter: how often something happened.
pub fn count(name: &str) -> String {
    format!("count:{name}")
}
