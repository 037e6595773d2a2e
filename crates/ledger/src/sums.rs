//! Questions about all IPs together, answered from the rollups of one root.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rollcall_tally::bucket::BucketId;
use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::rollup::{Compared, GroupSums, IpSet, Needed, PathSums, Sums, Wanted};
use rollcall_tally::summary::count_in;
use rollcall_tally::window::{Ranges, Window};
use rollcall_tally::{RecentActivity, Slice, Summary};

use crate::stored::{PathRecord, RollupRef, Root, decode_known, path_records, read_totals};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The approximate bytes of paths in one slice, if a question is about all paths.
const SLICE_BYTES: u64 = 16 << 20;
/// The most slices. A power of two.
const SLICES_MAX: u64 = 64;
/// The totals that one store call reads.
const TOTALS_AT_ONCE: usize = 32;
/// The approximate bytes that one store call reads, and the values.
const CALL_BYTES: u64 = 512 << 10;
const CALL_VALUES: usize = 64;
/// The approximate bytes of paths in memory at once.
const SHARE_BYTES: u64 = 4 << 20;

impl RollupRef {
    /// About how many bytes a part has.
    fn part_bytes(&self) -> u64 {
        self.bytes / u64::from(self.parts.max(1))
    }
}

impl Root {
    /// The best number of slices for a question about all paths.
    pub fn slices(&self) -> u32 {
        let bytes: u64 = self.rollups.iter().map(|of| of.bytes).sum();
        let slices = bytes.div_ceil(SLICE_BYTES).max(1).next_power_of_two();
        slices.min(SLICES_MAX) as u32
    }

