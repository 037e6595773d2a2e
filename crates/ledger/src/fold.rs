//! Fold: bringing segments into the states of the IPs.
//!
//! A fold that meets an error or a doubt stops where it is and undoes nothing: what it wrote carries its number in its name, is in
//! no confirmed root, and is deleted by a later fold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_tally::{Drops, Hit, IpState};

use crate::lease::Held;
use crate::store::StoreError;
use crate::values::{Entry, Lease, Mark, Page, Record, Replaced, Root, Segment, decode, encode};
use crate::{Clock, Ledger, LedgerError, Store, keys};

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

/// Why a fold stopped.
pub(crate) enum Stop {
    /// Its lease ran out, or somebody else is ahead.
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

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The log, as a fold found it.
struct Pending {
    segments: Vec<(u64, Segment)>,
    /// The newest number that is folded after this.
    log: u64,
    open: BTreeMap<u64, u64>,
    skipped: u64,
}

/// The part of the index and of the states that a fold changes.
#[derive(Default)]
struct Changes {
    /// The pages read; those in `dirty` were changed.
    pages: BTreeMap<usize, Page>,
    dirty: BTreeSet<usize>,
    states: BTreeMap<IpAddr, IpState>,
    replaced: Vec<String>,
    drops: Drops,
    hits: u64,
    new_ips: u64,
}

impl Changes {
    /// The state of an IP cannot be read. It is counted as dropped, and left where it is for the operator to look at.
    fn start_anew(&mut self, page: usize, ip: &IpAddr) {
        let entry = self
            .pages
            .get_mut(&page)
            .and_then(|index| index.0.get_mut(ip));
        if let Some(entry) = entry {
            self.drops.unreadable_ips += 1;
            self.drops.unreadable_hits += entry.hits;
            entry.hits = 0;
        }
    }
}

/// Everything that a fold writes.
struct Draft {
    root: Root,
    values: Vec<(String, Vec<u8>)>,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Folds what is pending, if nobody else does.
    pub async fn fold(&self) -> Result<Folded, LedgerError> {
        self.fold_if(false).await
    }

    /// Folds even where nothing seems to be pending: the mark may be an old one.
    pub(crate) async fn fold_even_if_idle(&self) -> Result<Folded, LedgerError> {
        self.fold_if(true).await
    }

