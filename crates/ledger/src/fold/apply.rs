//! What a fold writes: which states, shards and batch ids, and which versions these replace.
//!
//! A fold never has the whole index or all states in memory. It reads, changes and writes them in
//! portions. So it has room for any number of IPs, and makes a store call often.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use indexmap::IndexMap;
use rollcall_store::value::encode;
use rollcall_tally::hit::CompactHit;

use super::batch_ids::IdsWritten;
use super::log::Pending;
use super::outbox::Outbox;
use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{Change, Entry, Root, Shard, Versioned};
use crate::{Clock, Ledger, Store, keys};

/// Shards read by one call. Few, because each shard may have thousands of IPs.
const SHARDS_AT_ONCE: usize = 8;

/// The changes of a fold to the index.
#[derive(Default)]
pub(super) struct Draft {
    /// IPs that called.
    pub ips: BTreeMap<IpAddr, Touched>,
    /// IPs that are evicted, with their entries in the base.
    evicted: BTreeMap<IpAddr, Entry>,
    /// IPs that are erased, with their entries in the base. If such an IP called after its erasure,
    /// it is also among `ips`, as a new one.
    pub erased: BTreeMap<IpAddr, Entry>,
    new_ips: u64,
}

impl Draft {
    /// The IPs whose entries go, with these entries.
    fn gone(&self) -> impl Iterator<Item = (&IpAddr, &Entry)> {
        let gone = self.evicted.iter().chain(&self.erased);
        gone.filter(|(ip, _)| !self.ips.contains_key(*ip))
    }

    /// Whether the IP called or is erased.
    fn is_changed(&self, ip: &IpAddr) -> bool {
        self.ips.contains_key(ip) || self.erased.contains_key(ip)
    }
}

/// An IP that called.
pub(super) struct Touched {
    pub hits: Vec<CompactHit>,
    /// Its entry in the base.
    pub before: Entry,
    pub after: Entry,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Writes the plan, then all values that the root names. Returns the root.
    pub(crate) async fn rewrite(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        mut root: Root,
        mut pending: Pending,
    ) -> Result<Root, Stop> {
        let k = root.k;
        let hit_count = pending.hit_count;
        let hits = std::mem::take(&mut pending.hits);
        // Clocks differ: buckets are never cut by an older time than before.
        root.aged_ms = base.aged_ms.max(pending.before_ms);
        let documents = pending.documents;
        let erasing = pending.erasing;
        let erased = erasing.now.clone();
        let mut draft = self.touch(held, base, &mut root, hits, &erased).await?;
        self.evict(held, base, &mut draft).await?;
        let ids = pending
            .ids
            .finish(k, self.limits.ids_kept_ms, self.limits.ids_kept);
        let dirty: BTreeSet<usize> = draft
            .ips
            .keys()
            .chain(draft.gone().map(|(ip, _)| ip))
            .map(|ip| keys::shard_of(ip, self.limits.shards))
            .collect();
        let mut outbox = Outbox::new(held, k, base.k, &self.limits);
        outbox.plan(changes(base, &draft, &dirty, &ids));
        let mut deltas = self
            .write_states(&mut outbox, &mut draft, &mut root, pending.names)
            .await?;
        self.count_erased(&outbox, &draft.erased, &mut root, &mut deltas, erasing)
            .await?;
        self.write_shards(&mut outbox, base, &mut root, &draft, &dirty)
            .await?;
        for (chunk, known) in &ids.values {
            let key = keys::ids(*chunk, k);
            let value = encode(&key, known)?;
            outbox.put(key, value).await?;
        }
        self.write_documents(&mut outbox, &mut root, documents)
            .await?;
        self.write_rollups(&mut outbox, &mut root, deltas, &erased)
            .await?;
        outbox.send().await?;

        root.ids = ids.chunks;
        let left = draft.evicted.len() + draft.erased.len();
        root.ips = (root.ips + draft.new_ips).saturating_sub(left as u64);
        root.hits += hit_count;
        root.drops.evicted_ips += draft.evicted.len() as u64;
        for entry in draft.evicted.values() {
            root.drops.evicted_hits += entry.hits;
            let newest = &mut root.newest_drops.evicted_ms;
            *newest = entry.last_seen_ms.max(*newest);
        }
        Ok(root)
    }

