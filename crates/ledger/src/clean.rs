//! Cleaning: deletes values that nobody needs any more, a bounded number of keys at a time.
//!
//! Cleaning reads a confirmed root, and touches nothing that a fold waits for. So if cleaning
//! fails, folds and queries go on. One value notes how far cleaning got. It is written after the
//! deletions. If this value is lost, the deletions are done again.

use rollcall_store::value::encode;

use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{self, Head, Lease, Plan, Root};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// Nothing will become due.
const NEVER_MS: u64 = u64::MAX;

/// How a round of cleaning ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// Nothing is due now. The next key is due at `due_ms`, by the wall clock.
    Nothing { due_ms: Option<u64> },
    /// Another instance is folding or cleaning.
    Busy,
    /// The round deleted as many keys as it may. More keys are due.
    Some,
}

/// A round under way.
struct Round<'r, 'l, S, C> {
    held: &'r Held<'l, S, C>,
    root: &'r Root,
    so_far: stored::Cleaned,
    /// Keys that the round may still delete.
    room: usize,
    /// The time at which the next key is due.
    due_ms: u64,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Does one round, if something is due and nobody else folds or cleans.
    pub async fn clean(&self) -> Result<Cleaned, LedgerError> {
        let began_ms = self.clock.monotonic_ms();
        let head = self.head().await?;
        let so_far = self.cleaned().await?;
        let (of, due_ms) = so_far.settled;
        if of == head.k && self.clock.wall_ms() < due_ms {
            return Ok(nothing_until(due_ms));
        }
        let lease = self.hint::<Lease>(keys::LEASE).await?;
        if self.is_live(lease) {
            return Ok(Cleaned::Busy);
        }
        let took_ms = self.clock.monotonic_ms().saturating_sub(began_ms);
        let Some(held) = Held::take(self, took_ms / 3).await? else {
            return Ok(Cleaned::Busy);
        };
        let cleaned = self.clean_held(&held, head, so_far).await;
        let released = held.release().await;
        match cleaned {
            Ok(cleaned) => released.map(|()| cleaned),
            Err(Stop::Lost) => released.map(|()| Cleaned::Busy),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Promises to clean at `due_ms`, because by then nobody may ask and nothing may be recorded.
    /// False: another instance has promised it already.
    ///
    /// This only saves work: if two instances promise it, they share the work.
    pub async fn undertake_cleaning(&self, due_ms: u64) -> Result<bool, LedgerError> {
        let known = self.hint::<Lease>(keys::CLEANER).await?;
        let longest_ms = self.limits.keep_replaced_ms.max(self.limits.clean_after_ms);
        if self.ends_within(known, longest_ms) {
            return Ok(false);
        }
        let ours = Lease {
            owner: self.clock.unique(),
            until_ms: due_ms,
        };
        let value = encode(keys::CLEANER, &ours)?;
        self.store.set(keys::CLEANER, value).await?;
        Ok(self.hint(keys::CLEANER).await? == Some(ours))
    }

    /// Counts the folds, up to this root, that still have something to delete, due or not. Lost
    /// folds count, too.
    pub async fn uncleaned(&self, root: &Root) -> Result<u64, LedgerError> {
        let so_far = self.cleaned().await?;
        let replaced = root
            .replaced
            .iter()
            .filter(|fold| fold.k >= so_far.replaced.0);
        let void = root.void.iter().map(|void| {
            let first = void.first.max(so_far.void.0);
            (void.last + 1).saturating_sub(first)
        });
        Ok(replaced.count() as u64 + void.sum::<u64>())
    }

    async fn clean_held(
        &self,
        held: &Held<'_, S, C>,
        head: Head,
        so_far: stored::Cleaned,
    ) -> Result<Cleaned, Stop> {
        held.store().await?;
        // The head is an old one that was written late. The next fold corrects it.
        let Some(root) = self.root_at(head.k).await? else {
            return Ok(nothing_until(NEVER_MS));
        };
        let mut round = Round {
            held,
            root: &root,
            so_far,
            room: self.limits.clean_keys.max(1),
            due_ms: NEVER_MS,
        };
        self.clean_log(&mut round, head.low).await?;
        self.clean_replaced(&mut round).await?;
        self.clean_void(&mut round).await?;
        let is_done = round.room > 0;
        if is_done {
            round.so_far.settled = (root.k, round.due_ms);
        }
        let value = encode(keys::CLEANED, &round.so_far)?;
        held.store().await?.set(keys::CLEANED, value).await?;
        Ok(match is_done {
            true => nothing_until(round.due_ms),
            false => Cleaned::Some,
        })
    }

    /// Deletes the log up to `low`: nobody looks at these numbers again.
    async fn clean_log(&self, round: &mut Round<'_, '_, S, C>, low: u64) -> Result<(), Stop> {
        let first = round.so_far.log + 1;
        let last = low.min(round.so_far.log + round.room as u64);
        let numbers = (first..=last).map(keys::log);
        self.delete(round, numbers.collect()).await?;
        round.so_far.log = round.so_far.log.max(last);
        Ok(())
    }

    /// Deletes the values that confirmed folds replaced, once no query can read them any more.
    async fn clean_replaced(&self, round: &mut Round<'_, '_, S, C>) -> Result<(), Stop> {
        for fold in &round.root.replaced {
            let (next, done) = round.so_far.replaced;
            if fold.k < next {
                continue;
            }
            let due_ms = fold.since_ms + self.limits.keep_replaced_ms;
            if !self.is_due(round, due_ms) {
                return Ok(());
            }
            let done = if fold.k == next { done } else { 0 };
            let done = self.clean_plan(round, fold.k, done, |plan| plan.replaced().collect());
            round.so_far.replaced = next_of(fold.k, done.await?);
        }
        Ok(())
    }

    /// Deletes the values of void folds, once none of their writes can be in flight any more.
    async fn clean_void(&self, round: &mut Round<'_, '_, S, C>) -> Result<(), Stop> {
        for void in &round.root.void {
            let due_ms = void.since_ms + self.limits.clean_after_ms;
            for k in void.first.max(round.so_far.void.0)..=void.last {
                if !self.is_due(round, due_ms) {
                    return Ok(());
                }
                let (next, done) = round.so_far.void;
                let done = if k == next { done } else { 0 };
                let done = self.clean_plan(round, k, done, |plan| plan.written(k).collect());
                round.so_far.void = next_of(k, done.await?);
            }
        }
        Ok(())
    }

    /// Whether it is time, and the round has room.
    fn is_due(&self, round: &mut Round<'_, '_, S, C>, due_ms: u64) -> bool {
        if self.clock.wall_ms() < due_ms {
            round.due_ms = round.due_ms.min(due_ms);
            return false;
        }
        round.room > 0
    }

    /// Deletes the keys that a plan names, except the first `done`, and then the plan. Returns how
    /// many keys are deleted by now. `None`: all, and the plan.
    async fn clean_plan(
        &self,
        round: &mut Round<'_, '_, S, C>,
        k: u64,
        done: u64,
        named: impl FnOnce(&Plan) -> Vec<String>,
    ) -> Result<Option<u64>, Stop> {
        round.held.store().await?;
        let key = keys::plan(k);
        let Some(plan) = self.get::<Plan>(&key).await? else {
            // Looking for a plan costs as much as deleting a key.
            round.room -= 1;
            return Ok(None);
        };
        let mut left = named(&plan);
        left.drain(..left.len().min(done as usize));
        let is_last = left.len() <= round.room;
        left.truncate(round.room);
        let deleted = left.len() as u64;
        self.delete(round, left).await?;
        if !is_last {
            round.room = 0;
            return Ok(Some(done + deleted));
        }
        round.held.store().await?.delete(&key).await?;
        round.room = round.room.saturating_sub(1);
        Ok(None)
    }

    async fn delete(
        &self,
        round: &mut Round<'_, '_, S, C>,
        wanted: Vec<String>,
    ) -> Result<(), Stop> {
        for chunk in wanted.chunks(self.limits.delete_chunk) {
            round.held.store().await?.delete_many(chunk).await?;
        }
        round.room = round.room.saturating_sub(wanted.len());
        Ok(())
    }
}

fn nothing_until(due_ms: u64) -> Cleaned {
    Cleaned::Nothing {
        due_ms: (due_ms < NEVER_MS).then_some(due_ms),
    }
}

/// Where cleaning goes on: at the first key of this fold that is not deleted yet, or at the next
/// fold.
fn next_of(k: u64, done: Option<u64>) -> (u64, u64) {
    done.map_or((k + 1, 0), |done| (k, done))
}
