//! The changes that some hits make in the rollups.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::heaviest::{self, Heaviest};
use super::sums::{Counted, GroupSums, Groups, PathSums, Told, Totals, change_group};
use crate::bucket::{BucketId, Ranges, Tier};
use crate::hit::{Dimension, Names, OTHER_PATHS};
use crate::hour_of_week::HourOfWeek;
use crate::state::{Caller, IpState, Located, Placed};
use crate::tally::Tally;

/// If a bucket has more hits, they are split into blocks.
const BLOCK_HITS: usize = 16_384;
/// The number of blocks.
const BLOCKS: usize = 64;

/// The changes that some hits make, bucket by bucket.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    /// The texts of the hits.
    pub names: Names,
    buckets: BTreeMap<BucketId, Delta>,
    /// For each list of the heaviest: the IPs whose hits changed.
    heaviest: BTreeMap<BucketId, Heaviest>,
    /// The number of paths in all deltas that come from states.
    paths: usize,
}

/// The changes of one bucket. The additions come first, then the moves.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub totals: Totals,
    /// The hits in blocks. A path is in one block only. Once settled, a block is sorted by path.
    hits: Vec<Vec<Counted>>,
    /// Sums of whole states, by path key.
    sums: HashMap<u32, PathDelta>,
    /// IPs that turned out to have older hits.
    not_new_ips: u64,
    pub moves: Vec<Move>,
}

/// The changes of one path in a bucket.
#[derive(Clone, Copy, Debug)]
pub enum PathChange<'d> {
    Hits(&'d [Counted]),
    Sums(&'d PathDelta),
}

/// The hits that a state has on a path, in one bucket.
#[derive(Clone, Debug)]
pub struct PathDelta {
    sums: PathSums,
    /// The times of the first and the last of the hits.
    first_ms: u64,
    last_ms: u64,
}

/// Hits of an IP that is in another country or network since.
#[derive(Clone, Debug)]
pub struct Move {
    pub number: u32,
    /// From which country to which. The empty string is an unknown country or network.
    pub countries: (String, String),
    pub networks: (String, String),
    pub tally: Tally,
    /// The hits on each path.
    pub paths: Vec<(String, u64)>,
}

impl PathChange<'_> {
    /// The number of hits.
    pub fn count(&self) -> u64 {
        match self {
            Self::Hits(hits) => hits.len() as u64,
            Self::Sums(delta) => delta.sums.tally.count,
        }
    }

    /// The times of the first and the last hit.
    pub fn seen_ms(&self) -> (u64, u64) {
        match self {
            Self::Hits(hits) => {
                let times = || hits.iter().map(|counted| counted.hit.timestamp_ms);
                (
                    times().min().unwrap_or(u64::MAX),
                    times().max().unwrap_or(0),
                )
            }
            Self::Sums(delta) => (delta.first_ms, delta.last_ms),
        }
    }

    /// The same changes in steps, each of which takes a short time.
    pub fn steps(&self) -> impl Iterator<Item = PathChange<'_>> {
        let (hits, sums) = match self {
            Self::Hits(hits) => (*hits, None),
            Self::Sums(delta) => (Default::default(), Some(Self::Sums(delta))),
        };
        let hits = hits.chunks(BLOCK_HITS).map(PathChange::Hits);
        hits.chain(sums)
    }

    pub fn add_to(&self, sums: &mut PathSums, names: &Names) {
        match self {
            Self::Hits(hits) => hits.iter().for_each(|counted| sums.add(counted, names)),
            Self::Sums(delta) => sums.merge(&delta.sums),
        }
    }
}