    async fn fold_if(&self, even_if_idle: bool) -> Result<Folded, LedgerError> {
        match self.try_fold(even_if_idle).await {
            Ok(folded) => Ok(folded),
            Err(Stop::Lost) => Ok(Folded::Lost),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn try_fold(&self, even_if_idle: bool) -> Result<Folded, Stop> {
        let mark = self.mark().await?;
        let lease = self.get::<Lease>(keys::LEASE).await?;
        let top = self.store.increment(keys::LOG_NEXT, 0).await?;
        went_back(keys::LOG_NEXT, top, mark.log)?;
        if self.is_live(lease) {
            return Ok(Folded::Busy);
        }
        let idle = mark.low == mark.log && mark.log >= top && lease.is_none();
        let due = mark
            .due_ms
            .is_some_and(|due_ms| self.clock.wall_ms() >= due_ms);
        if idle && !due && !even_if_idle {
            self.trim(mark.low).await?;
            return Ok(Folded::Nothing);
        }
        let Some(held) = Held::take(self).await? else {
            return Ok(Folded::Busy);
        };
        let folded = self.fold_held(&held, mark, top).await?;
        held.release().await?;
        Ok(folded)
    }

    /// The fold itself. The order of its store calls is the protocol.
    async fn fold_held(&self, held: &Held<'_, S, C>, mark: Mark, top: u64) -> Result<Folded, Stop> {
        // The number first, and only then the base: every base below is either what we build on or void.
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, mark.k + 1)?;
        let base = self.base_below(held, k, mark.k).await?;
        // The clock first, and only then the log: what is absent now was absent then or was written since.
        let before_ms = self.clock.wall_ms();
        let pending = self.read_log(held, &base, top, before_ms).await?;
        let mut root = self.next_root(held, &base, mark, k, before_ms).await?;
        let confirmed = mark.k == base.k;
        let nothing_to_fold = pending.segments.is_empty() && pending.open == base.open;
        if confirmed && nothing_to_fold && root.due.is_empty() && root.todo.is_empty() {
            return Ok(Folded::Nothing);
        }
        root.log = pending.log;
        root.open = pending.open.clone();
        root.drops.skipped_numbers += pending.skipped;
        let draft = self.draft(held, base, root, pending, before_ms).await?;
        self.commit(held, draft).await
    }

    /// The newest root below `k`. Older ones than the mark's are never looked at: they may be gone.
    async fn base_below(&self, held: &Held<'_, S, C>, k: u64, mark_k: u64) -> Result<Root, Stop> {
        for candidate in (mark_k.max(1)..k).rev() {
            held.store().await?;
            if let Some(root) = self.root_at(candidate).await? {
                return Ok(root);
            }
        }
        match mark_k {
            0 => Ok(self.empty_root()),
            // Later folds were confirmed and have cleaned up: we are void.
            _ => Err(Stop::Lost),
        }
    }

    /// Every open number, then what is above the base's log, up to the limits of one fold.
    async fn read_log(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        top: u64,
        before_ms: u64,
    ) -> Result<Pending, Stop> {
        let mut segments: Vec<(u64, Segment)> = Vec::new();
        let mut absent = Vec::new();
        let mut hits = 0;
        let open: Vec<u64> = base.open.keys().copied().collect();
        let mut numbers = open.into_iter().chain(base.log + 1..=top).peekable();
        while numbers.peek().is_some()
            && segments.len() < self.limits.fold_segments
            && hits < self.limits.fold_hits
        {
            let chunk: Vec<u64> = numbers.by_ref().take(self.limits.log_chunk).collect();
            let wanted: Vec<String> = chunk.iter().map(|n| keys::log(*n)).collect();
            let mut found = held.store().await?.get_many(&wanted).await?;
            for (n, key) in chunk.into_iter().zip(wanted) {
                // The rest of the chunk is left to the next fold, as if it had not been looked at.
                if hits >= self.limits.fold_hits {
                    break;
                }
                match found.remove(&key) {
                    Some(bytes) => {
                        let segment: Segment = decode(&key, &bytes)?;
                        hits += segment.hits.len();
                        segments.push((n, segment));
                    }
                    None => absent.push(n),
                }
            }
        }
        let log = segments.last().map_or(base.log, |(n, _)| base.log.max(*n));
        let (open, skipped) = self.still_open(base, &segments, absent, log, before_ms);
        Ok(Pending {
            segments,
            log,
            open,
            skipped,
        })
    }

    /// Which numbers below `log` stay open, each since a later one was written. Those that were looked at just now and are absent for
    /// too long are dropped: their writers can no longer acknowledge them. Open ones that this fold did not get to stay as they are.
    fn still_open(
        &self,
        base: &Root,
        segments: &[(u64, Segment)],
        absent: Vec<u64>,
        log: u64,
        before_ms: u64,
    ) -> (BTreeMap<u64, u64>, u64) {
        let mut open = base.open.clone();
        for (n, _) in segments {
            open.remove(n);
        }
        // For each absent number, the oldest stamp of a later segment: walk down from the newest.
        let mut later = segments.iter().rev().peekable();
        let mut oldest_ms = u64::MAX;
        let mut skipped = 0;
        for n in absent.into_iter().rev().filter(|n| *n <= log) {
            while let Some((_, segment)) = later.next_if(|(m, _)| *m > n) {
                oldest_ms = oldest_ms.min(segment.stamp_ms);
            }
            let since_ms = *open.entry(n).or_insert(oldest_ms);
            if before_ms.saturating_sub(since_ms) > self.limits.skip_after_ms {
                open.remove(&n);
                skipped += 1;
            }
        }
        (open, skipped)
    }

    /// The base's successor before anything is folded: what it has to clean up once it is confirmed.
    async fn next_root(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        mark: Mark,
        k: u64,
        before_ms: u64,
    ) -> Result<Root, Stop> {
        let is_old = |since_ms: &u64, kept_ms: u64| before_ms.saturating_sub(*since_ms) > kept_ms;
        let mut root = Root {
            k,
            folded_at_ms: before_ms,
            ..base.clone()
        };
        if mark.k == base.k {
            // The mark is set after everything that the base had to delete was deleted.
            root.void
                .retain(|i, _| !base.todo.contains(&keys::root(*i)));
            root.replaced.retain(|i, _| !base.due.contains(i));
            root.due.clear();
            root.todo.clear();
        }
        root.void.extend((base.k + 1..k).map(|i| (i, before_ms)));
        let old_replaced = root
            .replaced
            .iter()
            .filter(|(_, replaced)| is_old(&replaced.since_ms, self.limits.keep_replaced_ms));
        let due: BTreeSet<u64> = old_replaced
            .map(|(i, _)| *i)
            .chain(root.due.iter().copied())
            .collect();
        root.due = due.into_iter().collect();
        let old_void = root
            .void
            .iter()
            .filter(|(_, since)| is_old(since, self.limits.clean_after_ms));
        for i in old_void.map(|(i, _)| *i).collect::<Vec<_>>() {
            let key = keys::root(i);
            if !root.todo.contains(&key) {
                root.todo.extend(self.left_behind(held, i).await?);
                root.todo.push(key);
            }
        }
        Ok(root)
    }

    /// The keys that a fold which never committed wrote, or may still write.
    async fn left_behind(&self, held: &Held<'_, S, C>, i: u64) -> Result<Vec<String>, Stop> {
        held.store().await?;
        let root = match self.get(&keys::root(i)).await? {
            None => return Ok(Vec::new()),
            Some(Record::Plan(written)) => return Ok(written),
            Some(Record::Root(root)) => root,
        };
        let mut written = vec![keys::replaced(i)];
        let chunks = root.ids.iter().filter(|chunk| chunk.version == i);
        written.extend(chunks.map(|chunk| keys::ids(chunk.number, i)));
        let pages = root
            .pages
            .iter()
            .enumerate()
            .filter(|(_, version)| **version == i);
        for key in pages.map(|(page, _)| keys::page(page, i)) {
            held.store().await?;
            if let Some(page) = self.get::<Page>(&key).await? {
                let states = page.0.iter().filter(|(_, entry)| entry.version == i);
                written.extend(states.map(|(ip, _)| keys::ip(ip, i)));
            }
            written.push(key);
        }
        Ok(written)
    }

    /// Applies the segments and works out what to write.
    async fn draft(
        &self,
        held: &Held<'_, S, C>,
        base: Root,
        mut root: Root,
        pending: Pending,
        before_ms: u64,
    ) -> Result<Draft, Stop> {
        let k = root.k;
        let mut ids = self.read_ids(held, &base.ids).await?;
        let mut hits = Vec::new();
        for (_, segment) in pending.segments {
            let per_chunk = self.limits.ids_per_chunk;
            if segment
                .id
                .is_none_or(|id| ids.insert(id, segment.stamp_ms, k, per_chunk))
            {
                hits.extend(segment.hits);
            } else {
                root.drops.repeated_batches += 1;
            }
        }
        hits.iter().for_each(|hit| root.traffic.add(hit));
        let mut changes = self.apply(held, &base, k, hits, before_ms).await?;
        self.evict(held, &base, &mut changes).await?;
        let ids = ids.finish(k, self.limits.ids_kept_ms, self.limits.ids_kept);

        let mut values = Vec::new();
        put_all(
            &mut values,
            changes
                .states
                .iter()
                .map(|(ip, state)| (keys::ip(ip, k), state)),
        )?;
        let dirty = changes
            .pages
            .iter()
            .filter(|(page, _)| changes.dirty.contains(page));
        put_all(
            &mut values,
            dirty.map(|(page, index)| (keys::page(*page, k), index)),
        )?;
        put_all(
            &mut values,
            ids.values
                .iter()
                .map(|(chunk, known)| (keys::ids(*chunk, k), known)),
        )?;

        let mut replaced = changes.replaced;
        replaced.extend(ids.replaced);
        for page in changes.dirty {
            if let Some(version) = root.pages.get_mut(page) {
                if *version > 0 {
                    replaced.push(keys::page(page, *version));
                }
                *version = k;
            }
        }
        if base.k > 0 {
            replaced.push(keys::root(base.k));
        }
        put_all(&mut values, [(keys::replaced(k), &replaced)].into_iter())?;
        let is_work = replaced.len() > 1;
        let since_ms = before_ms;
        root.replaced.insert(k, Replaced { since_ms, is_work });
        root.ids = ids.chunks;
        root.ips = (root.ips + changes.new_ips).saturating_sub(changes.drops.evicted_ips);
        root.hits += changes.hits;
        root.drops.evicted_ips += changes.drops.evicted_ips;
        root.drops.evicted_hits += changes.drops.evicted_hits;
        root.drops.unreadable_ips += changes.drops.unreadable_ips;
        root.drops.unreadable_hits += changes.drops.unreadable_hits;
        root.drops.other_path_hits += changes.drops.other_path_hits;
        Ok(Draft { root, values })
    }

    /// Adds hits to the states and pages of their IPs.
    async fn apply(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        k: u64,
        hits: Vec<Hit>,
        before_ms: u64,
    ) -> Result<Changes, Stop> {
        let mut changes = Changes {
            hits: hits.len() as u64,
            ..Changes::default()
        };
        let mut by_ip: BTreeMap<IpAddr, Vec<Hit>> = BTreeMap::new();
        for hit in hits {
            by_ip.entry(hit.ip).or_default().push(hit);
        }
        let page_of = |ip: &IpAddr| keys::page_of(ip, self.limits.pages);
        changes.dirty = by_ip.keys().map(page_of).collect();
        let touched: Vec<usize> = changes.dirty.iter().copied().collect();
        self.read_pages(held, base, &mut changes.pages, &touched)
            .await?;
        let known = |ip: &IpAddr| changes.pages.get(&page_of(ip))?.0.get(ip).copied();
        let old: Vec<(IpAddr, u64)> = by_ip
            .keys()
            .filter_map(|ip| Some((*ip, known(ip)?.version)))
            .collect();
        for chunk in old.chunks(self.limits.chunk) {
            held.store().await?;
            for ((ip, version), state) in chunk.iter().zip(self.states(chunk).await?) {
                match state {
                    Ok(state) => {
                        changes.replaced.push(keys::ip(ip, *version));
                        changes.states.insert(*ip, state);
                    }
                    Err(_) => changes.start_anew(page_of(ip), ip),
                }
            }
        }
        for (ip, hits) in by_ip {
            let entries = changes.pages.entry(page_of(&ip)).or_default();
            let state = changes.states.entry(ip).or_default();
            // Aged with every fold that touches it, or cells of passed ranges would pile up.
            state.age(before_ms);
            for hit in &hits {
                changes.drops.other_path_hits += u64::from(state.add(hit, before_ms));
            }
            let entry = entries.0.entry(ip).or_default();
            changes.new_ips += u64::from(entry.version == 0);
            let newest_ms = hits.iter().map(|hit| hit.timestamp_ms).max().unwrap_or(0);
            *entry = Entry {
                version: k,
                last_seen_ms: entry.last_seen_ms.max(newest_ms),
                hits: entry.hits + hits.len() as u64,
            };
        }
        Ok(changes)
    }

    /// The least recently seen leave until the others fit.
    async fn evict(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        changes: &mut Changes,
    ) -> Result<(), Stop> {
        let too_many = (base.ips + changes.new_ips).saturating_sub(self.limits.ips as u64);
        if too_many == 0 {
            return Ok(());
        }
        let every: Vec<usize> = (0..self.limits.pages).collect();
        self.read_pages(held, base, &mut changes.pages, &every)
            .await?;
        let mut by_age: Vec<(u64, IpAddr, usize)> = Vec::new();
        for (page, index) in &changes.pages {
            by_age.extend(
                index
                    .0
                    .iter()
                    .map(|(ip, entry)| (entry.last_seen_ms, *ip, *page)),
            );
        }
        by_age.sort_unstable();
        for (_, ip, page) in by_age.into_iter().take(too_many as usize) {
            let Some(entry) = changes
                .pages
                .get_mut(&page)
                .and_then(|index| index.0.remove(&ip))
            else {
                continue;
            };
            changes.dirty.insert(page);
            changes.drops.evicted_ips += 1;
            changes.drops.evicted_hits += entry.hits;
            // A state that this fold touched is on the list of the replaced already.
            if changes.states.remove(&ip).is_none() {
                changes.replaced.push(keys::ip(&ip, entry.version));
            }
        }
        Ok(())
    }

    /// Reads those of `wanted` that are not read yet.
    async fn read_pages(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        pages: &mut BTreeMap<usize, Page>,
        wanted: &[usize],
    ) -> Result<(), Stop> {
        let version = |page: usize| base.pages.get(page).copied().filter(|version| *version > 0);
        let missing: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|page| !pages.contains_key(page))
            .collect();
        for chunk in missing.chunks(self.limits.chunk) {
            let named: Vec<(usize, String)> = chunk
                .iter()
                .filter_map(|page| Some((*page, keys::page(*page, version(*page)?))))
                .collect();
            let wanted: Vec<String> = named.iter().map(|(_, key)| key.clone()).collect();
            let found = held.store().await?.get_many(&wanted).await?;
            for (page, key) in named {
                let bytes = found.get(&key).ok_or(Stop::Lost)?;
                pages.insert(page, decode(&key, bytes)?);
            }
            for page in chunk {
                pages.entry(*page).or_default();
            }
        }
        Ok(())
    }

