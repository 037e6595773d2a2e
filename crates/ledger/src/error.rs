//! What can go wrong with a ledger.

use rollcall_tally::{Behind, Failure};
use thiserror::Error;

use rollcall_store::{StoreError, Unreadable};

#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store failed; what it did is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store answered, but too late to acknowledge. The client sends again under the same batch id.
    #[error("the store took {took_ms} ms for an append")]
    TooSlow { took_ms: u64 },
    /// The head is an old one, and no fold put that right for as long as the query could wait.
    #[error("the newest root was not confirmed within {waited_ms} ms")]
    Behind { waited_ms: u64 },
    /// A state is not there any more: a query ran longer than replaced versions are kept.
    #[error("{key} was replaced and deleted")]
    Gone { key: String },
    /// A stored value that is not what was written. Never taken for a missing one.
    #[error("{key}: {reason}")]
    Corrupt { key: String, reason: String },
    /// A counter is behind what was written under it: the store lost its tail. Folding on would count hits twice or not at all.
    #[error("{key} went back to {value}, though {seen} was seen: the store lost its newest writes")]
    CounterWentBack { key: String, value: u64, seen: u64 },
    /// A stored value that another version of Rollcall wrote. It is whole: nothing may be begun anew in its place.
    #[error("{key} has layout {layout}; did another version write to this store?")]
    OtherLayout { key: String, layout: u8 },
    /// The store as a whole has a layout that this version neither reads nor brings up.
    #[error("{0}")]
    OtherStore(String),
    /// The store is being brought up from an older layout; until that is done, there are no answers.
    #[error("the store is being brought up to this version's layout")]
    Upgrading,
}

impl From<Unreadable> for LedgerError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Damaged { key, reason } => Self::Corrupt { key, reason },
            Unreadable::OtherLayout { key, layout } => Self::OtherLayout { key, layout },
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(_) | LedgerError::TooSlow { .. } | LedgerError::Upgrading => {
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
            | LedgerError::OtherLayout { .. }
            | LedgerError::OtherStore(_) => Self::Corrupt(error.to_string()),
        }
    }
}
