//! Facts that are kept of every path beside its rollups: its first and its last hit, and the hits
//! of its recent past.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_tally::bucket::BucketId;
use rollcall_tally::rollup::Deltas;
use rollcall_tally::window::{Ranges, Span, Window};

use super::outbox::Outbox;
use super::rollups::{Extent, Hashed};
use crate::keys;
use crate::stop::Stop;
use crate::stored::{
    Change, Known, KnownRef, PathRecord, Root, Versioned, encode_known, encode_paths, path_records,
};
use crate::{Clock, Ledger, LedgerError, Store};

/// The parts that a fold reads and writes.
pub(super) struct KnownTask {
    /// The number of parts after the fold.
    parts: u16,
    written: BTreeSet<u16>,
    /// The present parts that are read, and their versions.
    read: Vec<(u16, u64)>,
}

impl Root {
    /// The number of parts.
    pub(crate) fn known_parts(&self) -> u16 {
        self.known.len() as u16
    }

    /// The version of a part. None: the part is empty.
    pub(crate) fn known_version(&self, part: u16) -> Option<u64> {
        let known = self.known.get(usize::from(part))?;
        (known.version > 0).then_some(known.version)
    }
}

impl KnownTask {
    pub fn changes(&self, root: &Root) -> impl Iterator<Item = Change> {
        let change = |part: &u16| Change {
            of: Versioned::Known(*part),
            is_written: true,
            before: match root.known_version(*part) {
                // If this fold wrote the part already, it overwrites it.
                Some(version) if version != root.k => version,
                _ => 0,
            },
        };
        self.written.iter().map(change)
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Finds the parts that hits change. If the parts become too large, all are written, in more
    /// and smaller parts.
    pub(super) fn known_task(&self, root: &Root, extent: &Extent) -> KnownTask {
        // At most `known_paths` paths are kept.
        let count = extent.paths.min(self.limits.known_paths as u64);
        let more = extent.known_bytes / extent.paths.max(1) * count;
        let known: u64 = root.known.iter().map(|part| part.bytes).sum();
        let wanted = (known + more).div_ceil(self.limits.part_bytes);
        let wanted = wanted.next_power_of_two().min(self.limits.parts_max.into()) as u16;
        let before = root.known_parts();
        let (parts, written): (u16, BTreeSet<u16>) = match extent.paths {
            0 => (before, BTreeSet::new()),
            _ if wanted > before => (wanted, (0..wanted).collect()),
            _ => (before, extent.known_parts.clone()),
        };
        let is_read = |part: &u16| parts != before || written.contains(part);
        let read = (0..before).filter(is_read);
        let read = read.filter_map(|part| Some((part, root.known_version(part)?)));
        KnownTask {
            parts,
            read: read.collect(),
            written,
        }
    }

    pub(super) async fn write_known(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        root: &mut Root,
        task: KnownTask,
        deltas: &Deltas,
        names: &Hashed,
    ) -> Result<(), Stop> {
        let ranges = self.ranges(root.aged_ms);
        let recent = Window::Month.span(&ranges);
        let mut values: Vec<(String, Vec<u8>)> = Vec::new();
        for chunk in task.read.chunks(self.limits.parts_at_once) {
            let names = chunk
                .iter()
                .map(|(part, version)| keys::known(*part, *version));
            let names: Vec<String> = names.collect();
            outbox.held().store().await?;
            let found = self.get_all(&names).await?;
            values.extend(names.into_iter().zip(found));
        }
        let mut changed: BTreeMap<u16, BTreeMap<(u32, &str), Known>> = BTreeMap::new();
        for (bucket, delta) in deltas.iter() {
            self.clock.give_way().await;
            for (path, hits) in delta.paths() {
                self.clock.give_way().await;
                let hash = names.hash(path);
                let paths = changed.entry(keys::part_of(hash, task.parts)).or_default();
                let path_key = names.names.text(path);
                let known = paths.entry((hash, path_key)).or_insert(Known::NEW);
                let (first_ms, last_ms) = hits.seen_ms();
                known.add(first_ms, last_ms, [(bucket, hits.count())]);
            }
        }
        // A path that was not called stays as it is stored.
        let mut others: BTreeMap<u16, Vec<(&str, PathRecord)>> = BTreeMap::new();
        for (name, bytes) in &values {
            self.clock.give_way().await;
            for record in path_records(name, bytes)? {
                let part = keys::part_of(record.hash, task.parts);
                let called = changed.get_mut(&part);
                match called.and_then(|paths| paths.get_mut(&(record.hash, record.key))) {
                    Some(called) => {
                        let known = record.known(name)?;
                        called.add(known.first_ms, known.last_ms, known.hits);
                    }
                    None => others.entry(part).or_default().push((name, record)),
                }
            }
        }
        root.known.resize(task.parts.into(), KnownRef::default());
        let most = self.limits.known_paths / usize::from(task.parts.max(1));
        for part in task.written {
            self.clock.give_way().await;
            let mut changed = changed.remove(&part).unwrap_or_default();
            let mut others = others.remove(&part).unwrap_or_default();
            keep_newest(&mut changed, &mut others, most)?;
            let encoded: Vec<_> = changed
                .into_iter()
                .map(|((hash, key), mut known)| {
                    known.age(&ranges, &recent);
                    (hash, key, encode_known(&known))
                })
                .collect();
            let mut records: Vec<PathRecord> = others.into_iter().map(|of| of.1).collect();
            records.extend(encoded.iter().map(|(hash, key, sums)| PathRecord {
                hash: *hash,
                key,
                sums,
            }));
            records.sort_unstable_by_key(|record| (record.hash, record.key));
            let key = keys::known(part, root.k);
            let value = encode_paths(&key, &records);
            if let Some(known) = root.known.get_mut(usize::from(part)) {
                *known = KnownRef {
                    version: root.k,
                    bytes: value.len() as u64,
                };
            }
            outbox.put(key, value).await?;
        }
        Ok(())
    }
}

impl Known {
    const NEW: Self = Self {
        first_ms: u64::MAX,
        last_ms: 0,
        hits: Vec::new(),
    };

