//! Hits become rollups: which buckets a fold writes, and from which values.
//!
//! Buckets are read, changed and written one by one, small ones a few at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::hit::Names;
use rollcall_tally::hour_of_week::HourOfWeek;
use rollcall_tally::rollup::{Delta, Deltas, Totals};

use super::merge::{From, Piece, Pieces, Written};
use super::outbox::Outbox;
use crate::keys;
use crate::stop::Stop;
use crate::stored::{
    Bucket, Change, PathRecord, RollupRef, Root, Versioned, decode_totals, encode_paths,
    encode_totals, path_records,
};
use crate::{Clock, Ledger, Store};

/// After this many paths, others may go on.
const PATHS_IN_STEP: u64 = 256;

/// The work of a fold on one bucket.
struct Task {
    bucket: Bucket,
    /// The stored bucket, if there is one, and the stored buckets that are poured into it.
    sources: Vec<RollupRef>,
    parts: u16,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Writes each bucket that hits changed, and each bucket that others are poured into. Takes the
    /// erased IPs out of the lists of the heaviest. The plan names all these values first.
    pub(super) async fn write_rollups(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        root: &mut Root,
        mut deltas: Deltas,
        erased: &BTreeSet<IpAddr>,
    ) -> Result<(), Stop> {
        deltas.settle(async || self.clock.give_way().await).await;
        let names = Hashed::of(std::mem::take(&mut deltas.names));
        let extent = self.extent(root, &deltas, &names).await;
        let tasks = self.tasks(root, &extent);
        let known = self.known_task(root, &extent);
        let changes = tasks.iter().flat_map(|task| task.changes(root.k));
        let mut heaviest = deltas.take_heaviest();
        self.add_lists_of(outbox, root, erased, &mut heaviest)
            .await?;
        let changes = changes.chain(known.changes(root));
        outbox.plan(changes.chain(self.heaviest_changes(root, &heaviest)));
        self.write_heaviest(outbox, root, heaviest, erased).await?;
        self.write_known(outbox, root, known, &deltas, &names)
            .await?;
        let mut tasks = tasks.as_slice();
        while !tasks.is_empty() {
            let (group, rest) = tasks.split_at(self.group(tasks));
            tasks = rest;
            let mut values = self.read_sources(outbox, group).await?;
            for task in group {
                let delta = deltas.take(task.bucket.into()).unwrap_or_default();
                let written = self
                    .write_bucket(outbox, task, (delta, &names), &mut values, root.k)
                    .await?;
                let is_poured = |known: &RollupRef| {
                    let mut sources = task.sources.iter();
                    sources.any(|of| of.bucket == known.bucket)
                };
                root.rollups.retain(|known| !is_poured(known));
                root.rollups.push(written);
            }
        }
        root.rollups.sort_unstable_by_key(|known| known.bucket);
        Ok(())
    }

    /// How many of the next buckets are read at once: one, or as many small ones as fit into one
    /// call.
    fn group(&self, tasks: &[Task]) -> usize {
        let mut bytes = 0;
        let fits = |task: &&Task| {
            bytes += task.sources.iter().map(|of| of.bytes).sum::<u64>();
            bytes <= self.limits.chunk_bytes as u64
        };
        tasks.iter().take_while(fits).count().max(1)
    }

    /// The stored values that some buckets are made from, by key.
    async fn read_sources(
        &self,
        outbox: &Outbox<'_, '_, S, C>,
        tasks: &[Task],
    ) -> Result<HashMap<String, Vec<u8>>, Stop> {
        let sources = || tasks.iter().flat_map(|task| &task.sources);
        let bytes: u64 = sources().map(|of| of.bytes).sum();
        let names: Vec<String> = sources().flat_map(RollupRef::keys).collect();
        let at_once = match bytes <= self.limits.chunk_bytes as u64 {
            true => self.limits.chunk,
            false => self.limits.parts_at_once,
        };
        let mut values = HashMap::new();
        for chunk in names.chunks(at_once) {
            outbox.held().store().await?;
            values.extend(chunk.iter().cloned().zip(self.get_all(chunk).await?));
        }
        Ok(values)
    }

    /// Which buckets are written.
    fn tasks(&self, root: &Root, extent: &Extent) -> Vec<Task> {
        let ranges = self.ranges(root.aged_ms);
        let mut sources: BTreeMap<BucketId, Vec<RollupRef>> = BTreeMap::new();
        let mut wanted: BTreeSet<BucketId> = extent.buckets.keys().copied().collect();
        for known in &root.rollups {
            let bucket = BucketId::from(known.bucket);
            let aged = bucket.aged(&ranges);
            if aged != bucket {
                wanted.insert(aged);
            }
            sources.entry(aged).or_default().push(*known);
        }
        let task = |bucket: BucketId| {
            let sources = sources.remove(&bucket).unwrap_or_default();
            let known: u64 = sources.iter().map(|of| of.bytes).sum();
            let more = extent.buckets.get(&bucket).copied().unwrap_or_default();
            let parts = (known + more)
                .div_ceil(self.limits.part_bytes)
                .next_power_of_two();
            // If this fold wrote the bucket already, it overwrites all the parts. So their number
            // never shrinks.
            let mine = sources.iter().filter(|of| of.version == root.k);
            let least = mine.map(|of| of.parts).max().unwrap_or(1);
            let parts = parts.min(self.limits.parts_max.into()) as u16;
            Task {
                bucket: bucket.into(),
                parts: parts.max(least),
                sources,
            }
        };
        wanted.into_iter().map(task).collect()
    }

