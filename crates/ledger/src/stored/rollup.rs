//! The rollups: `totals:{bucket}:{k}`, `paths:{bucket}:{part}:{k}` and `known:{part}:{k}`.
//!
//! Their content is not postcard, because a fold copies most paths unchanged, and a question reads
//! millions of numbers. Numbers are LEB128. Each list begins with its length.
//!
//! - **totals**: new IPs; longest response time; countries, as groups. Then, for each dimension:
//!   length of its groups in bytes, groups.
//! - **groups**: each with its name, its tally and its IPs.
//! - **paths**: paths, sorted by hash and key. Each has: hash (4 bytes), key, length of the sums,
//!   sums. The sums have: tally, countries with their hits, IPs.
//! - **known**: like paths, with other sums: first hit, last hit, hits by bucket.
//! - **tally**: statuses (code, count); bytes; timed. If any hit is timed, also: sum, longest,
//!   histogram (steps of the index, count).
//! - **IPs**: their number. Up to 64 IPs are steps from one number to the next. More are a
//!   `roaring` bitmap with its length.

use std::fmt;

use rollcall_store::Unreadable;
use rollcall_store::value::{self, damaged};
use rollcall_tally::Tally;
use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::hit::Dimension;
use rollcall_tally::rollup::{GroupSums, Groups, IpSet, PathSums, Totals};
use rollcall_tally::window::FINE_MS;
use serde::{Deserialize, Serialize};

use super::bytes::{self, Reader, put, put_ips, put_tally, put_text};

/// The oldest layout in which rollups have these bytes.
const SINCE: u8 = 5;
/// The dimensions in the order in which totals have them.
const DIMENSIONS: [Dimension; 8] = [
    Dimension::Network,
    Dimension::Host,
    Dimension::Consumer,
    Dimension::Protocol,
    Dimension::Referrer,
    Dimension::Bot,
    Dimension::UserAgent,
    Dimension::HourOfWeek,
];

/// The dimensions that totals of a layout have: the first of the list.
fn dimensions_of(layout: u8) -> impl Iterator<Item = Dimension> {
    let count = match layout {
        ..9 => 0,
        9 | 10 => 6,
        _ => DIMENSIONS.len(),
    };
    DIMENSIONS.into_iter().take(count)
}

/// A bucket: its length, and its start in units of 5 minutes since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bucket(Length, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Length {
    Fine,
    Hour,
    Day,
    Before,
}

impl From<BucketId> for Bucket {
    fn from(bucket: BucketId) -> Self {
        let length = match bucket.tier {
            Tier::Fine => Length::Fine,
            Tier::Hour => Length::Hour,
            Tier::Day => Length::Day,
            Tier::Before => Length::Before,
        };
        Self(length, bucket.start_ms / FINE_MS)
    }
}

impl From<Bucket> for BucketId {
    fn from(Bucket(length, start): Bucket) -> Self {
        let tier = match length {
            Length::Fine => Tier::Fine,
            Length::Hour => Tier::Hour,
            Length::Day => Tier::Day,
            Length::Before => Tier::Before,
        };
        let start_ms = start.saturating_mul(FINE_MS);
        Self { tier, start_ms }
    }
}

impl fmt::Display for Bucket {
    /// The form in keys.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = match self.0 {
            Length::Fine => 'f',
            Length::Hour => 'h',
            Length::Day => 'd',
            Length::Before => 'b',
        };
        write!(out, "{length}{}", self.1)
    }
}

/// A reference of a root to a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RollupRef {
    pub bucket: Bucket,
    pub version: u64,
    /// The number of parts of its paths. A power of two.
    pub parts: u16,
    /// The length of all parts together.
    pub bytes: u64,
}

/// A reference of a root to a part of the facts known of every path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownRef {
    /// 0: the part is empty.
    pub version: u64,
    pub bytes: u64,
}

/// The facts known of a path beside its rollups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub first_ms: u64,
    pub last_ms: u64,
    /// Hits by bucket, for the days of the recent past.
    pub hits: Vec<(BucketId, u64)>,
}

/// A path in a part. Its sums are not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathRecord<'b> {
    pub hash: u32,
    pub key: &'b str,
    pub sums: &'b [u8],
}

