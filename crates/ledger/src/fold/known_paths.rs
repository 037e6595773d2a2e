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
use crate::stored::{Change, Known, KnownRef, Root, Versioned, decode_known, encode_known};
use crate::{Clock, Ledger, Store};

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
        let mut all: BTreeMap<u16, Paths> = BTreeMap::new();
        for chunk in task.read.chunks(self.limits.parts_at_once) {
            let names: Vec<String> = chunk
                .iter()
                .map(|(part, version)| keys::known(*part, *version))
                .collect();
            outbox.held().store().await?;
            for (name, bytes) in names.iter().zip(self.get_all(&names).await?) {
                self.clock.give_way().await;
                decode_known(
                    name,
                    &bytes,
                    |_| true,
                    |path_key, known| {
                        let hash = keys::path_hash(path_key);
                        let paths = all.entry(keys::part_of(hash, task.parts)).or_default();
                        paths.insert((hash, path_key.to_owned()), known);
                    },
                )?;
            }
        }
        for (bucket, delta) in deltas.iter() {
            self.clock.give_way().await;
            for (path, hits) in delta.paths() {
                self.clock.give_way().await;
                let hash = names.hash(path);
                let paths = all.entry(keys::part_of(hash, task.parts)).or_default();
                let path_key = names.names.text(path).to_owned();
                let known = paths.entry((hash, path_key)).or_insert_with(|| Known {
                    first_ms: u64::MAX,
                    ..Known::default()
                });
                let (first_ms, last_ms) = hits.seen_ms();
                known.first_ms = known.first_ms.min(first_ms);
                known.last_ms = known.last_ms.max(last_ms);
                known.hits.push((bucket, hits.count()));
            }
        }
        root.known.resize(task.parts.into(), KnownRef::default());
        let most = self.limits.known_paths / usize::from(task.parts.max(1));
        for part in task.written {
            self.clock.give_way().await;
            let mut paths = all.remove(&part).unwrap_or_default();
            keep_newest(&mut paths, most);
            for known in paths.values_mut() {
                known.age(&ranges, &recent);
            }
            let listed: Vec<(u32, &str, &Known)> = paths
                .iter()
                .map(|((hash, path_key), known)| (*hash, path_key.as_str(), known))
                .collect();
            let key = keys::known(part, root.k);
            let value = encode_known(&key, &listed);
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

type Paths = BTreeMap<(u32, String), Known>;

impl Known {
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
fn keep_newest(all: &mut Paths, most: usize) {
    if all.len() <= most {
        return;
    }
    let mut newest: Vec<(u64, (u32, String))> = all
        .iter()
        .map(|(key, known)| (known.last_ms, key.clone()))
        .collect();
    newest.sort_unstable();
    let too_many = newest.len() - most;
    for (_, key) in newest.into_iter().take(too_many) {
        all.remove(&key);
    }
}
