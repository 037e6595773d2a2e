//! Append: take numbers, then write a segment under each. An erasure is a segment of its own, and so
//! is the change of a document.
//!
//! An append makes two store calls, however many batches it has, and one more for each piece of a
//! long segment. It reads nothing, and no two writers contend for a key. A writer that was slow does
//! not acknowledge, because a fold may have given up its numbers by then.

use std::net::IpAddr;

use rollcall_tally::{Hit, Repairs};

use rollcall_store::value::encode;

use crate::pieces::cut;
use crate::stored::{BatchId, Segment};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The hits of one request.
pub struct NewBatch {
    pub id: Option<BatchId>,
    pub hits: Vec<Hit>,
    /// What is unknown or was cut in the hits.
    pub repaired: Repairs,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Makes a batch durable, in which nothing was repaired. See [`Self::append_all`].
    pub async fn append(&self, id: Option<BatchId>, hits: Vec<Hit>) -> Result<u64, LedgerError> {
        let repaired = Repairs::default();
        self.append_all(&[NewBatch { id, hits, repaired }]).await
    }

    /// Makes batches durable, each as a segment of its own. Gives the newest number that they have
    /// in the log. Once this returns, their hits are in every later answer.
    ///
    /// After an error, the caller does not know which of them were stored. The caller may append
    /// them again under the same ids.
    pub async fn append_all(&self, batches: &[NewBatch]) -> Result<u64, LedgerError> {
        let segments = |stamp_ms| {
            let batches = batches.iter();
            batches.map(move |batch| Segment::new(batch.id, stamp_ms, batch.repaired, &batch.hits))
        };
        let (last, _) = self.write(batches.len() as u64, segments).await?;
        Ok(last)
    }

    /// Erases IPs: after the next fold, nothing is stored of their hits up to now but sums over all
    /// IPs. Gives the time up to which their hits are erased. Once this returns, later answers do
    /// not have these IPs.
    ///
    /// Fails if there are more IPs than one call may erase, or than may be remembered. After an
    /// error, the caller does not know whether they will be erased. The caller may erase them again.
    pub async fn erase(&self, ips: &[IpAddr]) -> Result<u64, LedgerError> {
        let head = self.head().await?;
        // The head may be an old one. The next fold corrects it.
        let root = self.root_at(head.k).await?;
        let root = root.ok_or(LedgerError::Behind { waited_ms: 0 })?;
        let recent = &root.erased.recent;
        let more = ips.iter().filter(|ip| !recent.contains_key(*ip)).count();
        let most = self.limits.erasures;
        if ips.len() > self.limits.erased_at_once || recent.len() + more > most {
            return Err(LedgerError::TooManyErasures);
        }
        let segment = |stamp_ms| std::iter::once(Segment::erasing(ips, stamp_ms));
        let (_, stamp_ms) = self.write(1, segment).await?;
        Ok(stamp_ms)
    }

    /// Gives a document a new text, or deletes it. Once this returns, later answers have the change.
    ///
    /// Fails if the documents would have too many bytes. After an error, the caller does not know
    /// whether the change will take effect. The caller may make it again.
    pub async fn change_document(
        &self,
        name: &str,
        text: Option<String>,
    ) -> Result<(), LedgerError> {
        let head = self.head().await?;
        // The head may be an old one. The next fold corrects it.
        let root = self.root_at(head.k).await?;
        let root = root.ok_or(LedgerError::Behind { waited_ms: 0 })?;
        let bytes = self.read_documents(&root).await?.bytes();
        let more = name.len() + text.as_ref().map_or(0, String::len);
        if text.is_some() && bytes + more > self.limits.document_bytes {
            return Err(LedgerError::TooManyDocuments);
        }
        let changes = [(name.to_owned(), text)];
        let segment = |stamp_ms| std::iter::once(Segment::changing(&changes, stamp_ms));
        self.write(1, segment).await?;
        Ok(())
    }

    /// Takes numbers, and writes a segment under each. `segments` makes them, given their stamp.
    /// Returns the newest number and the stamp.
    async fn write<'h, I: Iterator<Item = Segment<'h>>>(
        &self,
        count: u64,
        segments: impl FnOnce(u64) -> I,
    ) -> Result<(u64, u64), LedgerError> {
        let started = (self.clock.monotonic_ms(), self.clock.wall_ms());
        let last = self.store.increment(keys::LOG_NEXT, count as i64).await?;
        // The stamp must not be older than the numbers: it tells others how long smaller numbers
        // have been open.
        let stamp_ms = self.clock.wall_ms();
        self.in_time(started)?;
        let first = (last + 1).saturating_sub(count);
        let segments = (first..).zip(segments(stamp_ms)).map(|(n, segment)| {
            let key = keys::log(n);
            let segment = encode(&key, &segment)?;
            Ok((key, segment))
        });
        let segments: Vec<_> = segments.collect::<Result<_, LedgerError>>()?;
        let mut at_once = Vec::with_capacity(segments.len());
        for (key, segment) in segments {
            let mut cut = cut(key, segment, self.limits.value_bytes);
            at_once.extend(cut.values.pop());
            for (key, piece) in cut.note.into_iter().chain(cut.values) {
                self.store.set(&key, piece).await?;
                self.in_time(started)?;
            }
        }
        self.store.set_many(at_once).await?;
        self.in_time(started)?;
        Ok((last, stamp_ms))
    }

    /// Fails if the append took too long. The larger of both clocks counts: the monotonic clock may
    /// stand still while a machine sleeps, and the wall clock may be set back.
    fn in_time(&self, (monotonic_ms, wall_ms): (u64, u64)) -> Result<(), LedgerError> {
        let monotonic = self.clock.monotonic_ms().saturating_sub(monotonic_ms);
        let took_ms = monotonic.max(self.clock.wall_ms().saturating_sub(wall_ms));
        if took_ms > self.limits.ack_within_ms {
            return Err(LedgerError::TooSlow { took_ms });
        }
        Ok(())
    }
}
