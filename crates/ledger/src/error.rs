//! The errors of a ledger.

use rollcall_tally::{Behind, Failure};
use thiserror::Error;

use rollcall_store::{StoreError, Unreadable};

#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store failed. Whether the call took effect is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store answered, but too late to acknowledge. The client sends again under the same batch
    /// id.
    #[error("the store took {took_ms} ms for an append")]
    TooSlow { took_ms: u64 },
    /// More IPs than one request may erase, or more than may be remembered.
    #[error("too many IPs were erased in the last hour; erase this one later")]
    TooManyErasures,
    /// The documents would have more bytes than they may.
    #[error("the labels, notes, views and rules are too many or too long; delete some first")]
    TooManyDocuments,
    /// The store cannot be restored as asked for. Nothing was restored.
    #[error("{0}")]
    NotRestored(String),
    /// A fold or another restore is under way.
    #[error("the store is being folded; try again in a few seconds")]
    Folding,
    /// The head is an old one, and no fold corrected it for as long as the query could wait.
    #[error("the newest root was not confirmed within {waited_ms} ms")]
    Behind { waited_ms: u64 },
    /// A value is not there any more: the query ran longer than replaced versions are kept.
    #[error("{key} was replaced and deleted")]
    Gone { key: String },
    /// The bytes of a stored value are not those that were written. A damaged value is never taken
    /// for a missing one.
    #[error("{key}: {reason}")]
    Corrupt { key: String, reason: String },
    /// A counter is behind a value that was written under it: the store lost its newest writes.
    /// Further folds would count hits twice or not at all.
    #[error("{key} went back to {value}, though {seen} was seen: the store lost its newest writes")]
    CounterWentBack { key: String, value: u64, seen: u64 },
    /// Another version of Rollcall wrote the stored value. The value is whole, so nothing new may
    /// begin in its place.
    #[error("{key} has layout {layout}; did another version write to this store?")]
    OtherLayout { key: String, layout: u8 },
    /// The whole store has a layout that this version can neither read nor upgrade.
    #[error("{0}")]
    OtherStore(String),
    /// The store is being upgraded from an older layout. Until that is done, there are no answers.
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
            LedgerError::Store(_)
            | LedgerError::TooSlow { .. }
            | LedgerError::Folding
            | LedgerError::Upgrading => Self::Unavailable(error.to_string()),
            LedgerError::NotRestored(reason) => Self::Invalid(reason),
            LedgerError::Behind { .. } => Self::Behind(Behind {
                batches: 0,
                lag_ms: 0,
                left_ms: None,
            }),
            LedgerError::TooManyErasures | LedgerError::TooManyDocuments => {
                Self::TooMany(error.to_string())
            }
            LedgerError::Gone { .. } => Self::Gone,
            LedgerError::Corrupt { .. }
            | LedgerError::CounterWentBack { .. }
            | LedgerError::OtherLayout { .. }
            | LedgerError::OtherStore(_) => Self::Corrupt(error.to_string()),
        }
    }
}
