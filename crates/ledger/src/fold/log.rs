//! Reading the log for one fold. A fold takes only its share, and never holds all stored bytes of
//! its share in memory at once.

use std::collections::BTreeMap;
use std::net::IpAddr;

use indexmap::IndexMap;
use rollcall_tally::hit::{CompactHit, Names};
use rollcall_tally::{Repairs, Traffic};

use super::batch_ids::BatchIds;
use super::erase::Erasing;
use crate::lease::Held;
use crate::portion::Portion;
use crate::stop::Stop;
use crate::stored::{DocumentChange, Root, SegmentReader, Uncounted, Why};
use crate::{Clock, Ledger, Store, keys};

/// After this many hits, others may go on.
const HITS_IN_STEP: u64 = 1_000;

/// The part of the log that one fold takes.
pub(crate) struct Pending {
    /// The time of the wall clock before the log was read.
    pub before_ms: u64,
    /// The numbers that the fold takes, and their stamps.
    segments: Vec<(u64, u64)>,
    /// The newest number that is folded after this fold.
    pub log: u64,
    pub open: BTreeMap<u64, u64>,
    pub skipped: u64,
    pub ids: BatchIds,
    pub repeated_batches: u64,
    /// The base's, and those of the numbers that the fold takes.
    pub uncounted: Uncounted,
    /// Some numbers were left for the next fold.
    pub is_full: bool,
    /// Hits by IP, without those from before an erasure of the IP.
    pub hits: IndexMap<IpAddr, Vec<CompactHit>>,
    pub erasing: Erasing,
    /// Changes of documents, with the number and the stamp of each.
    pub documents: Vec<(DocumentChange, u64, u64)>,
    pub names: Names,
    pub hit_count: u64,
    /// The base's traffic, and these hits.
    pub traffic: Traffic,
    /// What was repaired in the base's hits, and in these.
    pub repaired: Repairs,
}

