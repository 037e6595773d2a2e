//! Fold: bringing segments into the states of the IPs.
//!
//! A fold that meets an error or a doubt stops where it is and undoes nothing: what it wrote carries its number in its name, is in
//! no confirmed root, and is deleted by cleaning. The one after it takes half as much, so that one of them gets to its end.
//!
//! | file | step |
//! |---|---|
//! | here | whose turn it is; the fold number, and the order of everything below |
//! | `commit` | the base; the root, the second look at the number, the head |
//! | `log` | reading the log |
//! | `batch_ids` | which batches were counted already |
//! | `apply` | the index and the states |
//! | `rollups`, `merge`, `known_paths`, `heaviest` | the sums over all IPs |
//! | `outbox` | writing, the plan first |
//! | `rebuild` | all rollups anew, of the states: for a store of an older layout |
//!
//! Cleaning is apart, in `clean`: it never stands between a fold and its head.

mod apply;
mod batch_ids;
mod commit;
mod heaviest;
mod known_paths;
mod log;
mod merge;
mod outbox;
mod rebuild;
mod rollups;

use crate::lease::Held;
use crate::read::went_back;
use crate::stop::Stop;
use crate::stored::{Head, Lease, Pace, Replaced, Root};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// How long to leave the store to another folder before looking again.
const LOOK_AGAIN_MS: u64 = 50;
/// Halved so often, the limits of a fold are one segment.
const HALVINGS_MAX: u32 = 20;

/// What became of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Nothing was pending.
    Nothing,
    /// Somebody else is folding.
    Busy,
    /// Overtaken by another folder; it stopped and confirmed nothing.
    Lost,
    /// A new root is confirmed.
    Done,
}

/// Whether to fold.
enum Turn<'l, S, C> {
    Nothing,
    Busy,
    /// What there is to fold, as far as the log's counter and the head tell.
    Ours {
        held: Held<'l, S, C>,
        head: Head,
        top: u64,
    },
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Folds what is pending, if nobody else does.
    pub async fn fold(&self) -> Result<Folded, LedgerError> {
        self.fold_if(false).await
    }

    /// Folds even where nothing seems to be pending: the head may be an old one.
    pub async fn fold_even_if_idle(&self) -> Result<Folded, LedgerError> {
        self.fold_if(true).await
    }

    /// Folds in this very task, or leaves it for a moment to whoever does: the simplest that [`Self::snapshot`] can have done.
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
        // Whatever became of it: the next one need not wait.
        let released = held.release().await;
        match folded {
            Ok(folded) => released.map(|()| folded),
            Err(Stop::Lost) => released.map(|()| Folded::Lost),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Whose turn it is.
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
        // The number first, and only then the base: every base below is either what we build on or void.
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, head.k + 1)?;
        held.fold_as(k);
        let base = self.base_below(held, k, head.k).await?;
        let lost = k - base.k - 1;
        let halvings = halvings(&base, lost);
        let pending = self.read_log(held, &base, k, top, halvings).await?;
        let (segments, is_full) = (pending.segment_count(), pending.is_full);
        let nothing_to_fold = segments == 0 && pending.open == base.open;
        // A new root even so, where numbers were lost: or they would count against the next fold that has something to do.
        if nothing_to_fold && head.k == base.k && lost == 0 {
            return Ok(Folded::Nothing);
        }
        held.store().await?;
        let root = self.next_root(&base, &pending, k).await?;
        let mut root = self.rewrite(held, &base, root, pending).await?;
        root.replaced.push(Replaced {
            k,
            // Now, and not when it began: queries read what it replaced until it is confirmed.
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

/// How often the limits of a fold are halved: once more for each that was lost since its base, once less for each that was not.
fn halvings(base: &Root, lost: u64) -> u32 {
    let lost = u32::try_from(lost).unwrap_or(HALVINGS_MAX);
    let easier = base.pace.halvings.saturating_sub(1);
    easier.saturating_add(lost).min(HALVINGS_MAX)
}
