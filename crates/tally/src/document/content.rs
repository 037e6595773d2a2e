//! What all kinds of documents have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::question::BadParameter;

/// The content of a document.
pub trait Content: Serialize + DeserializeOwned {
    /// Checks each field, and brings it into its one spelling.
    fn check(&mut self) -> Result<(), Vec<BadParameter>>;
}

pub(super) fn bad(name: &str, reason: impl Into<String>) -> BadParameter {
    BadParameter {
        name: name.to_owned(),
        reason: reason.into(),
    }
}
