//! The stored types. If a type here changes, the stored bytes change: `tests/layouts` has these
//! bytes.

use rollcall_store::{LAYOUT, Stored};
use rollcall_tally::{Kept, Place};
use serde::{Deserialize, Serialize};

/// `answer:{slot}`. Also any other value: its question is empty.
#[derive(Debug, Serialize, Deserialize)]
pub struct Value {
    question: String,
    body: Vec<u8>,
    pub computed_at_ms: u64,
    ttl_ms: u64,
}

impl Stored for Value {
    const SINCE: u8 = 4;
}

/// `claim:{slot}`, and `rate:{token}`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Claim {
    pub until_ms: u64,
}

impl Stored for Claim {
    const SINCE: u8 = 4;
}

/// The oldest layout whose answers are given. Answers of an older layout may have another shape.
pub const ANSWERS_SINCE: u8 = LAYOUT;

impl Value {
    pub fn of(kept: &Kept) -> Self {
        Self {
            question: question_of(&kept.place).to_owned(),
            body: kept.body.clone(),
            computed_at_ms: kept.computed_at_ms,
            ttl_ms: kept.ttl_ms,
        }
    }

    /// Whether the value belongs to this place. Another question may have the same slot.
    pub fn is_of(&self, place: &Place) -> bool {
        self.question == question_of(place)
    }

    pub fn into_kept(self, place: Place) -> Kept {
        Kept {
            place,
            body: self.body,
            computed_at_ms: self.computed_at_ms,
            ttl_ms: self.ttl_ms,
        }
    }
}

fn question_of(place: &Place) -> &str {
    match place {
        Place::Answer(question) => question,
        Place::Notifications | Place::LastCheck | Place::LastFanOut => "",
    }
}

#[cfg(test)]
mod tests {
    use rollcall_store::testing::{Kind, check_layout};

    use super::*;

    #[test]
    fn stored_bytes_are_those_of_the_layout() {
        let value = |question: &str| Value {
            question: question.to_owned(),
            body: b"{}".to_vec(),
            computed_at_ms: 1_800_000_000_000,
            ttl_ms: 60_000,
        };
        let kinds = [
            Kind::new("answer:0", value("top-paths?limit=10")),
            Kind::new("notifications", value("")),
            Kind::new("claim:0", Claim { until_ms: 7 }),
        ];
        check_layout(env!("CARGO_MANIFEST_DIR"), kinds.into());
    }
}
