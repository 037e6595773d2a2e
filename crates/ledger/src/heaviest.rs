//! The IPs that can be among the heaviest of a window.
//!
//! The lists of one root tell, if a few IPs called much more than all others. Else the index tells:
//! no IP has more hits in a window than it has in all.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use rollcall_store::value::decode;
use rollcall_tally::bucket::BucketId;
use rollcall_tally::rollup::Heaviest;
use rollcall_tally::rollup::heaviest::{Bounds, bounds, is_of};
use rollcall_tally::window::Window;

use crate::query::Listed;
use crate::stored::{self, Bucket, Root, Shard};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The most candidates.
const CANDIDATES_MAX: usize = 1_000;
/// This many more IPs than asked for are looked up at first, because some may not be tracked any
/// more.
const SPARE: usize = 20;
/// Lists or shards read by one call.
pub(crate) const AT_ONCE: usize = 8;

/// The IPs that can be among the heaviest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    pub ips: Vec<Listed>,
    /// No other IP has more hits than this.
    pub others_at_most: u64,
    /// If another IP has exactly that many hits, its address as text is not before this one. None:
    /// it may have any address.
    pub others_from: Option<String>,
}

/// What the lists say.
struct Listing {
    of_each: BTreeMap<IpAddr, Bounds>,
    others_at_most: u64,
}