    /// Writes plan, values and root; looks at the counter once more; cleans up.
    async fn commit(&self, held: &Held<'_, S, C>, draft: Draft) -> Result<Folded, Stop> {
        let Draft { root, values } = draft;
        let key = keys::root(root.k);
        let plan = Record::Plan(values.iter().map(|(key, _)| key.clone()).collect());
        held.store().await?.set(&key, encode(&key, &plan)?).await?;
        let mut values = values.into_iter().peekable();
        while values.peek().is_some() {
            let chunk = values.by_ref().take(self.limits.chunk).collect();
            held.store().await?.set_many(chunk).await?;
        }
        let record = Record::Root(Box::new(root));
        held.store()
            .await?
            .set(&key, encode(&key, &record)?)
            .await?;
        let Record::Root(root) = record else {
            return Err(Stop::Lost);
        };
        // Whoever took a number meanwhile may have missed this root and build on its base: then nothing may be deleted.
        if held.store().await?.increment(keys::FOLD, 0).await? != root.k {
            return Err(Stop::Lost);
        }
        self.clean_up(held, &root).await?;
        Ok(Folded::Done)
    }

    /// Deletes what a confirmed root has to delete, and only then tells that it is confirmed.
    async fn clean_up(&self, held: &Held<'_, S, C>, root: &Root) -> Result<(), Stop> {
        self.delete_all(held, &root.todo).await?;
        for i in &root.due {
            let list = keys::replaced(*i);
            held.store().await?;
            if let Some(replaced) = self.get::<Vec<String>>(&list).await? {
                self.delete_all(held, &replaced).await?;
                held.store().await?.delete(&list).await?;
            }
        }
        let low = root.open.keys().next().map_or(root.log, |n| n - 1);
        let left = root.replaced.iter().filter(|(i, _)| !root.due.contains(i));
        let left: Vec<&Replaced> = left.map(|(_, replaced)| replaced).collect();
        // One old root alone is no reason to fold again, or there would be no end to it.
        let is_work = left.len() > 1 || left.iter().any(|replaced| replaced.is_work);
        let replaced = left.iter().filter(|_| is_work);
        let replaced = replaced.map(|replaced| replaced.since_ms + self.limits.keep_replaced_ms);
        let void = root
            .void
            .iter()
            .filter(|(i, _)| !root.todo.contains(&keys::root(**i)));
        let void = void.map(|(_, since_ms)| since_ms + self.limits.clean_after_ms);
        let mark = Mark {
            k: root.k,
            low,
            log: root.log,
            // The last of them: until then others fold for better reasons, or nobody needs the room.
            due_ms: replaced.chain(void).max(),
        };
        held.store()
            .await?
            .set(keys::MARK, encode(keys::MARK, &mark)?)
            .await?;
        self.trim(low).await?;
        Ok(())
    }

