//! The IPs that called most in a stretch of time, and the most hits that any other IP can have.
//!
//! A hit counts in the lists of its 5 minutes, its hour, its day and all time, as long as these
//! lists are kept. A list has the count of each of its IPs, as the state of the IP has it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::bucket::Ranges;
use crate::bucket::{BucketId, Tier};
use crate::span::Span;
use crate::state::{Caller, Placed};

/// The most IPs that a list has, and the usual number.
pub const LISTED_MAX: usize = 500;

const TIERS: [Tier; 4] = [Tier::Fine, Tier::Hour, Tier::Day, Tier::Before];

/// The IPs that called most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heaviest {
    pub ips: BTreeMap<IpAddr, u64>,
    /// No IP outside of the list has more hits than this.
    pub others_at_most: u64,
}

impl Heaviest {
    /// Sets the hits of an IP: all of its hits in this stretch of time.
    pub fn put(&mut self, ip: IpAddr, hits: u64) {
        // The bound covers an IP that is not in the list.
        let is_light = hits <= self.others_at_most && self.ips.len() >= LISTED_MAX;
        if is_light && !self.ips.contains_key(&ip) {
            return;
        }
        self.ips.insert(ip, hits);
        if self.ips.len() >= 2 * LISTED_MAX {
            self.cut(LISTED_MAX);
        }
    }

    /// Takes over the counts of a newer list, and keeps the heaviest IPs.
    pub fn update(&mut self, newer: &Self, listed: usize) {
        self.others_at_most = self.others_at_most.max(newer.others_at_most);
        for (ip, hits) in &newer.ips {
            self.put(*ip, *hits);
        }
        self.cut(listed);
    }

    /// Keeps only the heaviest IPs.
    pub fn cut(&mut self, listed: usize) {
        if self.ips.len() <= listed {
            return;
        }
        let mut ranked: Vec<(u64, IpAddr)> = self.ips.iter().map(|(ip, n)| (*n, *ip)).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        let light = ranked.split_off(listed);
        let heaviest = light.first().map_or(0, |(hits, _)| *hits);
        self.others_at_most = self.others_at_most.max(heaviest);
        self.ips = ranked.into_iter().map(|(hits, ip)| (ip, hits)).collect();
    }
}

/// The lists that a bucket counts in: that of its own stretch of time, and those of the longer ones
/// around it.
fn lists_of(bucket: BucketId, ranges: &Ranges) -> impl Iterator<Item = BucketId> {
    let tiers = TIERS.into_iter();
    tiers
        .filter(move |tier| *tier >= bucket.tier)
        .map(move |tier| BucketId::around(tier, bucket.start_ms, ranges))
}

/// The hits of an IP in each list that some of `hits` count in. `caller` has counted these hits.
pub fn counts(caller: &Caller, hits: &[Placed], ranges: &Ranges) -> Vec<(BucketId, u64)> {
    let mut buckets: Vec<BucketId> = hits.iter().map(|placed| placed.bucket).collect();
    buckets.sort_unstable();
    buckets.dedup();
    let lists = buckets.iter().flat_map(|bucket| lists_of(*bucket, ranges));
    let mut lists: Vec<BucketId> = lists.collect();
    lists.sort_unstable();
    lists.dedup();
    // The calendar is asked for each list, and not for each bucket: there may be more buckets.
    let end_ms = |list: &BucketId| ranges.calendar.next_ms(list.tier, list.start_ms);
    let ends_ms: Vec<u64> = lists.iter().map(end_ms).collect();
    let mut counts = vec![0; lists.len()];
    for (bucket, hits) in &caller.hits {
        for tier in TIERS.into_iter().filter(|tier| *tier >= bucket.tier) {
            let start_ms = bucket.start_ms;
            let after = lists.partition_point(|list| *list <= BucketId { tier, start_ms });
            let Some(at) = after.checked_sub(1) else {
                continue;
            };
            let is_of = lists.get(at).is_some_and(|list| list.tier == tier)
                && ends_ms.get(at).is_some_and(|end_ms| start_ms < *end_ms);
            if let Some(count) = counts.get_mut(at).filter(|_| is_of) {
                *count += hits;
            }
        }
    }
    lists.into_iter().zip(counts).collect()
}

/// The hits of an IP in all lists.
pub fn all_counts(caller: &Caller, ranges: &Ranges) -> BTreeMap<BucketId, u64> {
    let mut counts: BTreeMap<BucketId, u64> = BTreeMap::new();
    for (bucket, hits) in &caller.hits {
        for list in lists_of(*bucket, ranges) {
            *counts.entry(list).or_default() += hits;
        }
    }
    counts
}