    /// Measures the deltas. Goes through all of their paths once.
    async fn extent(&self, root: &Root, deltas: &Deltas, names: &Hashed) -> Extent {
        let mut extent = Extent::default();
        for (bucket, delta) in deltas.iter() {
            let (mut bytes, mut count) = (0, 0);
            for (path, hits) in delta.paths() {
                if count % PATHS_IN_STEP == 0 {
                    self.clock.give_way().await;
                }
                let length = names.names.text(path).len() as u64;
                bytes += length + 40 + 16 * hits.count().min(1_000);
                count += 1;
                extent.known_bytes += length + 30;
                let part = keys::part_of(names.hash(path), root.known_parts());
                extent.known_parts.insert(part);
            }
            extent.paths += count;
            // A bucket has at most so many paths by name.
            let by_name = count.min(self.limits.bucket_paths as u64);
            let bytes = bytes / count.max(1) * by_name;
            extent.buckets.insert(bucket, bytes);
        }
        extent
    }

    async fn write_bucket(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        task: &Task,
        (delta, names): (Delta, &Hashed),
        values: &mut HashMap<String, Vec<u8>>,
        k: u64,
    ) -> Result<RollupRef, Stop> {
        let mut totals = Totals::default();
        let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
        for of in &task.sources {
            let name = keys::totals(of.bucket, of.version);
            let bytes = values.remove(&name).ok_or(Stop::Lost)?;
            let mut source = decode_totals(&name, &bytes)?;
            let (from, to) = (BucketId::from(of.bucket), BucketId::from(task.bucket));
            if from.tier < Tier::Day && to.tier >= Tier::Day {
                let calendar = self.limits.zone.calendar(from.start_ms);
                source.are_in(HourOfWeek::of(from.start_ms, &calendar));
            }
            totals.merge(&source);
            for part in 0..of.parts {
                let name = keys::paths(of.bucket, part, of.version);
                let bytes = values.remove(&name).ok_or(Stop::Lost)?;
                parts.push((name, bytes));
            }
        }
        totals.merge(&delta.totals);
        totals.settle(&delta);
        let give_way = async || self.clock.give_way().await;
        totals.bound(self.limits.bucket_groups, give_way).await;
        let key = keys::totals(task.bucket, k);
        let value = encode_totals(&key, &mut totals);
        outbox.put(key, value).await?;

        let mut pieces = Pieces::of(task.parts);
        for (name, bytes) in &parts {
            self.clock.give_way().await;
            for record in path_records(name, bytes)? {
                pieces.push(Piece {
                    hash: record.hash,
                    key: record.key,
                    from: From::Stored(name, record),
                });
            }
        }
        for (path, hits) in delta.paths() {
            self.clock.give_way().await;
            pieces.push(Piece {
                hash: names.hash(path),
                key: names.names.text(path),
                from: From::Hits(hits),
            });
        }
        let written = self.merge(&mut pieces, &delta, &names.names).await?;
        let mut bytes = 0;
        // The paths are sorted by hash, and so are the parts.
        let mut left = written.as_slice();
        for part in 0..task.parts {
            self.clock.give_way().await;
            let is_of = |path: &Written| keys::part_of(path.record().hash, task.parts) <= part;
            let (mine, rest) = left.split_at(left.partition_point(is_of));
            left = rest;
            let records: Vec<PathRecord> = mine.iter().map(Written::record).collect();
            let key = keys::paths(task.bucket, part, k);
            let value = encode_paths(&key, &records);
            bytes += value.len() as u64;
            outbox.put(key, value).await?;
        }
        Ok(RollupRef {
            bucket: task.bucket,
            version: k,
            parts: task.parts,
            bytes,
        })
    }
}

/// About how much the hits of a fold add to the rollups.
#[derive(Default)]
pub(super) struct Extent {
    /// The bytes of paths that each bucket gets.
    buckets: BTreeMap<BucketId, u64>,
    /// Paths of all buckets together.
    pub paths: u64,
    /// The bytes that the known paths get, if each path of a bucket is new.
    pub known_bytes: u64,
    /// The present parts of the known paths that change.
    pub known_parts: BTreeSet<u16>,
}

/// The names of the hits, and the hash of each.
pub(super) struct Hashed {
    pub names: Names,
    hashes: Vec<u32>,
}

impl Hashed {
    fn of(names: Names) -> Self {
        let hashes = names.texts().map(keys::path_hash).collect();
        Self { names, hashes }
    }

    pub fn hash(&self, number: u32) -> u32 {
        let hash = self.hashes.get(number as usize);
        hash.copied().unwrap_or_default()
    }
}

impl RollupRef {
    /// The keys of the bucket's totals and of its parts.
    pub fn keys(&self) -> impl Iterator<Item = String> + use<> {
        let of = *self;
        let parts = (0..of.parts).map(move |part| keys::paths(of.bucket, part, of.version));
        parts.chain([keys::totals(of.bucket, of.version)])
    }
}

impl Task {
    /// The values that the fold writes for the bucket, and the versions that they replace.
    fn changes(&self, k: u64) -> Vec<Change> {
        let mut before: BTreeMap<Versioned, u64> = BTreeMap::new();
        for of in self.sources.iter().filter(|of| of.version != k) {
            before.insert(Versioned::Totals(of.bucket), of.version);
            let parts = (0..of.parts).map(|part| Versioned::Paths(of.bucket, part));
            before.extend(parts.map(|part| (part, of.version)));
        }
        let mut written: BTreeSet<Versioned> = (0..self.parts)
            .map(|part| Versioned::Paths(self.bucket, part))
            .collect();
        written.insert(Versioned::Totals(self.bucket));
        let all: BTreeSet<Versioned> = written.iter().chain(before.keys()).copied().collect();
        let change = |of| Change {
            of,
            is_written: written.contains(&of),
            before: before.get(&of).copied().unwrap_or(0),
        };
        all.into_iter().map(change).collect()
    }
}
