//! Hits become states: which states, shards and batch ids a fold writes, and what these replace.
//!
//! The index is in memory as far as it changes. The states are not: they are read, changed and written in portions of bounded bytes, so
//! that a fold of any number of them has room, and comes to a store call often.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_tally::{Hit, IpState};

use rollcall_store::value::{decode, encode};

use super::batch_ids::IdsWritten;
use super::log::Pending;
use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{Change, Entry, Plan, Root, Shard, Versioned, decode_state, encode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// What a fold changes, but for the states themselves.
#[derive(Default)]
struct Draft {
    /// The shards read; those in `dirty` were changed.
    shards: BTreeMap<usize, Shard>,
    dirty: BTreeSet<usize>,
    /// What is to be done to each IP.
    ips: BTreeMap<IpAddr, Touched>,
    new_ips: u64,
    evicted_ips: u64,
    evicted_hits: u64,
}

/// An IP whose state a fold writes, or that leaves.
struct Touched {
    /// Empty of one that leaves.
    hits: Vec<Hit>,
    is_written: bool,
    /// As the base has it.
    before: Entry,
}

/// Values on their way to the store.
struct Outbox<'h, 'l, S, C> {
    held: &'h Held<'l, S, C>,
    values: Vec<(String, Vec<u8>)>,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
}

impl<S: Store, C: Clock> Outbox<'_, '_, S, C> {
    async fn put(&mut self, key: String, value: Vec<u8>) -> Result<(), Stop> {
        self.bytes += value.len();
        self.values.push((key, value));
        if self.values.len() >= self.count_max || self.bytes >= self.bytes_max {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Stop> {
        self.bytes = 0;
        let values = std::mem::take(&mut self.values);
        if !values.is_empty() {
            self.held.store().await?.set_many(values).await?;
        }
        Ok(())
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Writes the plan, then everything that the root names, and gives the root.
    pub(crate) async fn rewrite(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        mut root: Root,
        mut pending: Pending,
    ) -> Result<Root, Stop> {
        let k = root.k;
        let (before_ms, hit_count) = (pending.before_ms, pending.hit_count);
        let hits = std::mem::take(&mut pending.hits);
        let mut draft = self.touch(held, base, k, hits).await?;
        self.evict(held, base, &mut draft).await?;
        let ids = pending
            .ids
            .finish(k, self.limits.ids_kept_ms, self.limits.ids_kept);
        let mut plan = plan(base, &draft, &ids);
        self.write_plan(held, k, &plan).await?;

        let mut outbox = Outbox {
            held,
            values: Vec::new(),
            bytes: 0,
            count_max: self.limits.chunk,
            bytes_max: self.limits.chunk_bytes,
        };
        let spared = self
            .write_states(&mut outbox, &mut draft, &mut root, before_ms)
            .await?;
        let dirty = draft.shards.iter().filter(|(p, _)| draft.dirty.contains(p));
        for (shard, index) in dirty {
            self.clock.give_way().await;
            let key = keys::shard(*shard, k);
            let value = encode(&key, index)?;
            outbox.put(key, value).await?;
            if let Some(version) = root.shards.get_mut(*shard) {
                *version = k;
            }
        }
        for (chunk, known) in &ids.values {
            let key = keys::ids(*chunk, k);
            let value = encode(&key, known)?;
            outbox.put(key, value).await?;
        }
        outbox.send().await?;
        if !spared.is_empty() {
            plan.spare(&spared);
            self.write_plan(held, k, &plan).await?;
        }

        root.ids = ids.chunks;
        root.ips = (root.ips + draft.new_ips).saturating_sub(draft.evicted_ips);
        root.hits += hit_count;
        root.drops.evicted_ips += draft.evicted_ips;
        root.drops.evicted_hits += draft.evicted_hits;
        Ok(root)
    }

    async fn write_plan(&self, held: &Held<'_, S, C>, k: u64, plan: &Plan) -> Result<(), Stop> {
        let key = keys::plan(k);
        let value = encode(&key, plan)?;
        held.store().await?.set(&key, value).await?;
        Ok(())
    }

    /// Enters the hits into the index.
    async fn touch(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        k: u64,
        hits: BTreeMap<IpAddr, Vec<Hit>>,
    ) -> Result<Draft, Stop> {
        let shard_of = |ip: &IpAddr| keys::shard_of(ip, self.limits.shards);
        let mut draft = Draft {
            dirty: hits.keys().map(shard_of).collect(),
            ..Draft::default()
        };
        let touched: Vec<usize> = draft.dirty.iter().copied().collect();
        self.read_shards(held, base, &mut draft.shards, &touched)
            .await?;
        for (ip, hits) in hits {
            let shard = draft.shards.entry(shard_of(&ip)).or_default();
            let entry = shard.0.entry(ip).or_default();
            let before = *entry;
            let newest_ms = hits.iter().map(|hit| hit.timestamp_ms).max().unwrap_or(0);
            draft.new_ips += u64::from(before.version == 0);
            *entry = Entry {
                version: k,
                last_seen_ms: before.last_seen_ms.max(newest_ms),
                hits: before.hits + hits.len() as u64,
                bytes: before.bytes,
            };
            let touched = Touched {
                hits,
                is_written: true,
                before,
            };
            draft.ips.insert(ip, touched);
        }
        Ok(draft)
    }

    /// The least recently seen leave until the others fit.
    async fn evict(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        draft: &mut Draft,
    ) -> Result<(), Stop> {
        let too_many = (base.ips + draft.new_ips).saturating_sub(self.limits.ips as u64);
        if too_many == 0 {
            return Ok(());
        }
        let every: Vec<usize> = (0..self.limits.shards).collect();
        self.read_shards(held, base, &mut draft.shards, &every)
            .await?;
        let mut by_age: Vec<(u64, IpAddr, usize)> = Vec::new();
        for (shard, index) in &draft.shards {
            self.clock.give_way().await;
            let ips = index.0.iter();
            by_age.extend(ips.map(|(ip, entry)| (entry.last_seen_ms, *ip, *shard)));
        }
        by_age.sort_unstable();
        for (_, ip, shard) in by_age.into_iter().take(too_many as usize) {
            self.clock.give_way().await;
            let index = draft.shards.get_mut(&shard);
            let Some(entry) = index.and_then(|index| index.0.remove(&ip)) else {
                continue;
            };
            draft.dirty.insert(shard);
            draft.evicted_ips += 1;
            draft.evicted_hits += entry.hits;
            let touched = draft.ips.entry(ip).or_insert(Touched {
                hits: Vec::new(),
                is_written: false,
                before: entry,
            });
            touched.is_written = false;
            touched.hits = Vec::new();
        }
        Ok(())
    }

    /// Reads the states of the IPs that called, in portions, adds their hits, and hands them on. Gives the IPs whose states cannot be read:
    /// they begin anew, and the old bytes stay for the operator.
    async fn write_states(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        draft: &mut Draft,
        root: &mut Root,
        before_ms: u64,
    ) -> Result<BTreeSet<IpAddr>, Stop> {
        let mut spared = BTreeSet::new();
        let ips = std::mem::take(&mut draft.ips);
        let mut ips = ips.into_iter().filter(|(_, ip)| ip.is_written).peekable();
        while ips.peek().is_some() {
            let mut portion: Vec<(IpAddr, Touched)> = Vec::new();
            let mut bytes = 0;
            while let Some(next) = ips.next_if(|(_, next)| {
                let fits = bytes + next.before.bytes <= self.limits.chunk_bytes as u64;
                portion.is_empty() || (fits && portion.len() < self.limits.chunk)
            }) {
                bytes += next.1.before.bytes;
                portion.push(next);
            }
            let old: Vec<String> = portion
                .iter()
                .filter(|(_, touched)| touched.before.version > 0)
                .map(|(ip, touched)| keys::ip(ip, touched.before.version))
                .collect();
            let mut found = match old.is_empty() {
                true => Default::default(),
                false => outbox.held.store().await?.get_many(&old).await?,
            };
            for (ip, touched) in portion {
                self.clock.give_way().await;
                let before = touched.before;
                let mut state = IpState::default();
                let mut is_unreadable = false;
                if before.version > 0 {
                    let key = keys::ip(&ip, before.version);
                    let bytes = found.remove(&key).ok_or(Stop::Lost)?;
                    match decode_state(&key, &bytes) {
                        Ok(old) => state = old,
                        Err(LedgerError::Corrupt { .. }) => is_unreadable = true,
                        // It is whole: it must not be begun anew.
                        Err(error) => return Err(error.into()),
                    }
                }
                // Aged with every fold that touches it, or buckets of passed ranges would pile up.
                state.age(before_ms);
                for hit in &touched.hits {
                    root.drops.other_path_hits += u64::from(state.add(hit, before_ms));
                }
                let key = keys::ip(&ip, root.k);
                let value = encode_state(&key, &state)?;
                let shard = keys::shard_of(&ip, self.limits.shards);
                let index = draft.shards.get_mut(&shard);
                if let Some(entry) = index.and_then(|index| index.0.get_mut(&ip)) {
                    entry.bytes = value.len() as u64;
                    if is_unreadable {
                        root.drops.unreadable_ips += 1;
                        root.drops.unreadable_hits += before.hits;
                        entry.hits -= before.hits;
                        spared.insert(ip);
                    }
                }
                outbox.put(key, value).await?;
            }
        }
        Ok(spared)
    }

    /// Reads those of `wanted` that are not read yet.
    async fn read_shards(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        shards: &mut BTreeMap<usize, Shard>,
        wanted: &[usize],
    ) -> Result<(), Stop> {
        let version = |shard: usize| {
            base.shards
                .get(shard)
                .copied()
                .filter(|version| *version > 0)
        };
        let missing: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|shard| !shards.contains_key(shard))
            .collect();
        for chunk in missing.chunks(self.limits.chunk) {
            let named: Vec<(usize, String)> = chunk
                .iter()
                .filter_map(|shard| Some((*shard, keys::shard(*shard, version(*shard)?))))
                .collect();
            let wanted: Vec<String> = named.iter().map(|(_, key)| key.clone()).collect();
            let found = held.store().await?.get_many(&wanted).await?;
            for (shard, key) in named {
                self.clock.give_way().await;
                let bytes = found.get(&key).ok_or(Stop::Lost)?;
                shards.insert(shard, decode(&key, bytes)?);
            }
            for shard in chunk {
                shards.entry(*shard).or_default();
            }
        }
        Ok(())
    }
}

fn plan(base: &Root, draft: &Draft, ids: &IdsWritten) -> Plan {
    let ips = draft.ips.iter().map(|(ip, touched)| Change {
        of: Versioned::Ip(*ip),
        is_written: touched.is_written,
        before: touched.before.version,
    });
    let shards = draft.dirty.iter().map(|shard| Change {
        of: Versioned::Shard(*shard),
        is_written: true,
        before: base.shards.get(*shard).copied().unwrap_or(0),
    });
    Plan {
        base: base.k,
        changes: ips
            .chain(shards)
            .chain(ids.changes.iter().copied())
            .collect(),
    }
}

impl Plan {
    /// Leaves the old states of these IPs where they are.
    fn spare(&mut self, ips: &BTreeSet<IpAddr>) {
        for change in &mut self.changes {
            if matches!(change.of, Versioned::Ip(ip) if ips.contains(&ip)) {
                change.before = 0;
            }
        }
    }
}
