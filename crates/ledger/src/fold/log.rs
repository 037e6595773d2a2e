//! What waits in the log, as one fold takes it: no more than its share, and never all of it in memory as it is stored.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_tally::{Hit, Traffic};

use super::batch_ids::BatchIds;
use crate::lease::Held;
use crate::portion::Portion;
use crate::stop::Stop;
use crate::stored::{Root, SegmentReader};
use crate::{Clock, Ledger, Store, keys};

/// Hits read before others may go on.
const HITS_IN_STEP: u64 = 1_000;

/// The log, as a fold found it.
pub(crate) struct Pending {
    /// When it looked.
    pub before_ms: u64,
    /// The numbers that it takes, and their stamps.
    segments: Vec<(u64, u64)>,
    /// The newest number that is folded after this.
    pub log: u64,
    pub open: BTreeMap<u64, u64>,
    pub skipped: u64,
    pub ids: BatchIds,
    pub repeated_batches: u64,
    /// Some were left for the next fold.
    pub is_full: bool,
    pub hits: BTreeMap<IpAddr, Vec<Hit>>,
    pub hit_count: u64,
    /// The base's, with these hits.
    pub traffic: Traffic,
}

impl Pending {
    pub fn segment_count(&self) -> u64 {
        self.segments.len() as u64
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Every open number, then what is above the base's log, up to the limits of one fold: `halvings` times halved, down to one segment.
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
        let ids = self.read_ids(held, &base.ids).await?;
        // The clock first, and only then the log: what is absent now was absent then or was written since.
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
            is_full: false,
            hits: BTreeMap::new(),
            hit_count: 0,
            traffic: base.traffic.clone(),
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
                    || read_ms >= self.limits.fold_read_ms)
        };
        while numbers.peek().is_some() && !is_full(&pending) {
            let chunk: Vec<u64> = numbers.by_ref().take(portion.count()).collect();
            let wanted: Vec<String> = chunk.iter().map(|n| keys::log(*n)).collect();
            let mut found = held.store().await?.get_many(&wanted).await?;
            let bytes = found.values().map(Vec::len).sum();
            portion.learn(chunk.len(), bytes, &self.limits);
            for (n, key) in chunk.into_iter().zip(wanted) {
                // The rest of the chunk is left to the next fold, as if it had not been looked at.
                if is_full(&pending) {
                    pending.is_full = true;
                    break;
                }
                match found.remove(&key) {
                    Some(bytes) => {
                        let segment = SegmentReader::new(&key, &bytes)?;
                        pending.segments.push((n, segment.stamp_ms));
                        self.take_segment(&mut pending, segment, k).await?;
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

    /// Takes the hits of a segment, unless its batch was counted already.
    async fn take_segment(
        &self,
        pending: &mut Pending,
        mut segment: SegmentReader<'_>,
        k: u64,
    ) -> Result<(), Stop> {
        let (stamp_ms, per_chunk) = (segment.stamp_ms, self.limits.ids_per_chunk);
        let is_known = segment
            .id
            .is_some_and(|id| !pending.ids.insert(id, stamp_ms, k, per_chunk));
        pending.repeated_batches += u64::from(is_known);
        while let Some(hit) = segment.next()? {
            if segment.hits.is_multiple_of(HITS_IN_STEP) {
                self.clock.give_way().await;
            }
            if !is_known {
                pending.hit_count += 1;
                pending.traffic.add(&hit);
                pending.hits.entry(hit.ip).or_default().push(hit);
            }
        }
        Ok(())
    }

    /// Which numbers below `log` stay open, each since a later one was written. Those that were looked at just now and are absent for
    /// too long are dropped: their writers can no longer acknowledge them. Open ones that this fold did not get to stay as they are.
    fn settle_open(&self, pending: &mut Pending, absent: Vec<u64>) {
        let before_ms = pending.before_ms;
        for (n, _) in &pending.segments {
            pending.open.remove(n);
        }
        // For each absent number, the oldest stamp of a later segment: walk down from the newest.
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
            }
        }
    }
}
