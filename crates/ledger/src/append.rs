//! Append: take numbers, then write a segment under each.
//!
//! An append makes two store calls, however many batches it has, and one more for each piece of a
//! long segment. It reads nothing, and no two writers contend for a key. A writer that was slow does
//! not acknowledge, because a fold may have given up its numbers by then.

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
        let started = (self.clock.monotonic_ms(), self.clock.wall_ms());
        let count = batches.len() as u64;
        let last = self.store.increment(keys::LOG_NEXT, count as i64).await?;
        // The stamp must not be older than the numbers: it tells others how long smaller numbers
        // have been open.
        let stamp_ms = self.clock.wall_ms();
        self.in_time(started)?;
        let first = (last + 1).saturating_sub(count);
        let segments = (first..).zip(batches).map(|(n, batch)| {
            let key = keys::log(n);
            let segment = encode(
                &key,
                &Segment::new(batch.id, stamp_ms, batch.repaired, &batch.hits),
            )?;
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
        Ok(last)
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
