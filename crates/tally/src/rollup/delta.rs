//! The changes that some hits make in the rollups.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::heaviest::{self, Heaviest};
use super::{PathSums, Totals};
use crate::bucket::BucketId;
use crate::hit::{Hit, OTHER_PATHS};
use crate::state::IpState;
use crate::tally::Tally;
use crate::window::Ranges;

/// The changes that some hits make, bucket by bucket.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    buckets: BTreeMap<BucketId, Delta>,
    /// For each list of the heaviest: the IPs whose hits changed.
    heaviest: BTreeMap<BucketId, Heaviest>,
    /// The number of paths in all deltas.
    paths: usize,
}

/// The changes of one bucket. The additions come first, then the moves.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub totals: Totals,
    pub paths: HashMap<String, PathDelta>,
    /// IPs that turned out to have older hits.
    pub not_new_ips: u64,
    pub moves: Vec<Move>,
}

/// The hits that are added to a path.
#[derive(Clone, Debug)]
pub struct PathDelta {
    pub sums: PathSums,
    /// The times of the first and the last of the hits.
    pub first_ms: u64,
    pub last_ms: u64,
}

/// Hits of an IP that has told another country since.
#[derive(Clone, Debug)]
pub struct Move {
    pub number: u32,
    pub from: String,
    pub to: String,
    pub tally: Tally,
    /// The hits on each path.
    pub paths: Vec<(String, u64)>,
}

impl Deltas {
    /// Counts the hits of an IP. `state` is aged to the moment of the ranges, and does not hold the
    /// hits yet.
    pub fn add(&mut self, state: &IpState, number: u32, hits: &[Hit], ranges: &Ranges) {
        let was = state.country().unwrap_or_default();
        let told = hits
            .iter()
            .filter_map(|hit| Some((hit.timestamp_ms, hit.country.as_deref()?)));
        let known = state.country.as_ref();
        let known = known.map(|(at_ms, country)| (*at_ms, country.as_str()));
        let is = told.chain(known).max().map_or("", |(_, country)| country);
        for hit in hits {
            let bucket = self.bucket(BucketId::of(hit.timestamp_ms, ranges));
            let country = match bucket.totals.countries.get_mut(is) {
                Some(known) => known,
                None => bucket.totals.countries.entry(is.to_owned()).or_default(),
            };
            country.tally.add(hit);
            country.tally.forget_max();
            country.ips.insert(number);
            let time_us = hit.response_time_us.unwrap_or(0);
            bucket.totals.time_max_us = bucket.totals.time_max_us.max(time_us);
            let before = bucket.paths.len();
            let path = bucket.paths.entry(hit.path_key()).or_default();
            path.sums.add(hit, number, is);
            path.see(hit.timestamp_ms, hit.timestamp_ms);
            self.paths += bucket.paths.len() - before;
        }
        self.see_first(state, hits, ranges);
        if was != is {
            self.move_country(state, number, was, is);
        }
    }

    /// Counts all hits that an IP ever had.
    pub fn add_state(&mut self, ip: IpAddr, state: &IpState, number: u32, ranges: &Ranges) {
        self.rank_in(ip, heaviest::all_counts(state, ranges));
        let country = state.country().unwrap_or_default();
        for (path_key, path) in &state.paths {
            for (id, tally) in path.series.buckets() {
                let bucket = self.bucket(id);
                let totals = &mut bucket.totals;
                let of_country = totals.countries.entry(country.to_owned()).or_default();
                of_country.tally.merge(tally);
                of_country.tally.forget_max();
                of_country.ips.insert(number);
                totals.time_max_us = totals.time_max_us.max(tally.time_max_us);
                let before = bucket.paths.len();
                let known = bucket.paths.entry(path_key.clone()).or_default();
                known.sums.tally.merge(tally);
                known.sums.ips.insert(number);
                known.sums.add_country(country, tally.count);
                known.see(path.first_seen_ms, path.last_seen_ms);
                self.paths += bucket.paths.len() - before;
            }
        }
        let first = BucketId::of(state.first_seen_ms(), ranges);
        self.bucket(first).totals.new_ips += 1;
    }

