//! Merges the paths of one bucket: stored paths, and paths of the hits.
//!
//! Most paths do not change. Their bytes are copied.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rollcall_tally::hit::{Names, OTHER_PATHS};
use rollcall_tally::rollup::{Delta, PathChange, PathSums};

use crate::keys;
use crate::stop::Stop;
use crate::stored::{PathRecord, encode_sums};
use crate::{Clock, Ledger, Store};

/// A path of a bucket, and the place that it comes from.
pub(super) struct Piece<'b> {
    pub hash: u32,
    pub key: &'b str,
    pub from: From<'b>,
}

pub(super) enum From<'b> {
    /// The key of the stored value, and the record in it.
    Stored(&'b str, PathRecord<'b>),
    Hits(PathChange<'b>),
}

impl Piece<'_> {
    fn place(&self) -> (u32, &str) {
        (self.hash, self.key)
    }

    fn count(&self) -> u64 {
        match &self.from {
            From::Stored(_, record) => record.count(),
            From::Hits(hits) => hits.count(),
        }
    }
}

/// The pieces of a bucket by the part that they belong to, so that each part is sorted by itself.
pub(super) struct Pieces<'b>(Vec<Vec<Piece<'b>>>);

impl<'b> Pieces<'b> {
    pub fn of(parts: u16) -> Self {
        Self((0..parts).map(|_| Vec::new()).collect())
    }

    pub fn push(&mut self, piece: Piece<'b>) {
        let part = keys::part_of(piece.hash, self.0.len() as u16);
        if let Some(part) = self.0.get_mut(usize::from(part)) {
            part.push(piece);
        }
    }
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
        pieces: &mut Pieces<'b>,
        delta: &Delta,
        names: &Names,
    ) -> Result<Vec<Written<'b>>, Stop> {
        let (mut groups, mut others) = (Vec::new(), Vec::new());
        for part in &mut pieces.0 {
            self.clock.give_way().await;
            part.sort_unstable_by(|a, b| a.place().cmp(&b.place()));
            for group in part.chunk_by(|a, b| a.place() == b.place()) {
                match group.first() {
                    Some(piece) if piece.key == OTHER_PATHS => others.push(group),
                    _ => groups.push(group),
                }
            }
        }
        let mut other = PathSums::default();
        others.extend(self.lightest(&mut groups).await);
        for group in others {
            self.add_all(group, names, &mut other).await?;
        }
        let mut written = Vec::with_capacity(groups.len());
        for group in groups {
            written.push(match group {
                [
                    Piece {
                        from: From::Stored(_, record),
                        ..
                    },
                ] => Written::Same(*record),
                [first, ..] => {
                    let mut sums = PathSums::default();
                    self.add_all(group, names, &mut sums).await?;
                    let bytes = encode_sums(&mut sums);
                    Written::Changed(first.hash, first.key.to_owned(), bytes)
                }
                [] => continue,
            });
        }
        Moved::of(delta).apply(&mut written, &mut other)?;
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

    /// If there are more paths than a bucket may have, takes out the paths with the fewest hits.
    async fn lightest<'p, 'b>(&self, groups: &mut Vec<&'p [Piece<'b>]>) -> Vec<&'p [Piece<'b>]> {
        let Some(too_many) = groups.len().checked_sub(self.limits.bucket_paths) else {
            return Vec::new();
        };
        let mut ranked: Vec<(u64, Reverse<&str>, usize)> = Vec::with_capacity(groups.len());
        for (at, group) in groups.iter().enumerate() {
            self.clock.give_way().await;
            let count = group.iter().map(Piece::count).sum();
            let key = group.first().map_or("", |piece| piece.key);
            ranked.push((count, Reverse(key), at));
        }
        if too_many < ranked.len() {
            ranked.select_nth_unstable(too_many);
        }
        let mut is_light = vec![false; groups.len()];
        for (_, _, at) in ranked.into_iter().take(too_many) {
            if let Some(light) = is_light.get_mut(at) {
                *light = true;
            }
        }
        let mut is_light = is_light.into_iter();
        groups
            .extract_if(.., |_| is_light.next().unwrap_or_default())
            .collect()
    }

    async fn add_all(
        &self,
        group: &[Piece<'_>],
        names: &Names,
        sums: &mut PathSums,
    ) -> Result<(), Stop> {
        for piece in group {
            self.clock.give_way().await;
            match &piece.from {
                From::Stored(value_key, record) => record.add_to(value_key, sums)?,
                From::Hits(hits) => {
                    for step in hits.steps() {
                        self.clock.give_way().await;
                        step.add_to(sums, names);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Hits that now count for another country, by path.
struct Moved<'d>(BTreeMap<&'d str, BTreeMap<(&'d str, &'d str), u64>>);

impl<'d> Moved<'d> {
    fn of(delta: &'d Delta) -> Self {
        let mut moved: BTreeMap<&str, BTreeMap<(&str, &str), u64>> = BTreeMap::new();
        for of in &delta.moves {
            let (from, to) = &of.countries;
            // Paths do not know networks.
            let paths = if from == to { &[] } else { of.paths.as_slice() };
            for (path_key, count) in paths {
                let path = moved.entry(path_key).or_default();
                *path.entry((from, to)).or_default() += count;
            }
        }
        Self(moved)
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