    /// Finds the IPs that called in the index, and those that are erased. Gives new IPs their
    /// numbers.
    async fn touch(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        root: &mut Root,
        hits: IndexMap<IpAddr, Vec<CompactHit>>,
        erased: &BTreeSet<IpAddr>,
    ) -> Result<Draft, Stop> {
        let mut of_shards: BTreeMap<usize, Vec<(IpAddr, Vec<CompactHit>)>> = BTreeMap::new();
        let silent = erased.iter().filter(|ip| !hits.contains_key(*ip));
        let silent: Vec<_> = silent.map(|ip| (*ip, Vec::new())).collect();
        for (ip, hits) in hits.into_iter().chain(silent) {
            let shard = keys::shard_of(&ip, self.limits.shards);
            of_shards.entry(shard).or_default().push((ip, hits));
        }
        let mut draft = Draft::default();
        let touched: Vec<usize> = of_shards.keys().copied().collect();
        for chunk in touched.chunks(SHARDS_AT_ONCE) {
            for (shard, index) in self.read_shards(held, base, chunk).await? {
                self.clock.give_way().await;
                for (ip, hits) in of_shards.remove(&shard).unwrap_or_default() {
                    let mut before = index.get(&ip).copied();
                    if erased.contains(&ip) {
                        draft.erased.extend(before.take().map(|entry| (ip, entry)));
                    }
                    if hits.is_empty() {
                        continue;
                    }
                    draft.new_ips += u64::from(before.is_none());
                    let number = before.map(|entry| entry.number);
                    let number = number.unwrap_or_else(|| root.take_number());
                    let before = before.unwrap_or_default();
                    let newest_ms = hits.iter().map(|hit| hit.timestamp_ms).max().unwrap_or(0);
                    let after = Entry {
                        version: root.k,
                        last_seen_ms: before.last_seen_ms.max(newest_ms),
                        hits: before.hits + hits.len() as u64,
                        bytes: 0,
                        number,
                    };
                    let touched = Touched {
                        hits,
                        before,
                        after,
                    };
                    draft.ips.insert(ip, touched);
                }
            }
        }
        Ok(draft)
    }

