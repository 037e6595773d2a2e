//! Append: take a number, then write a segment under it.
//!
//! An append makes two writes. It reads nothing, and no two writers contend for a key. A writer
//! that was slow does not acknowledge, because a fold may have given up its number by then.

use rollcall_tally::Hit;

use rollcall_store::value::encode;

use crate::stored::{BatchId, Segment};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Makes hits durable, and gives their number in the log. Once this returns, the hits are in
    /// every later answer.
    ///
    /// After an error, the caller does not know whether the hits were stored. The caller may append
    /// them again under the same id.
    pub async fn append(&self, id: Option<BatchId>, hits: Vec<Hit>) -> Result<u64, LedgerError> {
        let started = (self.clock.monotonic_ms(), self.clock.wall_ms());
        let n = self.store.increment(keys::LOG_NEXT, 1).await?;
        // The stamp must not be older than the number: it tells others how long smaller numbers
        // have been open.
        let stamp_ms = self.clock.wall_ms();
        self.in_time(started)?;
        let key = keys::log(n);
        let segment = encode(&key, &Segment::new(id, stamp_ms, &hits))?;
        self.store.set(&key, segment).await?;
        self.in_time(started)?;
        Ok(n)
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
