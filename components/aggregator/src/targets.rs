//! The IPs that are asked: the IPs of one snapshot that the question's filter lets through, and
//! that were seen within the question's time.

use std::time::Instant;

use futures::stream::{self, Stream, StreamExt, TryChunksError, TryStreamExt};
use rollcall_tally::question::Query;
use rollcall_tally::rollup::heaviest::Others;
use rollcall_tally::{Batch, Failure, HeaviestQuery, IpList, IpRef, ShardRange, Snapshot};

use crate::collector;
use crate::retry::ask_twice;
use crate::settings::Settings;

/// The number of shards listed by one request.
const SHARDS_AT_ONCE: u32 = 32;

/// All IPs to ask, for an answer that says how many of them answered.
pub struct Targets {
    pub snapshot: Snapshot,
    pub ips: Vec<IpRef>,
    /// IPs seen within `active_days`. The window does not matter.
    pub active: u64,
    pub began: Instant,
}

impl Targets {
    pub async fn gather(
        settings: &Settings,
        query: &Query,
        snapshot: &Snapshot,
        began: Instant,
    ) -> Result<Self, Failure> {
        let empty = Self {
            snapshot: snapshot.clone(),
            ips: Vec::new(),
            active: 0,
            began,
        };
        stream::iter(shard_ranges(snapshot, query))
            .map(list)
            .buffer_unordered(settings.fanout_limit)
            .try_fold(empty, async |mut all, list| {
                all.active += list.active;
                all.ips.extend(list.ips);
                Ok(all)
            })
            .await
    }

    /// The IPs that can be among those with the most hits, and the IP that may come first of all
    /// others.
    pub async fn heaviest(
        query: &Query,
        snapshot: &Snapshot,
        began: Instant,
    ) -> Result<(Self, Others), Failure> {
        let wanted = HeaviestQuery {
            root: snapshot.root,
            as_of_ms: snapshot.as_of_ms,
            window: query.window,
            count: query.details.callers,
        };
        let heaviest = async || collector::MANY.heaviest(&wanted).await;
        let found = ask_twice(heaviest, || ()).await?;
        let targets = Self {
            snapshot: snapshot.clone(),
            ips: found.ips,
            active: 0,
            began,
        };
        let others = Others {
            at_most: found.others_at_most,
            from: found.others_from,
        };
        Ok((targets, others))
    }

    /// Cuts the IPs into batches.
    pub fn batches(&self, settings: &Settings, query: &Query) -> Vec<Batch> {
        let cut = self.ips.chunks(settings.batch_size);
        cut.map(|ips| batch(&self.snapshot, query, ips.to_vec()))
            .collect()
    }
}

/// The IPs in batches of `size`, one after the other. Shards are listed only when the IPs of
/// earlier shards are used up. So few IPs are in memory at any time. At most one request for shards
/// is in flight.
pub fn batches(
    snapshot: Snapshot,
    query: Query,
    size: usize,
) -> impl Stream<Item = Result<Batch, Failure>> {
    let ranges: Vec<ShardRange> = shard_ranges(&snapshot, &query).collect();
    stream::iter(ranges)
        .then(list)
        .map_ok(|list| stream::iter(list.ips).map(Ok))
        .try_flatten()
        .try_chunks(size)
        .map(move |ips| match ips {
            Ok(ips) => Ok(batch(&snapshot, &query, ips)),
            Err(TryChunksError(_, failure)) => Err(failure),
        })
}

async fn list(range: ShardRange) -> Result<IpList, Failure> {
    ask_twice(async || collector::MANY.list_ips(&range).await, || ()).await
}

fn shard_ranges(snapshot: &Snapshot, query: &Query) -> impl Iterator<Item = ShardRange> {
    // The collector reads only the shard that a single address is in. So one request is enough.
    let shard_count = match query.filter.one_ip() {
        Some(_) => snapshot.shards.max(1),
        None => SHARDS_AT_ONCE,
    };
    let firsts = (0..snapshot.shards).step_by(shard_count as usize);
    let (root, as_of_ms) = (snapshot.root, snapshot.as_of_ms);
    let since_ms = query.since_ms(&snapshot.ranges());
    firsts.map(move |first_shard| ShardRange {
        root,
        first_shard,
        shard_count,
        since_ms,
        as_of_ms,
        ip: query.filter.ip.clone(),
    })
}

fn batch(snapshot: &Snapshot, query: &Query, ips: Vec<IpRef>) -> Batch {
    Batch {
        as_of_ms: snapshot.as_of_ms,
        window: query.window,
        filter: query.filter.clone(),
        details: query.details.clone(),
        ips,
    }
}