impl Pending {
    pub fn segment_count(&self) -> u64 {
        self.segments.len() as u64
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Reads every open number, then the numbers above the base's log, up to the limits of one
    /// fold. The limits are halved `halvings` times, down to one segment.
    pub(crate) async fn read_log(
        &self,
        held: &Held<'_, S, C>,
        base: &Root,
        k: u64,
        top: u64,
        halvings: u32,
    ) -> Result<Pending, Stop> {
        let segments_max = (self.limits.fold_segments >> halvings.min(31)).max(1);
        let hits_max = (self.limits.fold_hits as u64) >> halvings.min(31);
        let ips_max = self.limits.fold_ips >> halvings.min(31);
        let text_bytes_max = self.limits.fold_text_bytes >> halvings.min(31);
        let ids = self.read_ids(held, &base.ids).await?;
        // The clock is read first, and only then the log. So a segment that is absent when the log
        // is read was absent at the clock's time, too.
        let before_ms = self.clock.wall_ms();
        let began_ms = self.clock.monotonic_ms();
        let mut pending = Pending {
            before_ms,
            segments: Vec::new(),
            log: base.log,
            open: base.open.clone(),
            skipped: 0,
            ids,
            repeated_batches: 0,
            uncounted: base.uncounted.clone(),
            is_full: false,
            hits: IndexMap::new(),
            erasing: Erasing::of(&base.erased),
            documents: Vec::new(),
            names: Names::default(),
            hit_count: 0,
            traffic: base.traffic.clone(),
            repaired: base.repaired,
        };
        let mut absent = Vec::new();
        let mut portion = Portion::of(1);
        let open: Vec<u64> = base.open.keys().copied().collect();
        let mut numbers = open.into_iter().chain(base.log + 1..=top).peekable();
        let is_full = |pending: &Pending| {
            let read_ms = self.clock.monotonic_ms().saturating_sub(began_ms);
            !pending.segments.is_empty()
                && (pending.segments.len() >= segments_max
                    || pending.hit_count >= hits_max
                    || pending.hits.len() + pending.erasing.ips() >= ips_max
                    || pending.names.bytes() >= text_bytes_max
                    || read_ms >= self.limits.fold_read_ms)
        };
        while numbers.peek().is_some() && !is_full(&pending) {
            let chunk: Vec<u64> = numbers.by_ref().take(portion.count()).collect();
            let wanted: Vec<String> = chunk.iter().map(|n| keys::log(*n)).collect();
            let mut found = held.store().await?.get_many(&wanted).await?;
            let bytes = found.values().map(Vec::len).sum();
            portion.learn(chunk.len(), bytes, &self.limits);
            for (n, key) in chunk.into_iter().zip(wanted) {
                // The rest of the chunk is left to the next fold, as if nobody had looked at it.
                if is_full(&pending) {
                    pending.is_full = true;
                    break;
                }
                match found.remove(&key) {
                    Some(bytes) => {
                        let segment = SegmentReader::new(&key, &bytes)?;
                        pending.segments.push((n, segment.stamp_ms));
                        self.take_segment(&mut pending, n, segment, k).await?;
                    }
                    None => absent.push(n),
                }
            }
        }
        pending.is_full |= numbers.peek().is_some();
        let newest = pending.segments.last().map_or(0, |(n, _)| *n);
        pending.log = base.log.max(newest);
        self.settle_open(&mut pending, absent);
        Ok(pending)
    }

    /// Takes the erasures and the documents of a segment, and its hits, unless its batch was counted
    /// already.
    async fn take_segment(
        &self,
        pending: &mut Pending,
        n: u64,
        mut segment: SegmentReader<'_>,
        k: u64,
    ) -> Result<(), Stop> {
        let (stamp_ms, per_chunk) = (segment.stamp_ms, self.limits.ids_per_chunk);
        let is_known = segment
            .id
            .is_some_and(|id| !pending.ids.insert(id, stamp_ms, k, per_chunk));
        if is_known {
            pending.repeated_batches += 1;
            let most = self.limits.uncounted;
            pending.uncounted.note(n, Why::Repeated, most);
        } else {
            pending.repaired.merge(&segment.repaired);
        }
        pending.erasing.see(stamp_ms);
        for ip in std::mem::take(&mut segment.erased) {
            let hits = pending.hits.swap_remove(&ip).unwrap_or_default();
            pending.erasing.erase(ip, stamp_ms, n, hits);
        }
        let changes = std::mem::take(&mut segment.documents).into_iter();
        let changes = changes.map(|change| (change, n, stamp_ms));
        pending.documents.extend(changes);
        while let Some((ip, hit)) = segment.next()? {
            if segment.hits.is_multiple_of(HITS_IN_STEP) {
                self.clock.give_way().await;
            }
            if !is_known {
                pending.hit_count += 1;
                pending.traffic.add(hit.method, hit.measures);
                let hit = pending.names.compact(&hit);
                match pending.erasing.old(ip, hit.timestamp_ms, n) {
                    Some(old) => old.push(hit),
                    None => pending.hits.entry(ip).or_default().push(hit),
                }
            }
        }
        Ok(())
    }

    /// Decides which numbers below `log` stay open. The age of an open number counts from the
    /// oldest stamp of a later segment that was written when the number was first seen open.
    ///
    /// A number that was looked at just now and has been absent for too long is dropped: its writer
    /// can no longer acknowledge it. An open number that this fold did not reach stays open.
    fn settle_open(&self, pending: &mut Pending, absent: Vec<u64>) {
        let before_ms = pending.before_ms;
        for (n, _) in &pending.segments {
            pending.open.remove(n);
        }
        // Finds the oldest stamp of a later segment for each absent number, from the newest number
        // down.
        let mut later = pending.segments.iter().rev().peekable();
        let mut oldest_ms = u64::MAX;
        for n in absent.into_iter().rev().filter(|n| *n <= pending.log) {
            while let Some((_, stamp_ms)) = later.next_if(|(m, _)| *m > n) {
                oldest_ms = oldest_ms.min(*stamp_ms);
            }
            let since_ms = *pending.open.entry(n).or_insert(oldest_ms);
            if before_ms.saturating_sub(since_ms) > self.limits.skip_after_ms {
                pending.open.remove(&n);
                pending.skipped += 1;
                let most = self.limits.uncounted;
                pending.uncounted.note(n, Why::Dropped, most);
            }
        }
    }
}
