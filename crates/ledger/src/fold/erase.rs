//! Erasing IPs on request.
//!
//! A hit from before the erasure of its IP counts in every sum, under the number that the IP had,
//! and makes no state. It may come in the fold that takes the erasure, or in a later one. So the
//! root remembers an erasure as long as old hits may come.
//!
//! A hit is from before an erasure if its time is not after the stamp of the erasure, or if its
//! number in the log is smaller. The second rule holds whatever clocks say: a hit that was
//! acknowledged before the request has a smaller number.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_tally::IpState;
use rollcall_tally::bucket::{BucketId, Ranges};
use rollcall_tally::hit::{CompactHit, Names};
use rollcall_tally::rollup::Deltas;
use rollcall_tally::state::{Caller, Located, Placed};

use super::outbox::Outbox;
use crate::stop::Stop;
use crate::stored::{Entry, Erased, Erasure, Had, Root, decode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The erasures that a fold knows, and the hits from before them.
pub(crate) struct Erasing {
    /// The last erasure of each IP: those of the base, and those that this fold takes.
    known: BTreeMap<IpAddr, Erasure>,
    /// The IPs that this fold erases.
    pub now: BTreeSet<IpAddr>,
    /// Hits from before the erasure of their IP.
    old: BTreeMap<IpAddr, Vec<CompactHit>>,
    newest_ms: u64,
}

impl Erasing {
    pub fn of(base: &Erased) -> Self {
        Self {
            known: base.recent.clone(),
            now: BTreeSet::new(),
            old: BTreeMap::new(),
            newest_ms: base.newest_ms,
        }
    }

    /// The IPs that this fold works on, besides those that called.
    pub fn ips(&self) -> usize {
        self.now.len() + self.old.len()
    }

    /// Notes the stamp of a segment.
    pub fn see(&mut self, stamp_ms: u64) {
        self.newest_ms = self.newest_ms.max(stamp_ms);
    }

    /// Takes the erasure of an IP, which has the number `log`. `hits` are those of the IP in
    /// segments of smaller numbers.
    pub fn erase(&mut self, ip: IpAddr, stamp_ms: u64, log: u64, hits: Vec<CompactHit>) {
        let known = self.known.entry(ip).or_default();
        known.until_ms = known.until_ms.max(stamp_ms);
        known.log = known.log.max(log);
        self.now.insert(ip);
        if !hits.is_empty() {
            self.old.entry(ip).or_default().extend(hits);
        }
    }

    /// The hits from before the erasure of an IP, if a hit belongs to them. `log` is its number.
    pub fn old(&mut self, ip: IpAddr, at_ms: u64, log: u64) -> Option<&mut Vec<CompactHit>> {
        let erasure = self.known.get(&ip)?;
        let is_old = at_ms <= erasure.until_ms || log < erasure.log;
        is_old.then(|| self.old.entry(ip).or_default())
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Counts the hits from before an erasure, with the states that go: `gone` has their entries.
    /// Notes in the root which erasures are remembered.
    pub(super) async fn count_erased(
        &self,
        outbox: &Outbox<'_, '_, S, C>,
        gone: &BTreeMap<IpAddr, Entry>,
        root: &mut Root,
        deltas: &mut Deltas,
        mut erasing: Erasing,
    ) -> Result<(), Stop> {
        let ranges = self.ranges(root.aged_ms);
        let mut old = std::mem::take(&mut erasing.old);
        let ips: BTreeSet<IpAddr> = erasing.now.iter().chain(old.keys()).copied().collect();
        for ip in ips {
            self.clock.give_way().await;
            let hits = old.remove(&ip).unwrap_or_default();
            root.erased.hits += hits.len() as u64;
            let erasure = erasing.known.entry(ip).or_default();
            let had = erasure.had.take();
            let known = match gone.get(&ip) {
                Some(entry) => {
                    root.erased.ips += 1;
                    root.erased.hits += entry.hits;
                    root.newest_drops.erased_ms =
                        root.newest_drops.erased_ms.max(entry.last_seen_ms);
                    let state = self.read_state(outbox, &ip, entry, &ranges).await?;
                    state.map(|state| (state, entry.number))
                }
                None => had.map(|had| (had.state(&ranges), had.number)),
            };
            if known.is_none() && hits.is_empty() {
                continue;
            }
            let (state, number) = known.unwrap_or_else(|| {
                root.erased.ips += 1;
                (IpState::default(), root.take_number())
            });
            for hit in &hits {
                root.see(hit.timestamp_ms);
                root.newest_drops.erased_ms = root.newest_drops.erased_ms.max(hit.timestamp_ms);
            }
            let hits = hits.into_iter().map(|hit| Placed::new(hit, &ranges));
            let hits: Vec<Placed> = hits.collect();
            deltas.add(&state, number, &hits, &state.caller.located, &ranges);
            erasure.had = Some(Had::after(&state.caller, &hits, &deltas.names, number));
        }
        root.erased.newest_ms = erasing.newest_ms;
        root.erased.recent = erasing.known;
        let (newest_ms, kept_ms) = (root.erased.newest_ms, self.limits.erased_kept_ms);
        let is_kept = |of: &Erasure| of.until_ms.saturating_add(kept_ms) >= newest_ms;
        root.erased.recent.retain(|_, erasure| is_kept(erasure));
        Ok(())
    }

    /// The state of an IP, aged to the moment of the ranges. None: it cannot be read.
    async fn read_state(
        &self,
        outbox: &Outbox<'_, '_, S, C>,
        ip: &IpAddr,
        entry: &Entry,
        ranges: &Ranges,
    ) -> Result<Option<IpState>, Stop> {
        let key = keys::ip(ip, entry.version);
        let bytes = outbox.held().store().await?.get(&key).await?;
        match decode_state(&key, &bytes.ok_or(Stop::Lost)?) {
            Ok(mut state) => {
                state.age(ranges);
                Ok(Some(state))
            }
            Err(LedgerError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Had {
    fn after(caller: &Caller, hits: &[Placed], names: &Names, number: u32) -> Self {
        let times = hits.iter().map(|placed| placed.hit.timestamp_ms);
        let origin = caller.origin_after(hits, names, &caller.located);
        Self {
            number,
            first_seen_ms: times.fold(caller.first_seen_ms, u64::min),
            country: origin.country.unwrap_or_default().to_owned(),
            network: origin.network.map(str::to_owned),
        }
    }

    /// A state to which further hits are added. Their country does not count: without its paths,
    /// the IP cannot move to another country.
    fn state(&self, ranges: &Ranges) -> IpState {
        let caller = Caller {
            country: Some((u64::MAX, self.country.clone())),
            located: Located {
                network: self.network.clone(),
                ..Located::default()
            },
            first_seen_ms: self.first_seen_ms,
            hits: [(BucketId::of(self.first_seen_ms, ranges), 1)].into(),
            ..Caller::default()
        };
        IpState {
            caller,
            ..IpState::default()
        }
    }
}