impl Listing {
    /// The most hits that an IP can have, which has so many hits in all.
    fn most(&self, ip: &IpAddr, hits: u64) -> u64 {
        let most = self
            .of_each
            .get(ip)
            .map_or(self.others_at_most, |of| of.most);
        most.min(hits)
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The IPs that can be among the first `count` of a window, by hits. The caller compares their
    /// states.
    pub async fn heaviest(
        &self,
        k: u64,
        window: Window,
        as_of_ms: u64,
        count: usize,
    ) -> Result<Candidates, LedgerError> {
        let key = keys::root(k);
        let root = self.root_at(k).await?.ok_or(LedgerError::Gone { key })?;
        let ranges = self.ranges(as_of_ms);
        let span = window.span(&ranges);
        let listing = match is_of(&span, &ranges) {
            Some(is_of_span) => self.listing(&root, is_of_span).await?,
            // No lists are made for this span.
            None => Listing {
                of_each: BTreeMap::new(),
                others_at_most: u64::MAX,
            },
        };
        match self.by_lists(&root, &listing, count).await? {
            Some(candidates) => Ok(candidates),
            None => self.by_index(&root, &listing, span.from_ms).await,
        }
    }

    async fn listing(
        &self,
        root: &Root,
        is_of_span: impl Fn(BucketId) -> bool,
    ) -> Result<Listing, LedgerError> {
        let wanted = root.heaviest.iter().copied();
        let wanted: Vec<(Bucket, u64)> = wanted
            .filter(|(list, _)| is_of_span((*list).into()))
            .collect();
        let mut lists: Vec<Heaviest> = Vec::new();
        for chunk in wanted.chunks(AT_ONCE) {
            lists.extend(self.lists(chunk).await?.into_iter().map(|(_, list)| list));
        }
        let (of_each, others_at_most) = bounds(&lists);
        Ok(Listing {
            of_each,
            others_at_most,
        })
    }

    /// These lists at these versions, read by one call.
    pub(crate) async fn lists(
        &self,
        wanted: &[(Bucket, u64)],
    ) -> Result<Vec<(Bucket, Heaviest)>, LedgerError> {
        let names = wanted.iter();
        let names: Vec<String> = names
            .map(|(list, version)| keys::heaviest(*list, *version))
            .collect();
        let values = self.get_all(&names).await?;
        let lists = wanted.iter().zip(&names).zip(values);
        lists
            .map(|(((list, _), name), bytes)| {
                Ok((*list, decode::<stored::Heaviest>(name, &bytes)?.into()))
            })
            .collect()
    }

    /// The candidates by the lists. None: the lists do not tell.
    async fn by_lists(
        &self,
        root: &Root,
        listing: &Listing,
        count: usize,
    ) -> Result<Option<Candidates>, LedgerError> {
        let mut ranked: Vec<(&IpAddr, &Bounds)> = listing.of_each.iter().collect();
        ranked.sort_unstable_by_key(|(_, of)| Reverse((of.least, of.most)));
        let others_at_most = listing.others_at_most;
        // If fewer IPs than this can have more hits than all others, the states cannot prove it.
        let above = ranked.iter().filter(|(_, of)| of.most > others_at_most);
        if others_at_most > 0 && above.count() < count {
            return Ok(None);
        }
        let first = ranked.len().min(count.saturating_add(SPARE));
        let (first, rest) = ranked.split_at(first);
        let mut found = self
            .look_up(&root.shards, first.iter().map(|(ip, _)| **ip))
            .await?;
        // The last of the first `count` tracked IPs has at least this many hits. If there are fewer
        // tracked IPs, the lists tell only if they have no further IP.
        let mut tracked = first.iter().filter(|(ip, _)| found.contains_key(*ip));
        let least = match (tracked.nth(count.saturating_sub(1)), rest.is_empty()) {
            (Some((_, of)), _) => of.least,
            (None, true) => 0,
            (None, false) => return Ok(None),
        };
        let (more, fewer): (Vec<_>, Vec<_>) = rest.iter().partition(|(_, of)| of.most >= least);
        if more.len() > CANDIDATES_MAX {
            return Ok(None);
        }
        // An IP that left and came back has fewer hits than its older lists say. So `least` may be
        // too high, and the IPs below it count as others.
        let others_at_most = fewer
            .iter()
            .fold(others_at_most, |at_most, (_, of)| at_most.max(of.most));
        let more = more.iter().map(|(ip, _)| **ip);
        found.extend(self.look_up(&root.shards, more).await?);
        Ok(Some(Candidates {
            ips: found.into_values().collect(),
            others_at_most,
            others_from: None,
        }))
    }

    /// The candidates by the whole index: the IPs that can have the most hits since this time. If
    /// several can have equally many, those whose address as text comes first.
    async fn by_index(
        &self,
        root: &Root,
        listing: &Listing,
        from_ms: u64,
    ) -> Result<Candidates, LedgerError> {
        let named = root.shards.iter().enumerate();
        let named = named.filter(|(_, version)| **version > 0);
        let names: Vec<String> = named
            .map(|(shard, version)| keys::shard(shard, *version))
            .collect();
        let mut best: Vec<(Reverse<u64>, String, Listed)> = Vec::new();
        // The first ones are sorted, and the others are behind them.
        let mut is_sorted = false;
        let mut text = String::new();
        for chunk in names.chunks(AT_ONCE) {
            for (name, bytes) in chunk.iter().zip(self.get_all(chunk).await?) {
                self.clock.give_way().await;
                let shard = Shard::decode(name, &bytes)?;
                for (ip, entry) in shard.iter().filter(|(_, of)| of.last_seen_ms >= from_ms) {
                    let most = listing.most(ip, entry.hits);
                    text.clear();
                    // Writing to a text never fails.
                    let _ = write!(text, "{ip}");
                    // Those that come after the last one kept are no candidates.
                    let last = best.get(CANDIDATES_MAX).filter(|_| is_sorted);
                    if last.is_none_or(|(other, name, _)| {
                        (Reverse(most), text.as_str()) < (*other, name.as_str())
                    }) {
                        best.push((Reverse(most), text.clone(), Listed::of(*ip, entry)));
                    }
                    if best.len() > 2 * CANDIDATES_MAX {
                        keep_best(&mut best);
                        is_sorted = true;
                    }
                }
            }
        }
        keep_best(&mut best);
        let others = best.get(CANDIDATES_MAX);
        Ok(Candidates {
            others_at_most: others.map_or(0, |(most, ..)| most.0),
            others_from: others.map(|(_, text, _)| text.clone()),
            ips: best
                .into_iter()
                .take(CANDIDATES_MAX)
                .map(|(.., listed)| listed)
                .collect(),
        })
    }

    /// Finds the tracked IPs among some IPs.
    pub(crate) async fn look_up(
        &self,
        versions: &[u64],
        ips: impl Iterator<Item = IpAddr>,
    ) -> Result<BTreeMap<IpAddr, Listed>, LedgerError> {
        let mut of_shards: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        for ip in ips {
            let shard = keys::shard_of(&ip, self.limits.shards);
            let version = versions.get(shard).copied().unwrap_or(0);
            if version > 0 {
                of_shards
                    .entry(keys::shard(shard, version))
                    .or_default()
                    .push(ip);
            }
        }
        let mut found = BTreeMap::new();
        let names: Vec<String> = of_shards.keys().cloned().collect();
        for chunk in names.chunks(AT_ONCE) {
            for (name, bytes) in chunk.iter().zip(self.get_all(chunk).await?) {
                self.clock.give_way().await;
                let shard = Shard::decode(name, &bytes)?;
                for ip in of_shards.remove(name).unwrap_or_default() {
                    let listed = shard.get(&ip).map(|entry| Listed::of(ip, entry));
                    found.extend(listed.map(|listed| (ip, listed)));
                }
            }
        }
        Ok(found)
    }
}

/// Keeps the best candidates, sorted, and the first one after them.
fn keep_best(best: &mut Vec<(Reverse<u64>, String, Listed)>) {
    best.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    best.truncate(CANDIDATES_MAX + 1);
}
