//! What can go wrong with a ledger.

use rollcall_tally::{Behind, Failure};
use thiserror::Error;

use crate::store::StoreError;

#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store failed; what it did is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store answered, but too late to acknowledge. The client sends again under the same batch id.
    #[error("the store took {took_ms} ms for an append")]
    TooSlow { took_ms: u64 },
    /// The mark is an old one, and no fold put that right for as long as the query could wait.
    #[error("the newest root was not confirmed within {waited_ms} ms")]
    Behind { waited_ms: u64 },
    /// A state is not there any more: a query ran longer than replaced versions are kept.
    #[error("{key} was replaced and deleted")]
    Gone { key: String },
    /// A stored value that cannot be read. Never taken for a missing one.
    #[error("{key}: {reason}")]
    Corrupt { key: String, reason: String },
    /// A counter is behind what was written under it: the store lost its tail. Folding on would count hits twice or not at all.
    #[error("{key} went back to {value}, though {seen} was seen: the store lost its newest writes")]
    CounterWentBack { key: String, value: u64, seen: u64 },
    /// The store was filled by a Rollcall with another layout.
    #[error("{0}")]
    OtherLayout(String),
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(_) | LedgerError::TooSlow { .. } => {
                Self::Unavailable(error.to_string())
            }
            LedgerError::Behind { .. } => Self::Behind(Behind {
                batches: 0,
                lag_ms: 0,
                left_ms: None,
            }),
            LedgerError::Gone { .. } => Self::Gone,
            LedgerError::Corrupt { .. }
            | LedgerError::CounterWentBack { .. }
            | LedgerError::OtherLayout(_) => Self::Corrupt(error.to_string()),
        }
    }
}
