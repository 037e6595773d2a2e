//! Fold: bringing segments into the states of the IPs.
//!
//! A fold that meets an error or a doubt stops and undoes nothing. The keys of its values carry its
//! number, no confirmed root names them, and cleaning deletes them. The next fold takes half as
//! much, so that some fold gets to its end.
//!
//! | file | step |
//! |---|---|
//! | here | whose turn it is; the fold number, and the order of all steps below |
//! | `commit` | the base; the root, the second look at the counter, the head |
//! | `log` | reading the log |
//! | `batch_ids` | which batches were counted already |
//! | `apply`, `states` | the index and the states |
//! | `erase` | IPs that are erased on request |
//! | `documents` | texts that admins wrote |
//! | `rollups`, `merge`, `known_paths`, `heaviest` | the sums over all IPs |
//! | `outbox` | writing, the plan first |
//! | `restore` | all values of a backup, part by part, in place of the base's |
//! | `rebuild` | all rollups anew from the states, for a store of an older layout |
//!
//! Cleaning is not part of a fold: see `clean`. It never stands between a fold and its head.

mod apply;
mod batch_ids;
mod commit;
mod documents;
mod erase;
mod heaviest;
mod known_paths;
mod log;
mod merge;
mod outbox;
mod rebuild;
mod restore;
mod rollups;
mod states;

use crate::lease::Held;
use crate::read::went_back;
use crate::stop::Stop;
use crate::stored::{Head, Lease, Pace, Replaced, Root};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// A folder leaves the store to another folder for this long, and then looks again.
const LOOK_AGAIN_MS: u64 = 50;
/// After this many halvings, the limits of a fold are one segment.
const HALVINGS_MAX: u32 = 20;

/// How a fold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Nothing was pending.
    Nothing,
    /// Another instance is folding.
    Busy,
    /// Another folder overtook this fold. It stopped and confirmed nothing.
    Lost,
    /// A new root is confirmed.
    Done,
}

/// Whether to fold.
enum Turn<'l, S, C> {
    Nothing,
    Busy,
    /// It is our turn. `head`, and the log's counter `top`, tell how much may be pending.
    Ours {
        held: Held<'l, S, C>,
        head: Head,
        top: u64,
    },
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Folds the pending segments, if nobody else folds.
    pub async fn fold(&self) -> Result<Folded, LedgerError> {
        self.fold_if(false).await
    }

    /// Folds even if nothing seems to be pending, because the head may be an old one.
    pub async fn fold_even_if_idle(&self) -> Result<Folded, LedgerError> {
        self.fold_if(true).await
    }

    /// Folds in this task. If no fold was done, waits for a moment, because another folder may be
    /// at work. This is the simplest `have_folded` for [`Self::snapshot`].
    pub async fn fold_here(&self, even_if_idle: bool) -> Result<(), LedgerError> {
        let folded = match even_if_idle {
            true => self.fold_even_if_idle().await?,
            false => self.fold().await?,
        };
        if folded != Folded::Done {
            self.clock.sleep_ms(LOOK_AGAIN_MS).await;
        }
        Ok(())
    }

    async fn fold_if(&self, even_if_idle: bool) -> Result<Folded, LedgerError> {
        let (held, head, top) = match self.turn(even_if_idle).await? {
            Turn::Nothing => return Ok(Folded::Nothing),
            Turn::Busy => return Ok(Folded::Busy),
            Turn::Ours { held, head, top } => (held, head, top),
        };
        let folded = self.fold_held(&held, head, top).await;
        // After a success and after a failure: the next folder need not wait.
        let released = held.release().await;
        match folded {
            Ok(folded) => released.map(|()| folded),
            Err(Stop::Lost) => released.map(|()| Folded::Lost),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Whose turn it is to fold.
    async fn turn(&self, even_if_idle: bool) -> Result<Turn<'_, S, C>, LedgerError> {
        let began_ms = self.clock.monotonic_ms();
        let head = self.head().await?;
        let lease = self.hint::<Lease>(keys::LEASE).await?;
        let top = self.store.increment(keys::LOG_NEXT, 0).await?;
        went_back(keys::LOG_NEXT, top, head.log)?;
        if self.is_live(lease) {
            return Ok(Turn::Busy);
        }
        let took_ms = self.clock.monotonic_ms().saturating_sub(began_ms);
        let is_folded = head.low == head.log && head.log >= top;
        if is_folded && !even_if_idle {
            return Ok(Turn::Nothing);
        }
        let held = Held::take(self, took_ms / 3).await?;
        Ok(held.map_or(Turn::Busy, |held| Turn::Ours { held, head, top }))
    }

    /// The fold itself. The order of its store calls is the protocol.
    async fn fold_held(&self, held: &Held<'_, S, C>, head: Head, top: u64) -> Result<Folded, Stop> {
        let began_ms = self.clock.monotonic_ms();
        // The number comes first, and only then the base. So each fold with a number below `k` is
        // either part of our base, or void.
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, head.k + 1)?;
        held.fold_as(k);
        let base = self.base_below(held, k, head.k).await?;
        let lost = k - base.k - 1;
        let halvings = halvings(&base, lost);
        let pending = self.read_log(held, &base, k, top, halvings).await?;
        let (segments, is_full) = (pending.segment_count(), pending.is_full);
        let nothing_to_fold = segments == 0 && pending.open == base.open;
        // If numbers were lost, a new root is written even if nothing is to be folded. Otherwise
        // the lost numbers would count against the next fold that has something to do.
        if nothing_to_fold && head.k == base.k && lost == 0 {
            return Ok(Folded::Nothing);
        }
        held.store().await?;
        let root = self.next_root(&base, &pending, k).await?;
        let mut root = self.rewrite(held, &base, root, pending).await?;
        root.replaced.push(Replaced {
            k,
            // The time now, not the time at which the fold began: until the root is confirmed,
            // queries read the replaced values.
            since_ms: self.clock.wall_ms(),
        });
        root.pace = Pace {
            halvings,
            segments,
            is_full,
            took_ms: self.clock.monotonic_ms().saturating_sub(began_ms),
        };
        self.commit(held, &root).await
    }
}

/// How often the limits of a fold are halved: once less than for the base, which was not lost, and
/// once more for each fold that was lost since the base.
fn halvings(base: &Root, lost: u64) -> u32 {
    let lost = u32::try_from(lost).unwrap_or(HALVINGS_MAX);
    let easier = base.pace.halvings.saturating_sub(1);
    easier.saturating_add(lost).min(HALVINGS_MAX)
}
