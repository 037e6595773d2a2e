//! The IPs that can be among the heaviest of a window, by the lists of one root.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_store::value::decode;
use rollcall_tally::rollup::Heaviest;
use rollcall_tally::rollup::heaviest::{Bounds, bounds, is_of};
use rollcall_tally::window::Window;

use crate::query::Listed;
use crate::stored::{self, Shard};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// If there are more candidates than this, they are not looked up, and all IPs are asked.
const CANDIDATES_MAX: usize = 1_000;
/// This many more IPs than asked for are looked up at first, because some may not be tracked any
/// more.
const SPARE: usize = 20;
/// Lists or shards read by one call.
const AT_ONCE: usize = 8;

/// The IPs that can be among the heaviest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    pub ips: Vec<Listed>,
    /// No other IP has more hits than this. None: the lists do not tell.
    pub others_at_most: Option<u64>,
}

/// The result if the lists do not tell.
const UNTOLD: Candidates = Candidates {
    ips: Vec::new(),
    others_at_most: None,
};

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
        let Some(is_of_span) = is_of(&span, &ranges) else {
            return Ok(UNTOLD);
        };
        let wanted = root.heaviest.iter();
        let wanted = wanted.filter(|(list, _)| is_of_span((*list).into()));
        let names: Vec<String> = wanted
            .map(|(list, version)| keys::heaviest(*list, *version))
            .collect();
        let mut lists: Vec<Heaviest> = Vec::new();
        for chunk in names.chunks(AT_ONCE) {
            for (name, bytes) in chunk.iter().zip(self.get_all(chunk).await?) {
                lists.push(decode::<stored::Heaviest>(name, &bytes)?.into());
            }
        }
        let (bounds, others_at_most) = bounds(&lists);
        let mut ranked: Vec<(IpAddr, Bounds)> = bounds.into_iter().collect();
        ranked.sort_unstable_by_key(|(_, of)| std::cmp::Reverse((of.least, of.most)));
        let first = ranked.len().min(count.saturating_add(SPARE));
        let (first, rest) = ranked.split_at(first);
        let mut found = self
            .look_up(&root.shards, first.iter().map(|(ip, _)| *ip))
            .await?;
        // The last of the first `count` tracked IPs has at least this many hits. If there are fewer
        // tracked IPs, the lists tell only if they have no further IP.
        let mut tracked = first.iter().filter(|(ip, _)| found.contains_key(ip));
        let least = match (tracked.nth(count.saturating_sub(1)), rest.is_empty()) {
            (Some((_, of)), _) => of.least,
            (None, true) => 0,
            (None, false) => return Ok(UNTOLD),
        };
        let more: Vec<IpAddr> = rest
            .iter()
            .filter(|(_, of)| of.most >= least)
            .map(|(ip, _)| *ip)
            .collect();
        if more.len() > CANDIDATES_MAX {
            return Ok(UNTOLD);
        }
        found.extend(self.look_up(&root.shards, more.into_iter()).await?);
        Ok(Candidates {
            ips: found.into_values().collect(),
            others_at_most: Some(others_at_most),
        })
    }

    /// Finds the tracked IPs among some IPs.
    async fn look_up(
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
