//! `shard:{s}:{k}`: the index of a share of the IPs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_store::{Stored, Unreadable, value};
use serde::{Deserialize, Serialize};

use crate::keys::{ADDRESS_FIRST, FOLD_FIRST_SINCE};

/// Sorted by address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard(Vec<(IpAddr, Entry)>);

impl Shard {
    pub fn decode(key: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut shard: Self = value::decode(key, bytes)?;
        if value::layout_of(key, bytes)? < FOLD_FIRST_SINCE {
            for (_, entry) in &mut shard.0 {
                entry.version |= ADDRESS_FIRST;
            }
        }
        Ok(shard)
    }

    /// The same index, if the fold `k` wrote all of its states.
    pub fn with_version(mut self, k: u64) -> Self {
        self.0.iter_mut().for_each(|(_, entry)| entry.version = k);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &(IpAddr, Entry)> {
        self.0.iter()
    }

    pub fn get(&self, ip: &IpAddr) -> Option<&Entry> {
        let at = self.0.binary_search_by_key(ip, |(ip, _)| *ip).ok()?;
        self.0.get(at).map(|(_, entry)| entry)
    }

    /// Sets the entries of some IPs, or takes them out.
    pub fn change(&mut self, mut changes: Vec<(IpAddr, Option<Entry>)>) {
        changes.sort_unstable_by_key(|(ip, _)| *ip);
        let mut before = std::mem::take(&mut self.0).into_iter().peekable();
        for (ip, after) in changes {
            while let Some(other) = before.next_if(|(other, _)| *other < ip) {
                self.0.push(other);
            }
            before.next_if(|(other, _)| *other == ip);
            self.0.extend(after.map(|after| (ip, after)));
        }
        self.0.extend(before);
    }
}

impl FromIterator<(IpAddr, Entry)> for Shard {
    fn from_iter<I: IntoIterator<Item = (IpAddr, Entry)>>(entries: I) -> Self {
        let mut shard = Self::default();
        shard.change(
            entries
                .into_iter()
                .map(|(ip, entry)| (ip, Some(entry)))
                .collect(),
        );
        shard
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The fold that wrote its state last. With [`ADDRESS_FIRST`], if that fold had layout 6 or an
    /// older one.
    pub version: u64,
    pub last_seen_ms: u64,
    pub hits: u64,
    /// The length of its stored state.
    pub bytes: u64,
    /// The number of the IP in the rollups. It is never given to another IP.
    pub number: u32,
}

impl Stored for Shard {
    const SINCE: u8 = 5;
}

/// The shard of layout 4. It has no numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard4(BTreeMap<IpAddr, Entry4>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry4 {
    version: u64,
    last_seen_ms: u64,
    hits: u64,
    bytes: u64,
}

impl Stored for Shard4 {
    const SINCE: u8 = 4;
}

impl Shard4 {
    /// Gives each IP the next number.
    pub fn numbered(self, next: &mut u32) -> Shard {
        let numbered = self.0.into_iter().map(|(ip, entry)| {
            let number = *next;
            *next += 1;
            let entry = Entry {
                version: entry.version | ADDRESS_FIRST,
                last_seen_ms: entry.last_seen_ms,
                hits: entry.hits,
                bytes: entry.bytes,
                number,
            };
            (ip, entry)
        });
        numbered.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shard_is_a_sorted_map(
            steps in prop::collection::vec(prop::collection::btree_map(0..20u8, any::<bool>(), 0..20), 1..6),
        ) {
            let (mut shard, mut map) = (Shard::default(), BTreeMap::new());
            let ip = |n: u8| IpAddr::from([192, 0, 2, n]);
            for (version, step) in (0..).zip(steps) {
                let entry = Entry { version, ..Entry::default() };
                let changes = step.iter().map(|(n, is_there)| (ip(*n), is_there.then_some(entry)));
                shard.change(changes.rev().collect());
                for (n, is_there) in step {
                    match is_there {
                        true => map.insert(ip(n), entry),
                        false => map.remove(&ip(n)),
                    };
                }
                prop_assert!(shard.iter().copied().eq(map.clone()));
                for n in 0..20 {
                    prop_assert_eq!(shard.get(&ip(n)), map.get(&ip(n)));
                }
            }
        }
    }
}