    /// Finds the bucket in which the IP is new.
    fn see_first(&mut self, state: &IpState, hits: &[Hit], ranges: &Ranges) {
        let Some(first_ms) = hits.iter().map(|hit| hit.timestamp_ms).min() else {
            return;
        };
        let first = BucketId::of(first_ms, ranges);
        if state.paths.is_empty() {
            self.bucket(first).totals.new_ips += 1;
            return;
        }
        let known_ms = state.first_seen_ms();
        let known = BucketId::of(known_ms, ranges);
        if first_ms < known_ms && first != known {
            self.bucket(known).not_new_ips += 1;
            self.bucket(first).totals.new_ips += 1;
        }
    }

    fn move_country(&mut self, state: &IpState, number: u32, from: &str, to: &str) {
        let mut moves: BTreeMap<BucketId, Move> = BTreeMap::new();
        for (path_key, path) in &state.paths {
            for (bucket, tally) in path.series.buckets() {
                let moved = moves.entry(bucket).or_insert_with(|| Move {
                    number,
                    from: from.to_owned(),
                    to: to.to_owned(),
                    tally: Tally::default(),
                    paths: Vec::new(),
                });
                moved.tally.merge(tally);
                // Hits under `(other)` were counted under their own paths. The state does not know
                // these paths.
                if path_key != OTHER_PATHS {
                    moved.paths.push((path_key.clone(), tally.count));
                }
            }
        }
        for (bucket, mut moved) in moves {
            moved.tally.forget_max();
            self.bucket(bucket).moves.push(moved);
        }
    }

    /// Puts an IP into the lists that its hits count in. `state` holds these hits.
    pub fn rank(&mut self, ip: IpAddr, state: &IpState, hits: &[Hit], ranges: &Ranges) {
        self.rank_in(ip, heaviest::counts(state, hits, ranges));
    }

    fn rank_in(&mut self, ip: IpAddr, counts: BTreeMap<BucketId, u64>) {
        for (list, hits) in counts {
            self.heaviest.entry(list).or_default().put(ip, hits);
        }
    }

    /// Takes the lists that change, each with its changes.
    pub fn take_heaviest(&mut self) -> BTreeMap<BucketId, Heaviest> {
        std::mem::take(&mut self.heaviest)
    }

    fn bucket(&mut self, id: BucketId) -> &mut Delta {
        self.buckets.entry(id).or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (BucketId, &Delta)> {
        self.buckets.iter().map(|(id, delta)| (*id, delta))
    }

    /// The number of paths in all buckets. It is a measure of the memory used.
    pub fn paths(&self) -> usize {
        self.paths
    }

    pub fn take(&mut self, id: BucketId) -> Option<Delta> {
        let delta = self.buckets.remove(&id)?;
        self.paths = self.paths.saturating_sub(delta.paths.len());
        Some(delta)
    }
}

impl Default for PathDelta {
    fn default() -> Self {
        Self {
            sums: PathSums::default(),
            first_ms: u64::MAX,
            last_ms: 0,
        }
    }
}

impl PathDelta {
    fn see(&mut self, first_ms: u64, last_ms: u64) {
        self.first_ms = self.first_ms.min(first_ms);
        self.last_ms = self.last_ms.max(last_ms);
    }
}

impl Totals {
    /// Applies the moves, and the IPs that are not new in this bucket.
    pub fn settle(&mut self, delta: &Delta) {
        self.new_ips = self.new_ips.saturating_sub(delta.not_new_ips);
        for moved in &delta.moves {
            if let Some(from) = self.countries.get_mut(&moved.from) {
                from.tally.subtract(&moved.tally);
                from.tally.forget_max();
                from.ips.remove(moved.number);
                if from.tally.count == 0 {
                    self.countries.remove(&moved.from);
                }
            }
            let to = self.countries.entry(moved.to.clone()).or_default();
            to.tally.merge(&moved.tally);
            to.ips.insert(moved.number);
        }
    }
}
