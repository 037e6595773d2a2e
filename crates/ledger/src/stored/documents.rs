//! `documents:{k}`: the texts that admins wrote, and the changes of them that a segment has.

use std::collections::BTreeMap;

use rollcall_store::Stored;
use serde::{Deserialize, Serialize};

/// All documents, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Documents(pub BTreeMap<String, Document>);

/// A document, or what is remembered of one that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// The number of its last change in the log.
    pub log: u64,
    /// The stamp of that change.
    pub changed_at_ms: u64,
    /// None: it was deleted. An older change may still come.
    pub text: Option<String>,
}

/// The change of one document: its name, and its new text. None: it is deleted.
pub(crate) type DocumentChange = (String, Option<String>);

impl Stored for Documents {
    const SINCE: u8 = 11;
}

impl Documents {
    /// Takes a change. A change that is older than the last one has no effect.
    pub fn change(&mut self, (name, text): DocumentChange, log: u64, stamp_ms: u64) {
        let last = self.0.get(&name).map_or(0, |document| document.log);
        if log > last {
            let changed_at_ms = stamp_ms;
            let document = Document {
                log,
                changed_at_ms,
                text,
            };
            self.0.insert(name, document);
        }
    }

    /// Forgets documents that were deleted before this time.
    pub fn forget(&mut self, before_ms: u64) {
        let is_kept = |of: &Document| of.text.is_some() || of.changed_at_ms >= before_ms;
        self.0.retain(|_, document| is_kept(document));
    }

    /// The bytes of all names and texts.
    pub fn bytes(&self) -> usize {
        let each = self.0.iter();
        each.map(|(name, of)| name.len() + of.text.as_ref().map_or(0, String::len))
            .sum()
    }
}
