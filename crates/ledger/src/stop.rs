//! The reasons for which a fold stops.

use rollcall_store::{StoreError, Unreadable};

use crate::LedgerError;

/// The reason for which a fold stopped.
pub(crate) enum Stop {
    /// Another folder is ahead.
    Lost,
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        match error {
            // A value that the base names is gone: a later fold was confirmed and has cleaned up.
            LedgerError::Gone { .. } => Self::Lost,
            error => Self::Failed(error),
        }
    }
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::Failed(unreadable.into())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
