//! Cleaning: deletes values that nobody needs any more, a bounded number of keys at a time.
//!
//! Cleaning reads a confirmed root, and touches nothing that a fold waits for. So if cleaning
//! fails, folds and queries go on. One value notes how far cleaning got. It is written after the
//! deletions. If this value is lost, the deletions are done again.

use rollcall_store::value::encode;

use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{self, Change, Head, Lease, Plan, Root};
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
    /// The oldest root that a backup reads, and until when its values stay.
    backup: Option<Lease>,
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
            backup: self.backup_under_way().await?,
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
            let (next, place) = round.so_far.replaced;
            if fold.k < next {
                continue;
            }
            let mut due_ms = fold.since_ms + self.limits.keep_replaced_ms;
            if let Some(backup) = round.backup.filter(|backup| backup.owner < fold.k) {
                due_ms = due_ms.max(backup.until_ms);
            }
            if !self.is_due(round, due_ms) {
                return Ok(());
            }
            let place = if fold.k == next { place } else { 0 };
            let root = |base| (base > 0).then(|| keys::root(base));
            let place = self.clean_plan(round, fold.k, place, Change::replaced, root);
            round.so_far.replaced = next_of(fold.k, place.await?);
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
                let (next, place) = round.so_far.void;
                let place = if k == next { place } else { 0 };
                let written = |change: &Change| change.written(k);
                let root = |_| Some(keys::root(k));
                let place = self.clean_plan(round, k, place, written, root);
                round.so_far.void = next_of(k, place.await?);
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

    /// Deletes the keys that the changes of a plan name, part by part, from the last part to part 0.
    /// A part is deleted when its keys are, so that all parts before it are still there. The `root`
    /// that belongs to the fold, given its base, is deleted before part 0.
    ///
    /// `place` says where to go on: 0 is the beginning, and `n + 1` is the change `n` of the plan.
    /// Returns the place to go on at. `None`: all keys and the plan are deleted.
    async fn clean_plan(
        &self,
        round: &mut Round<'_, '_, S, C>,
        k: u64,
        place: u64,
        key: impl Fn(&Change) -> Option<String>,
        root: impl Fn(u64) -> Option<String>,
    ) -> Result<Option<u64>, Stop> {
        let size = self.limits.plan_changes.max(1) as u64;
        let noted = place.saturating_sub(1);
        let mut next = (place > 0).then(|| (noted / size, noted % size));
        loop {
            let plan = match next {
                Some((part, _)) => self.part(round, k, part).await?,
                None => None,
            };
            let (Some(plan), Some((part, mut at))) = (plan, next) else {
                // A round that stopped, or another instance, may have deleted the part.
                let Some(last) = self.last_part(round, k).await? else {
                    // Looking for a plan costs as much as deleting a key.
                    round.room = round.room.saturating_sub(1);
                    return Ok(None);
                };
                next = Some((last, 0));
                continue;
            };
            if plan.changes.len() as u64 > size {
                // An older version wrote the plan as one part.
                at = noted;
            }
            let mut left = plan.changes.iter().skip(at as usize);
            let mut keys = Vec::new();
            while keys.len() < round.room
                && let Some(change) = left.next()
            {
                at += 1;
                keys.extend(key(change));
            }
            let is_last = left.next().is_none();
            let reached = part * size + at + 1;
            self.delete(round, keys).await?;
            if !is_last {
                round.room = 0;
                return Ok(Some(reached));
            }
            if part == 0 {
                self.delete(round, root(plan.base).into_iter().collect())
                    .await?;
            }
            self.delete(round, vec![keys::plan(k, part)]).await?;
            let Some(before) = part.checked_sub(1) else {
                return Ok(None);
            };
            if round.room == 0 {
                return Ok(Some(before * size + 1));
            }
            next = Some((before, 0));
        }
    }

    async fn part(
        &self,
        round: &Round<'_, '_, S, C>,
        k: u64,
        part: u64,
    ) -> Result<Option<Plan>, Stop> {
        round.held.store().await?;
        let key = keys::plan(k, part);
        let bytes = self.store.get(&key).await?;
        Ok(bytes.map(|bytes| Plan::decode(&key, &bytes)).transpose()?)
    }

    /// The last part of a plan. All parts before it are there, and none behind it.
    async fn last_part(&self, round: &Round<'_, '_, S, C>, k: u64) -> Result<Option<u64>, Stop> {
        let is_there = async |part: u64| {
            round.held.store().await?;
            Ok::<bool, Stop>(self.store.exists(&keys::plan(k, part)).await?)
        };
        let (mut end, mut step) = (0, 1);
        while is_there(end).await? {
            end += step;
            step *= 2;
        }
        // Part `last` is there, unless no part is, and part `end` is not.
        let mut last = end - step / 2;
        while last + 1 < end {
            let middle = last + (end - last) / 2;
            match is_there(middle).await? {
                true => last = middle,
                false => end = middle,
            }
        }
        Ok(end.checked_sub(1))
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

/// Where cleaning goes on: at this place of the fold's plan, or at the next fold.
fn next_of(k: u64, place: Option<u64>) -> (u64, u64) {
    place.map_or((k + 1, 0), |place| (k, place))
}