    /// If there are too many IPs, evicts those that were seen least recently. Evicts more than
    /// necessary, so that not each fold has to look for some. Never evicts an IP if this fold
    /// counted hits of it.
    async fn evict(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        draft: &mut Draft,
    ) -> Result<(), Stop> {
        let most = self.limits.ips as u64;
        let left = draft.erased.len() as u64;
        let too_many = (base.ips + draft.new_ips).saturating_sub(left + most);
        if too_many == 0 {
            return Ok(());
        }
        let wanted = too_many + most / self.limits.evicted_share;
        // The index may be large, so the fold goes through it twice. The first pass finds the time
        // since which the remaining IPs were seen.
        let every: Vec<usize> = (0..self.limits.shards).collect();
        let mut seen_ms: Vec<u64> = Vec::new();
        for chunk in every.chunks(SHARDS_AT_ONCE) {
            for (_, index) in self.read_shards(held, base, chunk).await? {
                self.clock.give_way().await;
                let others = index.iter().filter(|(ip, _)| !draft.is_changed(ip));
                seen_ms.extend(others.map(|(_, entry)| entry.last_seen_ms));
            }
        }
        let wanted = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(seen_ms.len());
        let Some(last) = wanted.checked_sub(1) else {
            return Ok(());
        };
        let (_, last_ms, _) = seen_ms.select_nth_unstable(last);
        let last_ms = *last_ms;
        // Several IPs may have been seen at exactly that time. Only this many of them are evicted.
        let mut last_few = wanted - seen_ms.iter().filter(|ms| **ms < last_ms).count();
        for chunk in every.chunks(SHARDS_AT_ONCE) {
            for (_, index) in self.read_shards(held, base, chunk).await? {
                self.clock.give_way().await;
                for (ip, entry) in index.iter().copied() {
                    let is_last = entry.last_seen_ms == last_ms && last_few > 0;
                    if (entry.last_seen_ms < last_ms || is_last) && !draft.is_changed(&ip) {
                        last_few -= usize::from(is_last);
                        draft.evicted.insert(ip, entry);
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the shards that change.
    async fn write_shards(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        base: &Root,
        root: &mut Root,
        draft: &Draft,
        dirty: &BTreeSet<usize>,
    ) -> Result<(), Stop> {
        let mut changes: BTreeMap<usize, Vec<(IpAddr, Option<Entry>)>> = BTreeMap::new();
        let called = draft
            .ips
            .iter()
            .map(|(ip, touched)| (*ip, Some(touched.after)));
        for (ip, after) in called.chain(draft.gone().map(|(ip, _)| (*ip, None))) {
            let shard = keys::shard_of(&ip, self.limits.shards);
            changes.entry(shard).or_default().push((ip, after));
        }
        let dirty: Vec<usize> = dirty.iter().copied().collect();
        for chunk in dirty.chunks(SHARDS_AT_ONCE) {
            for (shard, mut index) in self.read_shards(outbox.held(), base, chunk).await? {
                self.clock.give_way().await;
                index.change(changes.remove(&shard).unwrap_or_default());
                let key = keys::shard(shard, root.k);
                let value = encode(&key, &index)?;
                outbox.put(key, value).await?;
                if let Some(version) = root.shards.get_mut(shard) {
                    *version = root.k;
                }
            }
        }
        Ok(())
    }

    /// Reads some shards of the base.
    async fn read_shards(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        wanted: &[usize],
    ) -> Result<Vec<(usize, Shard)>, Stop> {
        let named = wanted.iter().map(|shard| {
            let version = base
                .shards
                .get(*shard)
                .copied()
                .filter(|version| *version > 0);
            (*shard, version.map(|version| keys::shard(*shard, version)))
        });
        let named: Vec<(usize, Option<String>)> = named.collect();
        let there: Vec<String> = named.iter().filter_map(|(_, key)| key.clone()).collect();
        let mut found = match there.is_empty() {
            true => HashMap::new(),
            false => held.store().await?.get_many(&there).await?,
        };
        let mut shards = Vec::with_capacity(named.len());
        for (shard, key) in named {
            let index = match key {
                Some(key) => {
                    let bytes = found.remove(&key).ok_or(Stop::Lost)?;
                    Shard::decode(&key, &bytes)?
                }
                None => Shard::default(),
            };
            shards.push((shard, index));
        }
        Ok(shards)
    }
}

/// The changes of a fold, those of the IPs that called first.
fn changes<'d>(
    base: &'d Root,
    draft: &'d Draft,
    dirty: &'d BTreeSet<usize>,
    ids: &'d IdsWritten,
) -> impl Iterator<Item = Change> + use<'d> {
    let called = draft.ips.iter().map(|(ip, touched)| Change {
        of: Versioned::Ip(*ip),
        is_written: true,
        before: draft.erased.get(ip).unwrap_or(&touched.before).version,
    });
    let gone = draft.gone().map(|(ip, entry)| Change {
        of: Versioned::Ip(*ip),
        is_written: false,
        before: entry.version,
    });
    let shards = dirty.iter().map(|shard| Change {
        of: Versioned::Shard(*shard),
        is_written: true,
        before: base.shards.get(*shard).copied().unwrap_or(0),
    });
    called
        .chain(gone)
        .chain(shards)
        .chain(ids.changes.iter().copied())
}

impl Root {
    /// The number of a new IP.
    pub(super) fn take_number(&mut self) -> u32 {
        let number = self.next_ip;
        // After four thousand million IPs, all further IPs share the last number.
        self.next_ip = self.next_ip.saturating_add(1);
        number
    }
}