impl Deltas {
    /// No changes yet. The hits will have these names.
    pub fn of(names: Names) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// Counts the hits of an IP, which is `located` now. `state` is aged to the moment of the
    /// ranges. It does not hold the hits yet, nor the new location.
    pub fn add(
        &mut self,
        state: &IpState,
        number: u32,
        hits: &[Placed],
        located: &Located,
        ranges: &Ranges,
    ) {
        let caller = &state.caller;
        let (was, is) = (
            caller.origin(),
            caller.origin_after(hits, &self.names, located),
        );
        let moved = (was != is).then(|| {
            let pair = |was: Option<&str>, is: Option<&str>| {
                let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
                (owned(was), owned(is))
            };
            (pair(was.country, is.country), pair(was.network, is.network))
        });
        let (country, network) = (
            is.country.unwrap_or_default().to_owned(),
            located.network.as_deref(),
        );
        let country = self.names.number(&country);
        let network = network.map(|network| self.names.number(network));
        for placed in hits {
            let at_ms = placed.hit.timestamp_ms;
            let is_long = placed.bucket.tier >= Tier::Day;
            let bucket = self.bucket(placed.bucket);
            let counted = Counted {
                hit: placed.hit,
                number,
                country,
                network,
                hour: is_long.then(|| HourOfWeek::of(at_ms, &ranges.calendar)),
            };
            match bucket.hits.first_mut() {
                Some(block) => block.push(counted),
                None => bucket.hits.push(vec![counted]),
            }
        }
        self.see_first(caller, hits, ranges);
        if let Some((countries, networks)) = moved {
            self.relocate(state, number, &countries, &networks);
        }
    }

    /// Sorts the hits by path, and adds them to the totals. Call this after the last addition, and
    /// before the deltas are read. `give_way` is called at every step.
    pub async fn settle(&mut self, give_way: impl AsyncFn()) {
        for delta in self.buckets.values_mut() {
            delta.split();
            let mut told: HashMap<Told, GroupSums> = HashMap::new();
            let mut hours: BTreeMap<HourOfWeek, GroupSums> = BTreeMap::new();
            for block in &mut delta.hits {
                give_way().await;
                block.sort_by_key(|counted| counted.hit.path_key);
                for step in block.chunks(BLOCK_HITS) {
                    give_way().await;
                    for counted in step {
                        delta.totals.add(counted, &self.names);
                        if let Some(tells) = counted.told() {
                            told.entry(tells).or_default().add(counted);
                        }
                        if let Some(hour) = counted.hour {
                            hours.entry(hour).or_default().add(counted);
                        }
                    }
                }
            }
            for (tells, sums) in told {
                give_way().await;
                delta.totals.add_told(tells, &sums, &self.names);
            }
            for (hour, sums) in hours {
                give_way().await;
                delta.totals.add_hour(hour, &sums);
            }
        }
    }

    /// Counts all hits that an IP ever had.
    pub fn add_state(&mut self, ip: IpAddr, state: &IpState, number: u32, ranges: &Ranges) {
        self.rank_in(ip, heaviest::all_counts(&state.caller, ranges));
        let country = state.caller.country().unwrap_or_default();
        let network = state.caller.network();
        for (path_key, path) in &state.paths {
            let path_number = self.names.number(path_key);
            for (id, tally) in path.series.buckets() {
                let bucket = self.bucket(id);
                let totals = &mut bucket.totals;
                let add = |groups: &mut Groups, name| {
                    change_group(groups, name, |of| {
                        of.tally.merge(tally);
                        of.tally.forget_max();
                        of.ips.insert(number);
                    });
                };
                add(&mut totals.countries, country);
                if let Some(network) = network {
                    add(totals.groups.get_mut(Dimension::Network), network);
                }
                totals.time_max_us = totals.time_max_us.max(tally.time_max_us);
                let before = bucket.sums.len();
                let known = bucket.sums.entry(path_number).or_default();
                known.sums.tally.merge(tally);
                known.sums.ips.insert(number);
                known.sums.add_country(country, tally.count);
                known.first_ms = known.first_ms.min(path.first_seen_ms);
                known.last_ms = known.last_ms.max(path.last_seen_ms);
                self.paths += bucket.sums.len() - before;
            }
        }
        let first = BucketId::of(state.caller.first_seen_ms, ranges);
        self.bucket(first).totals.new_ips += 1;
    }

