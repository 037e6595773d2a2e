//! Hits become states: a fold adds the hits of each IP to the IP's state.

use std::net::IpAddr;

use rollcall_tally::IpState;
use rollcall_tally::hit::{Names, OTHER_PATHS};
use rollcall_tally::rollup::Deltas;
use rollcall_tally::state::{Caller, Located, Placed};

use super::apply::{Draft, Touched};
use super::outbox::Outbox;
use crate::stop::Stop;
use crate::stored::{Root, decode_paths, encode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Reads the states of the IPs that called, in portions. Adds their hits, and puts the states
    /// into the outbox. Returns the changes that the hits make to the rollups.
    ///
    /// Only the paths that were called are decoded. The others are copied as they are stored.
    ///
    /// If a state cannot be read, the IP begins a new state under a new number, as another IP
    /// would. The old bytes stay for the operator.
    pub(super) async fn write_states(
        &self,
        outbox: &mut Outbox<'_, '_, S, C>,
        draft: &mut Draft,
        root: &mut Root,
        names: Names,
    ) -> Result<Deltas, Stop> {
        let ranges = self.ranges(root.aged_ms);
        let mut deltas = Deltas::of(names);
        if let Some(atlas) = self.atlas.filter(|_| !draft.ips.is_empty()) {
            atlas.load().await;
        }
        // The plan has a change for each of these IPs, in this order.
        let mut ips = draft.ips.iter_mut().enumerate().peekable();
        while ips.peek().is_some() {
            let mut portion: Vec<(usize, (&IpAddr, &mut Touched))> = Vec::new();
            let mut bytes = 0;
            while let Some(next) = ips.next_if(|(_, (_, next))| {
                let fits = bytes + next.before.bytes <= self.limits.chunk_bytes as u64;
                portion.is_empty() || (fits && portion.len() < self.limits.chunk)
            }) {
                bytes += next.1.1.before.bytes;
                portion.push(next);
            }
            let old_key = |ip: &IpAddr, touched: &Touched| {
                let version = touched.before.version;
                (version > 0).then(|| keys::ip(ip, version))
            };
            let old: Vec<String> = portion
                .iter()
                .filter_map(|(_, (ip, touched))| old_key(ip, touched))
                .collect();
            let found = match old.is_empty() {
                true => Default::default(),
                false => outbox.held().store().await?.get_many(&old).await?,
            };
            for (change, (ip, touched)) in portion {
                self.clock.give_way().await;
                let hits = std::mem::take(&mut touched.hits).into_iter();
                let hits: Vec<Placed> = hits.map(|hit| Placed::new(hit, &ranges)).collect();
                let mut located = None;
                let wanted = |caller: &Caller| {
                    let names = &deltas.names;
                    let located = located.insert(self.locate(*ip, &caller.located));
                    let needs_all =
                        IpState::needs_all_paths(caller, &hits, names, located, &ranges);
                    let called = hits.iter().map(|placed| names.text(placed.hit.path_key));
                    (!needs_all).then(|| called.chain([OTHER_PATHS]).collect())
                };
                let (mut state, undecoded) = match old_key(ip, touched) {
                    None => Default::default(),
                    Some(key) => {
                        let bytes = found.get(&key).ok_or(Stop::Lost)?;
                        match decode_paths(&key, bytes, wanted) {
                            Ok(old) => old,
                            Err(LedgerError::Corrupt { .. }) => {
                                root.drops.unreadable_ips += 1;
                                root.drops.unreadable_hits += touched.before.hits;
                                let newest = &mut root.newest_drops.unreadable_ms;
                                *newest = touched.before.last_seen_ms.max(*newest);
                                touched.after.hits -= touched.before.hits;
                                touched.after.number = root.take_number();
                                outbox.spare(change);
                                Default::default()
                            }
                            // The value is whole, so no new state may begin in its place.
                            Err(error) => return Err(error.into()),
                        }
                    }
                };
                // Each fold that touches a state ages it. Otherwise buckets whose range has passed
                // would pile up.
                state.age(&ranges);
                let located = located.unwrap_or_else(|| self.locate(*ip, &state.caller.located));
                deltas.add(&state, touched.after.number, &hits, &located, &ranges);
                state.caller.located = located;
                for placed in &hits {
                    let at_ms = placed.hit.timestamp_ms;
                    root.see(at_ms);
                    if state.count(placed, &deltas.names) {
                        root.drops.other_path_hits += 1;
                        let newest = &mut root.newest_drops.other_path_ms;
                        *newest = at_ms.max(*newest);
                    }
                }
                deltas.rank(*ip, &state.caller, &hits, &ranges);
                let key = keys::ip(ip, root.k);
                let value = encode_state(&key, &state, &undecoded);
                touched.after.bytes = value.len() as u64;
                outbox.put(key, value).await?;
            }
        }
        Ok(deltas)
    }

    /// Where an IP is. It is looked up only if it was not yet, or in other files.
    fn locate(&self, ip: IpAddr, known: &Located) -> Located {
        match self.atlas {
            Some(atlas) if ![0, known.version].contains(&atlas.version()) => {
                let (country, network) = atlas.find(ip);
                Located {
                    version: atlas.version(),
                    country,
                    network,
                }
            }
            _ => known.clone(),
        }
    }
}

impl Root {
    pub(super) fn see(&mut self, at_ms: u64) {
        self.first_seen_ms = Some(self.first_seen_ms.map_or(at_ms, |known| known.min(at_ms)));
    }
}
