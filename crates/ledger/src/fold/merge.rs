//! Merges the paths of one bucket: stored paths, and paths of the hits.
//!
//! Most paths do not change. Their bytes are copied.

use std::collections::BTreeMap;

use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::rollup::{Delta, PathSums};

use crate::keys;
use crate::stop::Stop;
use crate::stored::{PathRecord, encode_sums};
use crate::{Clock, Ledger, Store};

/// After this many paths, others may go on.
const PATHS_IN_STEP: usize = 256;

/// A path of a bucket, and the place that it comes from.
pub(super) struct Piece<'b> {
    pub hash: u32,
    pub key: &'b str,
    pub from: From<'b>,
}

pub(super) enum From<'b> {
    /// The key of the stored value, and the record in it.
    Stored(&'b str, PathRecord<'b>),
    Hits(&'b PathSums),
}

/// A path as it is written.
pub(super) enum Written<'b> {
    Same(PathRecord<'b>),
    Changed(u32, String, Vec<u8>),
}

impl Written<'_> {
    pub fn record(&self) -> PathRecord<'_> {
        match self {
            Self::Same(record) => *record,
            Self::Changed(hash, key, sums) => PathRecord {
                hash: *hash,
                key,
                sums,
            },
        }
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Merges the paths of a bucket. If there are more than a bucket may have, the paths with the
    /// fewest hits become one.
    pub(super) async fn merge<'b>(
        &self,
        mut pieces: Vec<Piece<'b>>,
        delta: &Delta,
    ) -> Result<Vec<Written<'b>>, Stop> {
        let moved = Moved::of(delta);
        pieces.sort_unstable_by(|a, b| (a.hash, a.key).cmp(&(b.hash, b.key)));
        let mut other = PathSums::default();
        let mut written = Vec::new();
        let mut counts = Vec::new();
        let mut left = pieces.as_slice();
        while let Some(first) = left.first() {
            if written.len().is_multiple_of(PATHS_IN_STEP) {
                self.clock.give_way().await;
            }
            let same =
                left.partition_point(|piece| (piece.hash, piece.key) <= (first.hash, first.key));
            let (group, rest) = left.split_at(same);
            left = rest;
            if first.key == OTHER_PATHS {
                add_all(group, &mut other)?;
                continue;
            }
            let single = match group {
                [piece] if !moved.has(first.key) => match piece.from {
                    From::Stored(_, record) => Some(record),
                    From::Hits(_) => None,
                },
                _ => None,
            };
            let (path, count) = match single {
                Some(record) => (Written::Same(record), record.count()),
                None => {
                    let mut sums = PathSums::default();
                    add_all(group, &mut sums)?;
                    let bytes = encode_sums(&mut sums);
                    let path = Written::Changed(first.hash, first.key.to_owned(), bytes);
                    (path, sums.tally.count)
                }
            };
            counts.push(count);
            written.push(path);
        }
        let mut written = self.keep_heaviest(written, counts, &mut other)?;
        moved.apply(&mut written, &mut other)?;
        if other.tally.count > 0 {
            let bytes = encode_sums(&mut other);
            let path =
                Written::Changed(keys::path_hash(OTHER_PATHS), OTHER_PATHS.to_owned(), bytes);
            written.push(path);
            written.sort_by(|a, b| {
                let (a, b) = (a.record(), b.record());
                (a.hash, a.key).cmp(&(b.hash, b.key))
            });
        }
        Ok(written)
    }

    /// Keeps the paths with the most hits, as many as a bucket may have. Adds the others up in
    /// `other`.
    fn keep_heaviest<'b>(
        &self,
        written: Vec<Written<'b>>,
        counts: Vec<u64>,
        other: &mut PathSums,
    ) -> Result<Vec<Written<'b>>, Stop> {
        if written.len() <= self.limits.bucket_paths {
            return Ok(written);
        }
        let mut ranked: Vec<(u64, Written)> = counts.into_iter().zip(written).collect();
        ranked.sort_unstable_by(|(a_count, a), (b_count, b)| {
            let by_key = || a.record().key.cmp(b.record().key);
            b_count.cmp(a_count).then_with(by_key)
        });
        for (_, light) in ranked.split_off(self.limits.bucket_paths) {
            light.record().add_to(OTHER_PATHS, other)?;
        }
        let mut kept: Vec<Written> = ranked.into_iter().map(|(_, path)| path).collect();
        kept.sort_by(|a, b| {
            let (a, b) = (a.record(), b.record());
            (a.hash, a.key).cmp(&(b.hash, b.key))
        });
        Ok(kept)
    }
}

fn add_all(group: &[Piece<'_>], sums: &mut PathSums) -> Result<(), Stop> {
    for piece in group {
        match piece.from {
            From::Stored(value_key, record) => record.add_to(value_key, sums)?,
            From::Hits(hits) => sums.merge(hits),
        }
    }
    Ok(())
}

/// Hits that now count for another country, by path.
struct Moved<'d>(BTreeMap<&'d str, BTreeMap<(&'d str, &'d str), u64>>);

impl<'d> Moved<'d> {
    fn of(delta: &'d Delta) -> Self {
        let mut moved: BTreeMap<&str, BTreeMap<(&str, &str), u64>> = BTreeMap::new();
        for of in &delta.moves {
            for (path_key, count) in &of.paths {
                let path = moved.entry(path_key).or_default();
                *path.entry((&of.from, &of.to)).or_default() += count;
            }
        }
        Self(moved)
    }

    fn has(&self, path_key: &str) -> bool {
        self.0.contains_key(path_key)
    }

    /// Moves the hits to the other country. If a path is not listed under its own name, its hits
    /// are moved among the other paths.
    fn apply(self, written: &mut [Written<'_>], other: &mut PathSums) -> Result<(), Stop> {
        let mut left = self.0;
        if left.is_empty() {
            return Ok(());
        }
        for path in written {
            let record = path.record();
            let Some(moves) = left.get_mut(record.key) else {
                continue;
            };
            let mut sums = PathSums::default();
            record.add_to(OTHER_PATHS, &mut sums)?;
            for ((from, to), count) in moves {
                let taken = sums.take_country(from, *count);
                sums.add_country(to, taken);
                *count -= taken;
            }
            sums.countries.retain(|of| of.requests > 0);
            let bytes = encode_sums(&mut sums);
            *path = Written::Changed(record.hash, record.key.to_owned(), bytes);
        }
        for ((from, to), count) in left.into_values().flatten() {
            let taken = other.take_country(from, count);
            if taken > 0 {
                other.add_country(to, taken);
            }
        }
        Ok(())
    }
}
