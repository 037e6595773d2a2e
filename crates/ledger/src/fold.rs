//! Fold: bringing segments into the states of the IPs.
//!
//! A fold that meets an error or a doubt stops where it is and undoes nothing: what it wrote carries its number in its name, is in
//! no confirmed root, and is deleted by cleaning. The one after it takes half as much, so that one of them gets to its end.
//!
//! | file | step |
//! |---|---|
//! | here | the number, the base, the root, the second look at the number, the mark |
//! | `pending` | reading the log |
//! | `rewrite` | reading and writing what changes |
//! | `clean` | later, and never between a fold and its mark: deleting |

use rollcall_store::value::encode;

use crate::lease::Held;
use crate::pending::Pending;
use crate::stored::{Lease, Mark, Pace, Replaced, Root, Void};
use crate::{Clock, Ledger, LedgerError, Store, keys};
use rollcall_store::{StoreError, Unreadable};

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
    /// What there is to fold, as far as the log's counter and the mark tell.
    Ours {
        held: Held<'l, S, C>,
        mark: Mark,
        top: u64,
    },
}

/// Why a fold stopped.
pub(crate) enum Stop {
    /// Somebody else is ahead.
    Lost,
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        match error {
            // What the base names is gone: a later fold was confirmed and has cleaned up.
            LedgerError::Gone { .. } => Self::Lost,
            error => Self::Failed(error),
        }
    }
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::Failed(unreadable.into())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Folds what is pending, if nobody else does.
    pub async fn fold(&self) -> Result<Folded, LedgerError> {
        self.fold_if(false).await
    }

    /// Folds even where nothing seems to be pending: the mark may be an old one.
    pub async fn fold_even_if_idle(&self) -> Result<Folded, LedgerError> {
        self.fold_if(true).await
    }

    async fn fold_if(&self, even_if_idle: bool) -> Result<Folded, LedgerError> {
        let (held, mark, top) = match self.turn(even_if_idle).await? {
            Turn::Nothing => return Ok(Folded::Nothing),
            Turn::Busy => return Ok(Folded::Busy),
            Turn::Ours { held, mark, top } => (held, mark, top),
        };
        let folded = self.fold_held(&held, mark, top).await;
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
        let mark = self.mark().await?;
        let lease = self.hint::<Lease>(keys::LEASE).await?;
        let top = self.store.increment(keys::LOG_NEXT, 0).await?;
        went_back(keys::LOG_NEXT, top, mark.log)?;
        if self.is_live(lease) {
            return Ok(Turn::Busy);
        }
        let took_ms = self.clock.monotonic_ms().saturating_sub(began_ms);
        let is_folded = mark.low == mark.log && mark.log >= top;
        if is_folded && !even_if_idle {
            return Ok(Turn::Nothing);
        }
        let held = Held::take(self, took_ms / 3).await?;
        Ok(held.map_or(Turn::Busy, |held| Turn::Ours { held, mark, top }))
    }

    /// The fold itself. The order of its store calls is the protocol.
    async fn fold_held(&self, held: &Held<'_, S, C>, mark: Mark, top: u64) -> Result<Folded, Stop> {
        let began_ms = self.clock.monotonic_ms();
        // The number first, and only then the base: every base below is either what we build on or void.
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, mark.k + 1)?;
        held.fold_as(k);
        let base = self.base_below(held, k, mark.k).await?;
        let lost = k - base.k - 1;
        let halvings = halvings(&base, lost);
        let pending = self.read_log(held, &base, k, top, halvings).await?;
        let (segments, is_full) = (pending.segment_count(), pending.is_full);
        let nothing_to_fold = segments == 0 && pending.open == base.open;
        // A new root even so, where numbers were lost: or they would count against the next fold that has something to do.
        if nothing_to_fold && mark.k == base.k && lost == 0 {
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

    /// The newest root below `k`. Older ones than the mark's are never looked at: they may be gone.
    async fn base_below(&self, held: &Held<'_, S, C>, k: u64, mark_k: u64) -> Result<Root, Stop> {
        held.store().await?;
        match self.newest_root(mark_k.max(1)..k).await? {
            Some(root) => Ok(root),
            None if mark_k == 0 => Ok(self.empty_root()),
            // Later folds were confirmed and have cleaned up: we are void.
            None => Err(Stop::Lost),
        }
    }

    /// The base's successor, but for what is folded into it.
    async fn next_root(&self, base: &Root, pending: &Pending, k: u64) -> Result<Root, Stop> {
        let cleaned = self.cleaned().await?;
        let mut root = Root {
            k,
            folded_at_ms: pending.before_ms,
            log: pending.log,
            open: pending.open.clone(),
            traffic: pending.traffic.clone(),
            ..base.clone()
        };
        root.drops.skipped_numbers += pending.skipped;
        root.drops.repeated_batches += pending.repeated_batches;
        root.replaced.retain(|fold| fold.k >= cleaned.replaced.0);
        root.void.retain(|void| void.last >= cleaned.void.0);
        if base.k + 1 < k {
            root.void.push(Void {
                first: base.k + 1,
                last: k - 1,
                since_ms: pending.before_ms,
            });
        }
        Ok(root)
    }

    /// Writes the root, looks at the counter once more, and tells that it is confirmed.
    async fn commit(&self, held: &Held<'_, S, C>, root: &Root) -> Result<Folded, Stop> {
        let key = keys::root(root.k);
        let value = encode(&key, root)?;
        held.store().await?.set(&key, value).await?;
        // Whoever took a number meanwhile may have missed this root and build on its base.
        if held.store().await?.increment(keys::FOLD, 0).await? != root.k {
            return Err(Stop::Lost);
        }
        let mark = Mark {
            k: root.k,
            low: root.open.keys().next().map_or(root.log, |n| n - 1),
            log: root.log,
        };
        let value = encode(keys::MARK, &mark)?;
        held.store().await?.set(keys::MARK, value).await?;
        Ok(Folded::Done)
    }
}

/// How often the limits of a fold are halved: once more for each that was lost since its base, once less for each that was not.
fn halvings(base: &Root, lost: u64) -> u32 {
    let lost = u32::try_from(lost).unwrap_or(HALVINGS_MAX);
    let easier = base.pace.halvings.saturating_sub(1);
    easier.saturating_add(lost).min(HALVINGS_MAX)
}

/// A counter is never behind what was written under it, unless the store lost its newest writes.
pub(crate) fn went_back(key: &str, value: u64, seen: u64) -> Result<(), LedgerError> {
    if value < seen {
        return Err(LedgerError::CounterWentBack {
            key: key.to_owned(),
            value,
            seen,
        });
    }
    Ok(())
}
