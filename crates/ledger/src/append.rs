//! Append: a number, then a segment under it.
//!
//! Two writes, nothing read, nothing contended. A writer that was slow does not acknowledge: by then a fold may have given its
//! number up.

use rollcall_tally::Hit;

use rollcall_store::value::encode;

use crate::stored::{BatchId, Segment};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Makes hits durable; once this returns, they are in every later answer. Tells their number in the log. On any error the
    /// caller does not know, and may append again under the same id.
    pub async fn append(&self, id: Option<BatchId>, hits: Vec<Hit>) -> Result<u64, LedgerError> {
        let started = (self.clock.monotonic_ms(), self.clock.wall_ms());
        let n = self.store.increment(keys::LOG_NEXT, 1).await?;
        // Not before the number was taken: the stamp tells others how long smaller numbers have been open.
        let stamp_ms = self.clock.wall_ms();
        self.in_time(started)?;
        let key = keys::log(n);
        let segment = encode(&key, &Segment::new(id, stamp_ms, &hits))?;
        self.store.set(&key, segment).await?;
        self.in_time(started)?;
        Ok(n)
    }

    /// By the larger of both clocks: one stands still while a machine sleeps, the other may be set back.
    fn in_time(&self, (monotonic_ms, wall_ms): (u64, u64)) -> Result<(), LedgerError> {
        let monotonic = self.clock.monotonic_ms().saturating_sub(monotonic_ms);
        let took_ms = monotonic.max(self.clock.wall_ms().saturating_sub(wall_ms));
        if took_ms > self.limits.ack_within_ms {
            return Err(LedgerError::TooSlow { took_ms });
        }
        Ok(())
    }
}
