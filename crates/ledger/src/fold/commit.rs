//! The root: which root a fold builds on, and how its own root is confirmed.

use rollcall_store::value::encode;

use super::Folded;
use super::log::Pending;
use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{Head, Root, Void};
use crate::{Clock, Ledger, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The newest root below `k`. Roots older than the head's are never looked at: they may be
    /// gone.
    pub(super) async fn base_below(
        &self,
        held: &Held<'_, S, C>,
        k: u64,
        head_k: u64,
    ) -> Result<Root, Stop> {
        held.store().await?;
        match self.newest_root(head_k.max(1)..k).await? {
            Some(root) => Ok(root),
            None if head_k == 0 => Ok(self.empty_root()),
            // Later folds were confirmed and have cleaned up: this fold is void.
            None => Err(Stop::Lost),
        }
    }

    /// The root that follows the base, with the state of the log. The other values of this fold are
    /// not in it yet.
    pub(super) async fn next_root(
        &self,
        base: &Root,
        pending: &Pending,
        k: u64,
    ) -> Result<Root, Stop> {
        let mut root = self.successor(base, k, pending.before_ms).await?;
        root.folded_at_ms = pending.before_ms;
        root.log = pending.log;
        root.open = pending.open.clone();
        root.traffic = pending.traffic.clone();
        root.repaired = pending.repaired;
        root.uncounted = pending.uncounted.clone();
        root.drops.skipped_numbers += pending.skipped;
        root.drops.repeated_batches += pending.repeated_batches;
        Ok(root)
    }

    /// The base under the number `k`, without the folds that are cleaned by now. The numbers
    /// between the base and `k` are listed as void.
    pub(super) async fn successor(&self, base: &Root, k: u64, now_ms: u64) -> Result<Root, Stop> {
        let cleaned = self.cleaned().await?;
        let mut root = Root { k, ..base.clone() };
        root.replaced.retain(|fold| fold.k >= cleaned.replaced.0);
        root.void.retain(|void| void.last >= cleaned.void.0);
        if base.k + 1 < k {
            root.void.push(Void {
                first: base.k + 1,
                last: k - 1,
                since_ms: now_ms,
            });
        }
        Ok(root)
    }

    /// Writes the root, looks at the counter once more, and sets the head.
    pub(super) async fn commit(&self, held: &Held<'_, S, C>, root: &Root) -> Result<Folded, Stop> {
        let key = keys::root(root.k);
        let value = encode(&key, root)?;
        held.store().await?.set(&key, value).await?;
        // If another fold took a number meanwhile, it may have missed this root and build on our
        // base.
        if held.store().await?.increment(keys::FOLD, 0).await? != root.k {
            return Err(Stop::Lost);
        }
        let head = Head {
            k: root.k,
            low: root.open.keys().next().map_or(root.log, |n| n - 1),
            log: root.log,
        };
        let value = encode(keys::HEAD, &head)?;
        held.store().await?.set(keys::HEAD, value).await?;
        Ok(Folded::Done)
    }
}
