//! The ids of the batches that were counted, so that no batch is counted again.
//!
//! Ids are kept in chunks in the order of folding, so that a fold rewrites only the last chunk. Ids
//! are forgotten by the stamps of the batches, never by a folder's clock. So if a batch waits in
//! the log for long, its id is still known when the batch is folded.

use std::collections::HashSet;

use rollcall_store::value::decode;

use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{BatchId, Change, IdChunk, IdList, Versioned};
use crate::{Clock, Ledger, Store, keys};

/// The known ids while a fold works on them.
pub(crate) struct BatchIds {
    known: HashSet<BatchId>,
    chunks: Vec<IdChunk>,
    /// The ids of the last chunk, if this fold rewrites that chunk.
    last: Vec<BatchId>,
    /// Chunks to write, full ones first.
    written: Vec<(u64, Vec<BatchId>)>,
    changes: Vec<Change>,
}

/// The chunks of ids that a fold has to write.
pub(crate) struct IdsWritten {
    pub chunks: Vec<IdChunk>,
    pub values: Vec<(u64, IdList)>,
    pub changes: Vec<Change>,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    pub(crate) async fn read_ids(
        &self,
        held: &Held<'_, S, C>,
        chunks: &[IdChunk],
    ) -> Result<BatchIds, Stop> {
        let mut ids = BatchIds {
            known: HashSet::new(),
            chunks: chunks.to_vec(),
            last: Vec::new(),
            written: Vec::new(),
            changes: Vec::new(),
        };
        let keys: Vec<String> = chunks
            .iter()
            .map(|chunk| keys::ids(chunk.number, chunk.version))
            .collect();
        for keys in keys.chunks(self.limits.chunk) {
            held.store().await?;
            for (key, bytes) in keys.iter().zip(self.get_all(keys).await?) {
                ids.last = decode::<IdList>(key, &bytes)?.0;
                ids.known.extend(ids.last.iter().copied());
            }
        }
        Ok(ids)
    }
}

impl BatchIds {
    /// Remembers an id. False: the id was known already.
    pub fn insert(&mut self, id: BatchId, stamp_ms: u64, k: u64, per_chunk: usize) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        let full = self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.count as usize >= per_chunk);
        if full {
            self.start_chunk(k);
        }
        if let Some(chunk) = self.chunks.last_mut() {
            if chunk.version != k {
                let before = chunk.version;
                self.changes.push(change(chunk.number, true, before));
                chunk.version = k;
            }
            chunk.count += 1;
            chunk.newest_ms = chunk.newest_ms.max(stamp_ms);
        }
        self.last.push(id);
        true
    }

    fn start_chunk(&mut self, k: u64) {
        let number = self.chunks.last().map_or(0, |chunk| chunk.number + 1);
        self.keep_last(k);
        self.changes.push(change(number, true, 0));
        self.chunks.push(IdChunk {
            number,
            version: k,
            count: 0,
            newest_ms: 0,
        });
    }

    /// Adds the last chunk to the chunks to write, if this fold changed it.
    fn keep_last(&mut self, k: u64) {
        let ids = std::mem::take(&mut self.last);
        if let Some(chunk) = self.chunks.last().filter(|chunk| chunk.version == k) {
            self.written.push((chunk.number, ids));
        }
    }

    fn newest_ms(&self) -> u64 {
        let stamps = self.chunks.iter().map(|chunk| chunk.newest_ms);
        stamps.max().unwrap_or(0)
    }

    /// Forgets a chunk if its newest stamp is more than `kept_ms` older than the newest stamp of
    /// all, and at least `kept` ids are left without it.
    pub fn finish(mut self, k: u64, kept_ms: u64, kept: usize) -> IdsWritten {
        self.keep_last(k);
        let newest_ms = self.newest_ms();
        let mut left: u64 = self.chunks.iter().map(|chunk| chunk.count).sum();
        while let Some(oldest) = self.chunks.first().copied() {
            left -= oldest.count;
            if oldest.version == k || oldest.newest_ms + kept_ms >= newest_ms || left < kept as u64
            {
                break;
            }
            let change = change(oldest.number, false, oldest.version);
            self.changes.push(change);
            self.chunks.remove(0);
        }
        IdsWritten {
            chunks: self.chunks,
            values: self
                .written
                .into_iter()
                .map(|(chunk, ids)| (chunk, IdList(ids)))
                .collect(),
            changes: self.changes,
        }
    }
}

fn change(chunk: u64, is_written: bool, before: u64) -> Change {
    Change {
        of: Versioned::Ids(chunk),
        is_written,
        before,
    }
}
