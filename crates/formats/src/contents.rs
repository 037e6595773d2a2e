//! The hits of a body, and the refused ones.

use super::context::Context;
use super::flaw::Flaw;
use rollcall_tally::Rejection;
use rollcall_tally::hit::{Hit, RawHit, Repairs};

/// The most hits in one request, including refused ones. A request with more is refused as a whole.
/// The limit bounds the size of a segment. A client that exceeds it must send smaller batches.
pub const HITS_MAX: usize = 100_000;
/// The most refused hits that an answer describes. Further ones are only counted. So an answer
/// stays small for any request.
pub const REJECTIONS_SHOWN: usize = 10;

/// The contents of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    /// In the order of the body. It is empty if all hits were refused, or if the body was an empty
    /// array.
    pub hits: Vec<Hit>,
    pub rejected_count: u64,
    /// The first [`REJECTIONS_SHOWN`].
    pub rejections: Vec<Rejection>,
    /// What is unknown or was cut in the hits.
    pub repaired: Repairs,
    /// Hits that do not count, by the rules.
    pub excluded: u64,
}

/// Why a body as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    #[error("the body is empty")]
    Empty,
    #[error("the body is not JSON: {reason} at line {line}, column {column}")]
    NotJson {
        line: usize,
        column: usize,
        reason: String,
    },
    #[error("expected an object or an array of objects")]
    NotHits,
    #[error("the variable field_map is empty, so the format `mapped` says nothing")]
    NoMap,
    #[error("more than {HITS_MAX} hits in one request")]
    TooManyHits,
}

impl Intake {
    pub(super) fn take(
        &mut self,
        number: u64,
        raw: Result<RawHit, Flaw>,
        context: Context<'_>,
    ) -> Result<(), IntakeError> {
        if self.hits.len() as u64 + self.rejected_count + self.excluded == HITS_MAX as u64 {
            return Err(IntakeError::TooManyHits);
        }
        let Context { now_ms, rules, .. } = context;
        let checked = raw.and_then(|raw| {
            let hit = raw.check(now_ms, rules, &mut self.repaired);
            hit.map_err(Flaw::from)
        });
        match checked {
            Ok(Some(hit)) => self.hits.push(hit),
            Ok(None) => self.excluded += 1,
            Err(flaw) => self.reject(number, flaw),
        }
        Ok(())
    }

    fn reject(&mut self, number: u64, flaw: Flaw) {
        self.rejected_count += 1;
        if self.rejections.len() < REJECTIONS_SHOWN {
            self.rejections.push(Rejection {
                number,
                field: flaw.field.map(str::to_owned),
                reason: flaw.reason,
            });
        }
    }
}