    fn add(
        &mut self,
        first_ms: u64,
        last_ms: u64,
        hits: impl IntoIterator<Item = (BucketId, u64)>,
    ) {
        self.first_ms = self.first_ms.min(first_ms);
        self.last_ms = self.last_ms.max(last_ms);
        self.hits.extend(hits);
    }

    /// Brings the hits to the buckets of the present, and drops hits that are not recent.
    fn age(&mut self, ranges: &Ranges, recent: &Span) {
        let mut hits: BTreeMap<BucketId, u64> = BTreeMap::new();
        for (bucket, count) in &self.hits {
            let aged = bucket.aged(ranges);
            if recent.has(aged) {
                *hits.entry(aged).or_default() += count;
            }
        }
        self.hits = hits.into_iter().collect();
    }
}

/// Keeps the paths that were called last, as many as a part may have.
fn keep_newest(
    changed: &mut BTreeMap<(u32, &str), Known>,
    others: &mut Vec<(&str, PathRecord)>,
    most: usize,
) -> Result<(), LedgerError> {
    let too_many = (changed.len() + others.len()).saturating_sub(most);
    if too_many == 0 {
        return Ok(());
    }
    let mut seen: Vec<(u64, (u32, &str))> = changed
        .iter()
        .map(|(key, known)| (known.last_ms, *key))
        .collect();
    for (value_key, record) in &*others {
        let last_ms = record.known(value_key)?.last_ms;
        seen.push((last_ms, (record.hash, record.key)));
    }
    seen.sort_unstable();
    seen.truncate(too_many);
    let gone: BTreeSet<(u32, &str)> = seen.into_iter().map(|(_, key)| key).collect();
    changed.retain(|key, _| !gone.contains(key));
    others.retain(|(_, record)| !gone.contains(&(record.hash, record.key)));
    Ok(())
}
