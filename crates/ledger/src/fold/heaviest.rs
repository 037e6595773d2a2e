//! The lists of the IPs that called most. A fold writes each list that hits change. It leaves out
//! each list that nobody asks for any more, and plans its deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_store::value::{decode, encode};
use rollcall_tally::bucket::BucketId;
use rollcall_tally::rollup::Heaviest;
use rollcall_tally::rollup::heaviest::is_kept;

use super::outbox::Outbox;
use crate::keys;
use crate::stop::Stop;
use crate::stored::{self, Bucket, Change, Root, Versioned};
use crate::{Clock, Ledger, Store};

/// Lists read by one call.
const LISTS_AT_ONCE: usize = 8;

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
        for chunk in kept.chunks(LISTS_AT_ONCE) {
            outbox.held().store().await?;
            let names = chunk
                .iter()
                .map(|(list, version)| keys::heaviest(*list, *version));
            let names: Vec<String> = names.collect();
            let values = self.get_all(&names).await?;
            for (((list, _), name), bytes) in chunk.iter().zip(&names).zip(values) {
                self.clock.give_way().await;
                let known = Heaviest::from(decode::<stored::Heaviest>(name, &bytes)?);
                if known.ips.keys().any(|ip| ips.contains(ip)) {
                    changed.entry((*list).into()).or_default();
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
        for chunk in changed.chunks(LISTS_AT_ONCE) {
            let name = |list: &Bucket| Some(keys::heaviest(*list, *known.get(list)?));
            let names: Vec<String> = chunk.iter().filter_map(|(list, _)| name(list)).collect();
            outbox.held().store().await?;
            let values = self.get_all(&names).await?;
            let values: BTreeMap<&String, Vec<u8>> = names.iter().zip(values).collect();
            for (list, changes) in chunk {
                self.clock.give_way().await;
                let mut all = match name(list) {
                    Some(name) => {
                        let bytes = values.get(&name).ok_or(Stop::Lost)?;
                        Heaviest::from(decode::<stored::Heaviest>(&name, bytes)?)
                    }
                    None => Heaviest::default(),
                };
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