    async fn delete_all(&self, held: &Held<'_, S, C>, wanted: &[String]) -> Result<(), Stop> {
        for chunk in wanted.chunks(self.limits.chunk) {
            held.store().await?.delete_many(chunk).await?;
        }
        Ok(())
    }

    /// Deletes the log up to `low`. Needs no lease: nobody looks at those numbers again.
    async fn trim(&self, low: u64) -> Result<(), LedgerError> {
        let first = self.get::<u64>(keys::LOG_FIRST).await?.unwrap_or(0);
        let numbers: Vec<String> = (first + 1..=low).map(keys::log).collect();
        for chunk in numbers.chunks(self.limits.chunk) {
            self.store.delete_many(chunk).await?;
        }
        // Last, so that a deletion that failed is done again.
        if low > first {
            self.store
                .set(keys::LOG_FIRST, encode(keys::LOG_FIRST, &low)?)
                .await?;
        }
        Ok(())
    }
}

fn put_all<'v, T: serde::Serialize + 'v>(
    values: &mut Vec<(String, Vec<u8>)>,
    new: impl Iterator<Item = (String, &'v T)>,
) -> Result<(), LedgerError> {
    for (key, value) in new {
        let bytes = encode(&key, value)?;
        values.push((key, bytes));
    }
    Ok(())
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
