//! The errors of shared values.

use rollcall_store::{StoreError, Unreadable};
use rollcall_tally::Failure;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum SharedError {
    /// The store failed. Whether the call took effect is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored value that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl From<SharedError> for Failure {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Store(_) => Self::Unavailable(error.to_string()),
            SharedError::Unreadable(_) => Self::Corrupt(error.to_string()),
        }
    }
}
