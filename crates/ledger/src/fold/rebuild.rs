//! Builds all rollups from the states of the IPs, because a store of an older layout has none.
//!
//! This is a fold that takes nothing from the log. So it may die at any call and be started again,
//! and nobody sees half of it.

use std::collections::BTreeSet;

use rollcall_store::value::{decode, encode, layout_of};
use rollcall_tally::rollup::Deltas;

use super::Folded;
use super::outbox::Outbox;
use crate::lease::Held;
use crate::read::went_back;
use crate::stop::Stop;
use crate::stored::{Change, Replaced, Root, Root4, Shard, Shard4, Versioned};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Builds rollups on the newest root, if that root has layout 4.
    pub(crate) async fn rebuild(&self, held: &Held<'_, S, C>) -> Result<Folded, Stop> {
        let head = self.head().await?;
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, head.k + 1)?;
        held.fold_as(k);
        let newest = self.newest_root_as_stored(head.k.max(1)..k).await?;
        let Some((key, bytes)) = newest else {
            return match head.k {
                0 => Ok(Folded::Nothing),
                _ => Err(Stop::Lost),
            };
        };
        let now_ms = self.clock.wall_ms();
        let mut root = if layout_of(&key, &bytes)? == Root4::LAYOUT {
            let base: Root = decode::<Root4>(&key, &bytes)?.into();
            let mut root = self.successor(&base, k, now_ms).await?;
            root.aged_ms = now_ms;
            self.rewrite_index(held, &base, &mut root).await?;
            root
        } else {
            let base = Root::decode(&key, &bytes)?;
            if base.k == head.k {
                return Ok(Folded::Nothing);
            }
            // The newest root has this layout already, but the head does not name it: its folder
            // died before that. A new root on top of it is confirmed.
            Outbox::new(held, k, base.k, &self.limits).send().await?;
            self.successor(&base, k, now_ms).await?
        };
        root.replaced.push(Replaced {
            k,
            since_ms: self.clock.wall_ms(),
        });
        self.commit(held, &root).await
    }

    /// Gives each IP a number, and brings its state into the rollups. The states stay as they are.
    async fn rewrite_index(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        root: &mut Root,
    ) -> Result<(), Stop> {
        let shards = base.shards.iter().copied().enumerate();
        let shards: Vec<(usize, u64)> = shards.filter(|(_, version)| *version > 0).collect();
        let changes = shards.iter().map(|(shard, version)| Change {
            of: Versioned::Shard(*shard),
            is_written: true,
            before: *version,
        });
        let mut outbox = Outbox::new(held, root.k, base.k, &self.limits);
        outbox.plan(changes);
        let ranges = self.ranges(root.aged_ms);
        let mut deltas = Deltas::default();
        let erased = BTreeSet::new();
        for (shard, version) in shards {
            let key = keys::shard(shard, version);
            let bytes = held.store().await?.get(&key).await?.ok_or(Stop::Lost)?;
            let index: Shard = decode::<Shard4>(&key, &bytes)?.numbered(&mut root.next_ip);
            let ips: Vec<_> = index.iter().map(|(ip, entry)| (*ip, entry)).collect();
            for chunk in ips.chunks(self.limits.chunk) {
                held.store().await?;
                let wanted: Vec<_> = chunk
                    .iter()
                    .map(|(ip, entry)| (*ip, entry.version))
                    .collect();
                let mut entries = chunk.iter().map(|(_, entry)| *entry);
                let mut failed = None;
                let take = |ip, state: Result<rollcall_tally::IpState, LedgerError>| {
                    let entry = entries.next().copied().unwrap_or_default();
                    let (number, last_seen_ms) = (entry.number, entry.last_seen_ms);
                    match state {
                        Ok(mut state) => {
                            state.age(&ranges);
                            let first_ms = state.caller.first_seen_ms;
                            let known_ms = root.first_seen_ms.unwrap_or(first_ms);
                            root.first_seen_ms = Some(known_ms.min(first_ms));
                            deltas.add_state(ip, &state, number, &ranges);
                        }
                        // The state counts as lost when its IP calls again. Its hits are in no sum.
                        Err(LedgerError::Corrupt { .. }) => {
                            let unsummed = &mut root.newest_drops.unsummed_ms;
                            *unsummed = last_seen_ms.max(*unsummed);
                        }
                        Err(error) => failed = Some(error),
                    }
                };
                self.states(&wanted, take).await?;
                if let Some(error) = failed {
                    return Err(error.into());
                }
                self.clock.give_way().await;
                if deltas.paths() > self.limits.fold_paths {
                    let full = std::mem::take(&mut deltas);
                    self.write_rollups(&mut outbox, root, full, &erased).await?;
                    // The written rollups are read again.
                    outbox.send().await?;
                }
            }
            let key = keys::shard(shard, root.k);
            let value = encode(&key, &index)?;
            outbox.put(key, value).await?;
            if let Some(version) = root.shards.get_mut(shard) {
                *version = root.k;
            }
        }
        self.write_rollups(&mut outbox, root, deltas, &erased)
            .await?;
        outbox.send().await
    }
}
