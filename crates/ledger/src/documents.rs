//! Documents: short texts that admins write, by name. The ledger does not read their texts.
//!
//! A change is a segment of the log, and a fold brings it into the value that its root names. So a
//! document is as durable as a hit, and all instances have the same documents.

use rollcall_store::value::decode;

use crate::stored::{Documents, Root};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    pub text: String,
    /// The time of its last change, by the clock of the instance that took it.
    pub changed_at_ms: u64,
}

impl Root {
    /// The key of the documents, if there are any.
    pub fn documents_key(&self) -> Option<String> {
        (self.documents > 0).then(|| keys::documents(self.documents))
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The documents of a root, sorted by name.
    pub async fn documents(&self, root: &Root) -> Result<Vec<Document>, LedgerError> {
        let stored = self.read_documents(root).await?;
        let documents = stored.0.into_iter().filter_map(|(name, of)| {
            Some(Document {
                name,
                text: of.text?,
                changed_at_ms: of.changed_at_ms,
            })
        });
        Ok(documents.collect())
    }

    pub(crate) async fn read_documents(&self, root: &Root) -> Result<Documents, LedgerError> {
        let Some(key) = root.documents_key() else {
            return Ok(Documents::default());
        };
        let bytes = self.store.get(&key).await?;
        let Some(bytes) = bytes else {
            return Err(LedgerError::Gone { key });
        };
        Ok(decode(&key, &bytes)?)
    }
}