pub(crate) fn encode_totals(key: &str, totals: &mut Totals) -> Vec<u8> {
    value::encode_with(key, |to| {
        put(to, totals.new_ips);
        put(to, totals.time_max_us);
        put_groups(to, &mut totals.countries);
        let mut groups = Vec::new();
        for dimension in DIMENSIONS {
            groups.clear();
            put_groups(&mut groups, totals.groups.get_mut(dimension));
            put(to, groups.len() as u64);
            to.extend(&groups);
        }
    })
}

fn put_groups(to: &mut Vec<u8>, groups: &mut Groups) {
    put(to, groups.len() as u64);
    for (name, sums) in groups {
        put_text(to, name);
        put_tally(to, &sums.tally);
        put_ips(to, &mut sums.ips);
    }
}

pub(crate) fn decode_totals(key: &str, bytes: &[u8]) -> Result<Totals, Unreadable> {
    let mut totals = Totals::default();
    let take = |groups: &mut Groups, name: &str, tally: &mut Tally, ips| {
        let tally = std::mem::take(tally);
        groups.insert(name.to_owned(), GroupSums { tally, ips });
    };
    let countries = &mut totals.countries;
    let groups = &mut totals.groups;
    let head = read_totals(
        key,
        bytes,
        |name, tally, ips| take(countries, name, tally, ips),
        |_| true,
        |dimension, name, tally, ips| take(groups.get_mut(dimension), name, tally, ips),
    )?;
    (totals.new_ips, totals.time_max_us) = head;
    Ok(totals)
}

/// Passes each country of a bucket to `take`, and each group of a wanted dimension to `take_group`:
/// its tally and its IPs. Returns the number of new IPs and the longest response time.
pub(crate) fn read_totals(
    key: &str,
    bytes: &[u8],
    take: impl FnMut(&str, &mut Tally, IpSet),
    wanted: impl Fn(Dimension) -> bool,
    mut take_group: impl FnMut(Dimension, &str, &mut Tally, IpSet),
) -> Result<(u64, u64), Unreadable> {
    let dimensions = dimensions_of(value::layout_of(key, bytes)?);
    whole(key, bytes, |from| {
        let head = (from.number()?, from.number()?);
        from.groups(take)?;
        for dimension in dimensions {
            let length = from.number()?;
            let mut groups = Reader(from.take(length)?);
            if wanted(dimension) {
                groups.groups(|name, tally, ips| take_group(dimension, name, tally, ips))?;
                groups.0.is_empty().then_some(())?;
            }
        }
        Some(head)
    })
}

/// Encodes a part, of paths or of known facts. The records must be sorted.
pub(crate) fn encode_paths(key: &str, records: &[PathRecord<'_>]) -> Vec<u8> {
    value::encode_with(key, |to| put_records(to, records))
}

/// The sums of a path, as bytes of a record.
pub(crate) fn encode_sums(sums: &mut PathSums) -> Vec<u8> {
    let mut to = Vec::new();
    put_tally(&mut to, &sums.tally);
    put(&mut to, sums.countries.len() as u64);
    for of in &sums.countries {
        put_text(&mut to, &of.country);
        put(&mut to, of.requests);
    }
    put_ips(&mut to, &mut sums.ips);
    to
}

/// The paths of a part, in their order.
pub(crate) fn path_records<'b>(
    key: &str,
    bytes: &'b [u8],
) -> Result<Vec<PathRecord<'b>>, Unreadable> {
    whole(key, bytes, |from| {
        // A record has at least six bytes.
        let count = from.number()?;
        let mut records = Vec::with_capacity((count as usize).min(from.0.len() / 6));
        for _ in 0..count {
            records.push(from.record()?);
        }
        Some(records)
    })
}