/// Whether a list is still kept.
pub fn is_kept(list: BucketId, ranges: &Ranges) -> bool {
    match list.tier {
        Tier::Before => true,
        tier => BucketId::of(list.start_ms, ranges).tier <= tier,
    }
}

/// Whether a list is part of a span. None: no set of lists covers exactly this span.
pub fn is_of<'s>(span: &'s Span, ranges: &Ranges) -> Option<impl Fn(BucketId) -> bool + 's> {
    let ends_here = |tier| ranges.calendar.start_ms(tier, span.until_ms) == span.until_ms;
    let tier = match (span.from_ms, span.until_ms) {
        (0, u64::MAX) => Tier::Before,
        (0, _) => return None,
        (_, u64::MAX) => span.cut,
        _ if ends_here(span.cut) => span.cut,
        _ => return None,
    };
    Some(move |list: BucketId| list.tier == tier && span.has(list))
}

/// The least and the most hits that an IP can have, according to the lists of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub least: u64,
    pub most: u64,
}

/// The bounds of each IP in some lists, and the most hits that any other IP can have.
pub fn bounds(lists: &[Heaviest]) -> (BTreeMap<IpAddr, Bounds>, u64) {
    let others_at_most: u64 = lists.iter().map(|list| list.others_at_most).sum();
    let mut bounds: BTreeMap<IpAddr, Bounds> = BTreeMap::new();
    for list in lists {
        for (ip, hits) in &list.ips {
            let of = bounds.entry(*ip).or_insert(Bounds {
                least: 0,
                most: others_at_most,
            });
            of.least += hits;
            // The IP is in this list. So the list's bound for the other IPs does not apply to it.
            of.most = of.most + hits - list.others_at_most;
        }
    }
    (bounds, others_at_most)
}

/// The tracked IPs that are no candidates.
pub struct Others {
    /// None of them has more hits than this.
    pub at_most: u64,
    /// If one has exactly that many hits, its address as text is not before this one. None: it may
    /// have any address.
    pub from: Option<String>,
}

impl Others {
    /// Whether none of them comes before the last caller that is wanted: its hits and its address.
    /// None: there are fewer callers than wanted.
    pub fn come_after(&self, last: Option<(u64, &str)>) -> bool {
        match last {
            _ if self.at_most == 0 => true,
            None => false,
            Some((hits, _)) if hits != self.at_most => hits > self.at_most,
            // Equal callers are sorted by address.
            Some((_, ip)) => self.from.as_deref().is_some_and(|from| ip < from),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_ip_has_more_than_the_lists_say(
            counts in prop::collection::vec(prop::collection::vec(0..50u64, 3), 1..1_400),
            cuts in prop::collection::vec(0..1_400usize, 0..4),
        ) {
            let ip = |i: usize| IpAddr::from((0x0a00_0000 + i as u32).to_be_bytes());
            let mut lists = vec![Heaviest::default(); 3];
            for (i, of_lists) in counts.iter().enumerate() {
                for (list, hits) in lists.iter_mut().zip(of_lists) {
                    if *hits > 0 {
                        list.put(ip(i), *hits);
                    }
                    if cuts.contains(&i) {
                        list.cut(LISTED_MAX);
                    }
                }
            }
            for list in &mut lists {
                list.cut(LISTED_MAX);
                prop_assert!(list.ips.len() <= LISTED_MAX);
            }
            let (bounds, others_at_most) = bounds(&lists);
            for (i, of_lists) in counts.iter().enumerate() {
                let hits: u64 = of_lists.iter().sum();
                match bounds.get(&ip(i)) {
                    Some(of) => prop_assert!(of.least <= hits && hits <= of.most),
                    None => prop_assert!(hits <= others_at_most),
                }
            }
        }
    }

    #[test]
    fn others_come_after_if_they_have_fewer_hits_or_equally_many_and_a_later_address() {
        let check = |at_most, from: Option<&str>, last, expect| {
            let from = from.map(str::to_owned);
            assert_eq!(Others { at_most, from }.come_after(last), expect);
        };
        check(0, None, None, true);
        check(1, None, None, false);
        check(4, None, Some((5, "192.0.2.9")), true);
        check(6, Some("192.0.2.9"), Some((5, "192.0.2.1")), false);
        check(5, None, Some((5, "192.0.2.1")), false);
        check(5, Some("192.0.2.9"), Some((5, "192.0.2.10")), true);
        check(5, Some("192.0.2.10"), Some((5, "192.0.2.9")), false);
    }
}
