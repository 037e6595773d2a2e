//! Changes of documents.

use rollcall_store::value::encode;

use super::outbox::Outbox;
use crate::stop::Stop;
use crate::stored::{Change, DocumentChange, Root, Versioned};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Writes the documents anew if some changed. Needs the stamps that this fold saw.
    pub(super) async fn write_documents(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        root: &mut Root,
        changes: Vec<(DocumentChange, u64, u64)>,
    ) -> Result<(), Stop> {
        if changes.is_empty() {
            return Ok(());
        }
        outbox.held().store().await?;
        let read = self.read_documents(root).await;
        let mut documents = read.map_err(|error| match error {
            LedgerError::Gone { .. } => Stop::Lost,
            error => error.into(),
        })?;
        for (change, log, stamp_ms) in changes {
            documents.change(change, log, stamp_ms);
        }
        // As long as an erasure is remembered, a change may come that is older than the deletion.
        let newest_ms = root.erased.newest_ms;
        documents.forget(newest_ms.saturating_sub(self.limits.erased_kept_ms));
        outbox.plan([Change {
            of: Versioned::Documents,
            is_written: true,
            before: root.documents,
        }]);
        let key = keys::documents(root.k);
        let value = encode(&key, &documents)?;
        root.documents = root.k;
        outbox.put(key, value).await
    }
}
