//! The lists of the IPs that called most. A fold writes each list that hits change. It leaves out
//! each list that nobody asks for any more, and plans its deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_store::value::encode;
use rollcall_tally::bucket::BucketId;
use rollcall_tally::rollup::Heaviest;
use rollcall_tally::rollup::heaviest::is_kept;

use super::outbox::Outbox;
use crate::heaviest::AT_ONCE;
use crate::keys;
use crate::stop::Stop;
use crate::stored::{self, Bucket, Change, Root, Versioned};
use crate::{Clock, Ledger, Store};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The changes of a fold to the lists.
    pub(super) fn heaviest_changes(
        &self,
        root: &Root,
        changed: &BTreeMap<BucketId, Heaviest>,
    ) -> Vec<Change> {
        let ranges = self.ranges(root.aged_ms);
        let known: BTreeMap<Bucket, u64> = root.heaviest.iter().copied().collect();
        let written = changed.keys().map(|list| {
            let list = Bucket::from(*list);
            let before = known.get(&list).copied().unwrap_or(0);
            Change {
                of: Versioned::Heaviest(list),
                is_written: true,
                // If this fold wrote the list already, it overwrites it.
                before: if before == root.k { 0 } else { before },
            }
        });
        let gone = known
            .iter()
            .filter(|(list, _)| !is_kept(BucketId::from(**list), &ranges));
        let gone = gone.map(|(list, before)| Change {
            of: Versioned::Heaviest(*list),
            is_written: false,
            before: *before,
        });
        written.chain(gone).collect()
    }

    /// Adds each list that has one of these IPs to those that change. Reads every list, because an
    /// IP may be in a list longer than it has a state.
    pub(super) async fn add_lists_of(
        &self,
        outbox: &Outbox<'_, '_, S, C>,
        root: &Root,
        ips: &BTreeSet<IpAddr>,
        changed: &mut BTreeMap<BucketId, Heaviest>,
    ) -> Result<(), Stop> {
        if ips.is_empty() {
            return Ok(());
        }
        let ranges = self.ranges(root.aged_ms);
        let kept = root.heaviest.iter().copied();
        let kept = kept.filter(|(list, _)| is_kept(BucketId::from(*list), &ranges));
        let kept: Vec<(Bucket, u64)> = kept.collect();
        for chunk in kept.chunks(AT_ONCE) {
            outbox.held().store().await?;
            for (list, known) in self.lists(chunk).await? {
                self.clock.give_way().await;
                if known.ips.keys().any(|ip| ips.contains(ip)) {
                    changed.entry(list.into()).or_default();
                }
            }
        }
        Ok(())
    }

    pub(super) async fn write_heaviest(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        root: &mut Root,
        changed: BTreeMap<BucketId, Heaviest>,
        erased: &BTreeSet<IpAddr>,
    ) -> Result<(), Stop> {
        let ranges = self.ranges(root.aged_ms);
        let mut known: BTreeMap<Bucket, u64> = root.heaviest.iter().copied().collect();
        known.retain(|list, _| is_kept(BucketId::from(*list), &ranges));
        let changed: Vec<(Bucket, Heaviest)> = changed
            .into_iter()
            .map(|(list, changes)| (list.into(), changes))
            .collect();
        for chunk in changed.chunks(AT_ONCE) {
            let before = chunk.iter();
            let before = before.filter_map(|(list, _)| Some((*list, *known.get(list)?)));
            let before: Vec<(Bucket, u64)> = before.collect();
            outbox.held().store().await?;
            let lists = self.lists(&before).await?.into_iter();
            let mut lists: BTreeMap<Bucket, Heaviest> = lists.collect();
            for (list, changes) in chunk {
                self.clock.give_way().await;
                let mut all = lists.remove(list).unwrap_or_default();
                all.ips.retain(|ip, _| !erased.contains(ip));
                all.update(changes, self.limits.listed);
                let key = keys::heaviest(*list, root.k);
                let value = encode(&key, &stored::Heaviest::from(all))?;
                outbox.put(key, value).await?;
            }
        }
        for (list, _) in &changed {
            known.insert(*list, root.k);
        }
        root.heaviest = known.into_iter().collect();
        Ok(())
    }
}