    /// The keys of the rollups, of the parts of known paths, and of the lists of the heaviest.
    pub fn rollup_keys(&self) -> Vec<String> {
        let known = (0..self.known_parts())
            .filter_map(|part| Some(keys::known(part, self.known_version(part)?)));
        let rollups = self.rollups.iter().flat_map(RollupRef::keys);
        let lists = self.heaviest.iter();
        let lists = lists.map(|(list, version)| keys::heaviest(*list, *version));
        known.chain(rollups).chain(lists).collect()
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Answers a slice of a question. An IP is active if it was seen in a bucket from
    /// `active_from_ms` on.
    pub async fn sums(&self, slice: &Slice, active_from_ms: u64) -> Result<Summary, LedgerError> {
        let key = keys::root(slice.root);
        let root = self.root_at(slice.root).await?;
        let root = root.ok_or(LedgerError::Gone { key })?;
        let ranges = self.ranges(slice.as_of_ms);
        let mut sums = Sums::new(slice, &ranges, active_from_ms);
        self.add_totals(&root, &mut sums).await?;
        let share = Share::of(slice);
        match slice.filter.is_on_paths() {
            true => {
                self.add_matching_paths(&root, slice, share, &mut sums)
                    .await?;
            }
            false => self.add_paths(&root, share, &mut sums).await?,
        }
        let mut summary = sums.finish();
        if slice.number == 0 {
            summary.answered = root.ips;
            summary.first_seen_ms = root.first_seen_ms;
        }
        self.add_known(&root, slice, &ranges, &mut summary).await?;
        Ok(summary)
    }

    async fn add_totals(&self, root: &Root, sums: &mut Sums<'_>) -> Result<(), LedgerError> {
        let wanted = root.rollups.iter().filter_map(|of| {
            let wanted = sums.wanted(of.bucket.into());
            let key = || keys::totals(of.bucket, of.version);
            sums.wants_totals(wanted).then(|| (wanted, key()))
        });
        let wanted: Vec<_> = wanted.collect();
        for chunk in wanted.chunks(TOTALS_AT_ONCE) {
            let names: Vec<String> = chunk.iter().map(|(_, key)| key.clone()).collect();
            let values = self.get_all(&names).await?;
            for ((wanted, key), bytes) in chunk.iter().zip(values) {
                self.clock.give_way().await;
                let by = sums.dimension();
                let mut groups = Vec::new();
                let (new_ips, time_max_us) = read_totals(
                    key,
                    &bytes,
                    |country, tally, ips| sums.add_country(*wanted, country, tally, ips),
                    |dimension| by == Some(dimension),
                    |_, name, tally, ips| {
                        let tally = std::mem::take(tally);
                        groups.push((name.to_owned(), GroupSums { tally, ips }));
                    },
                )?;
                for (name, group) in groups {
                    self.clock.give_way().await;
                    sums.add_group(*wanted, &name, &group);
                }
                sums.add_totals(*wanted, new_ips, time_max_us);
            }
        }
        Ok(())
    }

    /// Adds the paths of the buckets that matter, one after the other.
    async fn add_paths(
        &self,
        root: &Root,
        share: Share,
        sums: &mut Sums<'_>,
    ) -> Result<(), LedgerError> {
        let buckets = root.rollups.iter();
        let buckets = buckets.map(|of| (sums.wanted(of.bucket.into()), of));
        let buckets = buckets.filter(|(wanted, _)| sums.wants_paths(*wanted));
        let buckets: Vec<(Wanted, &RollupRef)> = buckets.collect();
        let bytes: u64 = buckets.iter().map(|(_, of)| share.bytes(of)).sum();
        for share in share.split(bytes.div_ceil(SHARE_BYTES)) {
            let (mut parts, mut names, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
            for (wanted, of) in &buckets {
                for part in share.parts(of) {
                    parts.push(*wanted);
                    names.push(keys::paths(of.bucket, part, of.version));
                    sizes.push(of.part_bytes());
                }
            }
            let mut values: Vec<Vec<u8>> = Vec::with_capacity(names.len());
            let mut left = names.as_slice();
            for count in calls(sizes) {
                let (chunk, rest) = left.split_at(count);
                left = rest;
                values.extend(self.get_all(chunk).await?);
            }
            let mut records: Vec<Record> = Vec::new();
            for ((wanted, key), bytes) in parts.iter().zip(&names).zip(&values) {
                self.clock.give_way().await;
                let of_share = path_records(key, bytes)?.into_iter();
                let of_share = of_share.filter(|record| share.has(record));
                records.extend(of_share.map(|record| (key, *wanted, record)));
            }
            // Paths with equal hashes are rare. So most paths are not compared as texts.
            records.sort_unstable_by_key(|(.., record)| record.hash);
            for equal in records.chunk_by_mut(|(.., a), (.., b)| a.hash == b.hash) {
                self.clock.give_way().await;
                let is_same = |(.., a): &Record, (.., b): &Record| a.key == b.key;
                if !equal.is_sorted_by(is_same) {
                    equal.sort_unstable_by_key(|(.., record)| record.key);
                }
                for path in equal.chunk_by(is_same) {
                    add_path(path, sums)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the paths that a condition lets through, bucket by bucket.
    async fn add_matching_paths(
        &self,
        root: &Root,
        slice: &Slice,
        share: Share,
        sums: &mut Sums<'_>,
    ) -> Result<(), LedgerError> {
        let with_others = slice.filter.may_mean_other_paths();
        let others = keys::path_hash(OTHER_PATHS);
        let mut wanted = Vec::new();
        for of in &root.rollups {
            let bucket = sums.wanted(of.bucket.into());
            if sums.wants_paths(bucket) {
                let others = with_others.then(|| keys::part_of(others, of.parts));
                let others = others.filter(|part| !share.parts(of).contains(part));
                let parts = share.parts(of).chain(others);
                wanted.extend(parts.map(|part| (bucket, keys::paths(of.bucket, part, of.version))));
            }
        }
        for chunk in wanted.chunks(self.limits.parts_at_once) {
            let names: Vec<String> = chunk.iter().map(|(_, key)| key.clone()).collect();
            let values = self.get_all(&names).await?;
            for ((bucket, key), bytes) in chunk.iter().zip(values) {
                self.clock.give_way().await;
                for record in path_records(key, &bytes)? {
                    if with_others && record.key == OTHER_PATHS {
                        sums.add_other_paths(*bucket, record.count());
                    }
                    if share.has(&record) && slice.filter.lets_path(record.key) {
                        let mut path = PathSums::default();
                        record.add_to(key, &mut path)?;
                        sums.add_bucket(*bucket, record.key, &path);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the first hit, the last hit and the recent past of each path that the answer names. If
    /// the question has a condition on paths, adds also the first and the last hit of all matching
    /// paths.
    async fn add_known(
        &self,
        root: &Root,
        slice: &Slice,
        ranges: &Ranges,
        summary: &mut Summary,
    ) -> Result<(), LedgerError> {
        let of_all = slice.filter.is_on_paths();
        let count = root.known_parts();
        let part_of = |path_key: &str| keys::part_of(keys::path_hash(path_key), count);
        let mut parts: Vec<u16> = match (&slice.filter.path_key, of_all) {
            (Some(path_key), _) => vec![part_of(path_key)],
            (None, true) => (0..count).collect(),
            (None, false) => summary
                .paths
                .iter()
                .map(|path| part_of(&path.path_key))
                .collect(),
        };
        parts.sort_unstable();
        parts.dedup();
        let names: Vec<String> = parts
            .into_iter()
            .filter_map(|part| Some(keys::known(part, root.known_version(part)?)))
            .collect();
        let (mut first_ms, mut last_ms): (Option<u64>, Option<u64>) = (None, None);
        let paths = &mut summary.paths;
        let named = paths.iter().enumerate();
        let named: HashMap<String, usize> = named
            .map(|(at, path)| (path.path_key.clone(), at))
            .collect();
        for chunk in names.chunks(self.limits.parts_at_once) {
            for (key, bytes) in chunk.iter().zip(self.get_all(chunk).await?) {
                self.clock.give_way().await;
                let is_wanted = |path_key: &str| match of_all {
                    true => slice.filter.lets_path(path_key),
                    false => named.contains_key(path_key),
                };
                decode_known(key, &bytes, is_wanted, |path_key, known| {
                    first_ms = first_ms.into_iter().chain([known.first_ms]).min();
                    last_ms = last_ms.max(Some(known.last_ms));
                    let path = named.get(path_key).and_then(|at| paths.get_mut(*at));
                    if let Some(path) = path {
                        path.first_seen_ms = known.first_ms;
                        path.last_seen_ms = known.last_ms;
                        path.recent = recent(&known.hits, ranges);
                    }
                })?;
            }
        }
        if of_all {
            summary.first_seen_ms = first_ms;
            summary.last_seen_ms = last_ms;
        }
        Ok(())
    }
}

/// The hits of a path in the last day, week and month.
fn recent(hits: &[(BucketId, u64)], ranges: &Ranges) -> RecentActivity {
    let count = |window: Window| {
        let span = window.span(ranges);
        let within = hits
            .iter()
            .filter(|(bucket, _)| span.has(bucket.aged(ranges)));
        within.map(|(_, count)| count).sum()
    };
    RecentActivity {
        last24h: count(Window::Day),
        last7d: count(Window::Week),
        last30d: count(Window::Month),
    }
}

/// The key of a stored part, the parts of the question that its bucket matters for, and a path in
/// it.
type Record<'b> = (&'b String, Wanted, PathRecord<'b>);

/// How many of the next values each store call reads, given the bytes of each value.
fn calls(sizes: Vec<u64>) -> Vec<usize> {
    let mut calls: Vec<usize> = Vec::new();
    let mut bytes = 0;
    for size in sizes {
        bytes += size;
        match calls.last_mut() {
            Some(count) if bytes <= CALL_BYTES && *count < CALL_VALUES => *count += 1,
            _ => {
                calls.push(1);
                bytes = size;
            }
        }
    }
    calls
}

/// Adds a path that is in these records. Reads no more of them than the answer needs.
fn add_path(records: &[Record<'_>], sums: &mut Sums<'_>) -> Result<(), LedgerError> {
    let Some((.., first)) = records.first() else {
        return Ok(());
    };
    let in_window = || records.iter().filter(|(_, wanted, _)| wanted.in_window);
    let in_other = || records.iter().filter(|(_, wanted, _)| wanted.in_other);
    let hits = in_window().map(|(.., record)| record.count()).sum();
    let before_hits = in_other().map(|(.., record)| record.count()).sum();
    match sums.count_path(first.key, hits, before_hits) {
        Needed::All => {
            let (mut now, mut before) = (PathSums::default(), PathSums::default());
            let mut buckets = Vec::new();
            for (key, wanted, record) in in_window() {
                record.add_to(key, &mut now)?;
                if let Some(start_ms) = sums.listed_bucket_ms(*wanted) {
                    count_in(&mut buckets, start_ms, record.count());
                }
            }
            for (key, _, record) in in_other() {
                record.add_to(key, &mut before)?;
            }
            let before = before.tally;
            let compared = Compared {
                now,
                buckets,
                before,
            };
            sums.add_path(first.key, compared);
        }
        Needed::Ips => {
            let mut ips = IpSet::default();
            for (key, _, record) in in_window() {
                record.add_ips_to(key, &mut ips)?;
            }
            sums.add_ips(&mut ips);
        }
        Needed::Nothing => {}
    }
    Ok(())
}

/// A share of all paths, by their hashes.
#[derive(Clone, Copy)]
struct Share {
    first: u32,
    last: u32,
}

impl Share {
    fn of(slice: &Slice) -> Self {
        if let Some(path_key) = &slice.filter.path_key {
            let hash = keys::path_hash(path_key);
            return Self {
                first: hash,
                last: hash,
            };
        }
        let count = u64::from(slice.count.max(1));
        let start = |number: u64| (number << 32).div_ceil(count);
        let number = u64::from(slice.number).min(count - 1);
        Self {
            first: start(number) as u32,
            last: (start(number + 1) - 1) as u32,
        }
    }

    /// Cuts the share into about this many shares of equal length.
    fn split(self, count: u64) -> impl Iterator<Item = Self> {
        let (first, end) = (u64::from(self.first), u64::from(self.last) + 1);
        let count = count.clamp(1, end - first);
        let start = move |number: u64| first + (end - first) * number / count;
        (0..count).map(move |number| Self {
            first: start(number) as u32,
            last: (start(number + 1) - 1) as u32,
        })
    }

    /// About how many bytes of a bucket are in this share.
    fn bytes(&self, of: &RollupRef) -> u64 {
        of.part_bytes() * self.parts(of).count() as u64
    }

    fn has(&self, record: &PathRecord<'_>) -> bool {
        (self.first..=self.last).contains(&record.hash)
    }

    /// The parts of a bucket that have paths of this share.
    fn parts(&self, of: &RollupRef) -> RangeInclusive<u16> {
        keys::part_of(self.first, of.parts)..=keys::part_of(self.last, of.parts)
    }
}