impl PathRecord<'_> {
    /// Adds the sums of this path to others.
    pub fn add_to(&self, value_key: &str, to: &mut PathSums) -> Result<(), Unreadable> {
        let mut from = Reader(self.sums);
        let mut read = || {
            from.tally(&mut to.tally)?;
            let mut at = 0;
            for _ in 0..from.number()? {
                let country = from.text()?;
                let requests = from.number()?;
                at = to.add_country_from(at, country, requests);
            }
            from.ips(&mut to.ips)?;
            from.0.is_empty().then_some(())
        };
        read().ok_or_else(|| self.damaged(value_key))
    }

    /// Adds only the IPs of this path to others.
    pub fn add_ips_to(&self, value_key: &str, to: &mut IpSet) -> Result<(), Unreadable> {
        let mut from = Reader(self.sums);
        let mut read = || {
            from.skip_tally()?;
            for _ in 0..from.number()? {
                from.text()?;
                from.number()?;
            }
            from.ips(to)?;
            from.0.is_empty().then_some(())
        };
        read().ok_or_else(|| self.damaged(value_key))
    }

    fn damaged(&self, value_key: &str) -> Unreadable {
        damaged(value_key, format!("the sums of {:?}", self.key))
    }

    /// The known facts of this path, if the value has those.
    pub fn known(&self, value_key: &str) -> Result<Known, Unreadable> {
        let known = Reader(self.sums).known();
        known.ok_or_else(|| damaged(value_key, format!("{:?}", self.key)))
    }

    /// The number of hits. Reads no other sum.
    pub fn count(&self) -> u64 {
        let mut from = Reader(self.sums);
        let mut read = || {
            let mut count = 0;
            for _ in 0..from.number()? {
                from.number()?;
                count += from.number()?;
            }
            Some(count)
        };
        read().unwrap_or(0)
    }
}

/// The known facts of a path, as bytes of a record.
pub(crate) fn encode_known(known: &Known) -> Vec<u8> {
    let mut to = Vec::new();
    put(&mut to, known.first_ms);
    put(&mut to, known.last_ms);
    put(&mut to, known.hits.len() as u64);
    for (bucket, count) in &known.hits {
        let Bucket(length, start) = (*bucket).into();
        to.push(length as u8);
        put(&mut to, start);
        put(&mut to, *count);
    }
    to
}

/// Passes the known facts of each wanted path to `take`.
pub(crate) fn decode_known(
    key: &str,
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(&str, Known),
) -> Result<(), Unreadable> {
    for record in path_records(key, bytes)? {
        if wanted(record.key) {
            take(record.key, record.known(key)?);
        }
    }
    Ok(())
}

fn whole<'b, T>(
    key: &str,
    bytes: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>) -> Option<T>,
) -> Result<T, Unreadable> {
    bytes::whole(key, value::content(key, bytes, SINCE)?, read)
}

fn put_records(to: &mut Vec<u8>, records: &[PathRecord<'_>]) {
    put(to, records.len() as u64);
    for record in records {
        to.extend(record.hash.to_le_bytes());
        put_text(to, record.key);
        put(to, record.sums.len() as u64);
        to.extend(record.sums);
    }
}

impl<'b> Reader<'b> {
    fn record(&mut self) -> Option<PathRecord<'b>> {
        let hash = self.take(4)?;
        let hash = u32::from_le_bytes(hash.try_into().ok()?);
        let key = self.text()?;
        let length = self.number()?;
        let sums = self.take(length)?;
        Some(PathRecord { hash, key, sums })
    }

    fn groups(&mut self, mut take: impl FnMut(&str, &mut Tally, IpSet)) -> Option<()> {
        let mut tally = Tally::default();
        for _ in 0..self.number()? {
            let name = self.text()?;
            tally.clear();
            self.tally(&mut tally)?;
            let mut ips = IpSet::default();
            self.ips(&mut ips)?;
            take(name, &mut tally, ips);
        }
        Some(())
    }

    fn known(&mut self) -> Option<Known> {
        let (first_ms, last_ms) = (self.number()?, self.number()?);
        let mut hits = Vec::new();
        for _ in 0..self.number()? {
            let (length, rest) = self.0.split_first()?;
            self.0 = rest;
            let length = match length {
                0 => Length::Fine,
                1 => Length::Hour,
                2 => Length::Day,
                3 => Length::Before,
                _ => return None,
            };
            let bucket = Bucket(length, self.number()?);
            hits.push((bucket.into(), self.number()?));
        }
        self.0.is_empty().then_some(Known {
            first_ms,
            last_ms,
            hits,
        })
    }
}