    /// Finds the bucket in which the IP is new.
    fn see_first(&mut self, caller: &Caller, hits: &[Placed], ranges: &Ranges) {
        let Some(earliest) = hits.iter().min_by_key(|placed| placed.hit.timestamp_ms) else {
            return;
        };
        let (first, first_ms) = (earliest.bucket, earliest.hit.timestamp_ms);
        if caller.hits.is_empty() {
            self.bucket(first).totals.new_ips += 1;
            return;
        }
        let known_ms = caller.first_seen_ms;
        let known = BucketId::of(known_ms, ranges);
        if first_ms < known_ms && first != known {
            self.bucket(known).not_new_ips += 1;
            self.bucket(first).totals.new_ips += 1;
        }
    }

    fn relocate(
        &mut self,
        state: &IpState,
        number: u32,
        countries: &(String, String),
        networks: &(String, String),
    ) {
        let mut moves: BTreeMap<BucketId, Move> = BTreeMap::new();
        for (path_key, path) in &state.paths {
            for (bucket, tally) in path.series.buckets() {
                let moved = moves.entry(bucket).or_insert_with(|| Move {
                    number,
                    countries: countries.clone(),
                    networks: networks.clone(),
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

    /// Puts an IP into the lists that its hits count in. `caller` has counted these hits.
    pub fn rank(&mut self, ip: IpAddr, caller: &Caller, hits: &[Placed], ranges: &Ranges) {
        self.rank_in(ip, heaviest::counts(caller, hits, ranges));
    }

    fn rank_in(&mut self, ip: IpAddr, counts: impl IntoIterator<Item = (BucketId, u64)>) {
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

    /// The number of paths in all buckets that come from states. It is a measure of the memory
    /// used.
    pub fn paths(&self) -> usize {
        self.paths
    }

    pub fn take(&mut self, id: BucketId) -> Option<Delta> {
        self.buckets.remove(&id)
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

impl Delta {
    /// The number of each path that changes, and its changes.
    pub fn paths(&self) -> impl Iterator<Item = (u32, PathChange<'_>)> {
        let blocks = self.hits.iter();
        let groups = blocks
            .flat_map(|block| block.chunk_by(|one, next| one.hit.path_key == next.hit.path_key));
        let hits = groups.filter_map(|group| {
            let first = group.first()?;
            Some((first.hit.path_key, PathChange::Hits(group)))
        });
        let sums = self.sums.iter();
        hits.chain(sums.map(|(path_key, delta)| (*path_key, PathChange::Sums(delta))))
    }

    /// Splits many hits into blocks, so that each is sorted in a short time.
    fn split(&mut self) {
        let is_large = |block: &Vec<Counted>| block.len() > BLOCK_HITS;
        if !self.hits.first().is_some_and(is_large) {
            return;
        }
        let mut blocks = vec![Vec::new(); BLOCKS];
        for counted in self.hits.drain(..).flatten() {
            if let Some(block) = blocks.get_mut(counted.hit.path_key as usize % BLOCKS) {
                block.push(counted);
            }
        }
        self.hits = blocks;
    }
}

impl Totals {
    /// Applies the moves, and the IPs that are not new in this bucket.
    pub fn settle(&mut self, delta: &Delta) {
        self.new_ips = self.new_ips.saturating_sub(delta.not_new_ips);
        for moved in &delta.moves {
            move_group(&mut self.countries, &moved.countries, moved);
            let networks = self.groups.get_mut(Dimension::Network);
            move_group(networks, &moved.networks, moved);
            // Hits of an unknown network are in no group.
            networks.remove("");
        }
    }
}

/// Moves the hits of an IP to another group.
fn move_group(groups: &mut Groups, (from, to): &(String, String), moved: &Move) {
    if from == to {
        return;
    }
    if let Some(known) = groups.get_mut(from) {
        known.tally.subtract(&moved.tally);
        known.tally.forget_max();
        known.ips.remove(moved.number);
        if known.tally.count == 0 {
            groups.remove(from);
        }
    }
    change_group(groups, to, |of| {
        of.tally.merge(&moved.tally);
        of.ips.insert(moved.number);
    });
}
