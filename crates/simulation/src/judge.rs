//! Judges each answer, and the store after everything has healed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rollcall_tally::BatchState;
use rollcall_tally::state::Caller;

use crate::faults::IN_FLIGHT_MS_MAX;
use crate::limits::Tight;
use crate::record::{Answer, Record};
use crate::world::World;

/// How often each hit is counted, by the path of the hit.
fn counted(answer: &Answer) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    for (_, state) in &answer.states {
        for (path_key, hits) in state.hits_by_path() {
            let path = path_key.trim_start_matches("GET ").to_owned();
            *counted.entry(path).or_default() += hits;
        }
    }
    counted
}

/// The paths that the sums over all IPs have.
fn summed(answer: &Answer) -> BTreeSet<&str> {
    let paths = answer.sums.paths.iter();
    paths
        .map(|path| path.path_key.trim_start_matches("GET "))
        .collect()
}

/// An answer must hold every hit that was acknowledged before the question, or say that it is
/// behind. It must not count a hit twice.
pub fn answer(record: &mut Record, answer: &Answer, asked_us: u64) {
    record.answers += 1;
    let counted = counted(answer);
    if counted.values().any(|count| *count > 1) {
        record.blame("an answer counts a hit twice");
    }
    let before = |at: Option<u64>| at.is_some_and(|at| at <= asked_us);
    let summed = summed(answer);
    let stale = record
        .hits
        .iter()
        .any(|(path, fate)| before(fate.acknowledged_us) && !summed.contains(path.as_str()));
    if stale && !answer.is_behind {
        record.blame("an answer lacks what was acknowledged before it was asked");
    }
    if !answer.is_behind {
        erased(record, answer, asked_us);
        documents(record, answer, asked_us);
    }
    agree(record, answer);
    sums(record, answer);
    receipts(record, answer);
}

/// A receipt of an acknowledged batch must be true. Of the batches under one id, only one may be
/// called counted.
fn receipts(record: &mut Record, answer: &Answer) {
    let summed = summed(answer);
    let has_all = |paths: &[String]| paths.iter().all(|path| summed.contains(path.as_str()));
    let state = |n: u64| answer.batches.get(n as usize - 1).copied();
    let is_wrong = record.receipts.iter().any(|(n, paths)| match state(*n) {
        None | Some(BatchState::Pending) => false,
        Some(BatchState::Dropped) => true,
        Some(BatchState::Counted | BatchState::Repeated | BatchState::TooOld) => !has_all(paths),
    });
    if is_wrong {
        record.blame("a receipt is wrong");
    }
    let batch_of = |path: &str| path.split('.').next().map(str::to_owned);
    let counted: BTreeSet<Option<String>> = summed.iter().map(|path| batch_of(path)).collect();
    let is_counted = |state: &&BatchState| **state == BatchState::Counted;
    let called = answer.batches.iter().filter(is_counted).count();
    // An erasure has a number, too, and so has a document. The oldest numbers may not be known any
    // more.
    if !record.has_other_segments
        && !answer.batches.contains(&BatchState::TooOld)
        && called != counted.len()
    {
        record.blame("not as many batches are called counted as there are");
    }
}

/// No state may have a hit from before an erasure that was acknowledged before the question.
fn erased(record: &mut Record, answer: &Answer, asked_us: u64) {
    let is_before = |path_key: &str, ip: IpAddr| {
        let fate = record.hits.get(path_key.trim_start_matches("GET "));
        let fate = fate.copied().filter(|fate| !fate.is_last);
        let erasures = record.erasures.iter();
        let mut erasures = erasures.filter(|of| of.ip == ip && of.acknowledged_us <= asked_us);
        erasures.any(|erasure| {
            fate.is_some_and(|fate| {
                let acknowledged_us = fate.acknowledged_us.unwrap_or(u64::MAX);
                fate.timestamp_ms <= erasure.until_ms || acknowledged_us <= erasure.asked_us
            })
        })
    };
    let states = answer.states.iter();
    let mut paths = states.flat_map(|((ip, ..), state)| {
        let paths = state.hits_by_path();
        paths.map(|(path_key, _)| (path_key, *ip))
    });
    if paths.any(|(path_key, ip)| is_before(path_key, ip)) {
        record.blame("a state has an erased hit");
    }
}

/// A document must be there if a change of it was acknowledged before the question. Its text must not
/// be that of a change that was acknowledged before a newer one was asked for.
fn documents(record: &mut Record, answer: &Answer, asked_us: u64) {
    let known = record.changes.iter();
    let mut known = known.filter(|change| change.acknowledged_us <= asked_us);
    let is_wrong = known.any(|newer| match answer.documents.get(newer.name) {
        None => true,
        Some(text) => record
            .changes
            .iter()
            .any(|older| older.text == *text && older.acknowledged_us < newer.asked_us),
    });
    if is_wrong {
        record.blame("an answer lacks the last change of a document");
    }
}

/// A status must count at least as many hits as every status that was answered before it was asked.
pub fn status(record: &mut Record, hits: u64, told_before: u64) {
    if hits < told_before {
        record.blame("a status took back what another had told");
    }
    record.told = record.told.max(hits);
}

/// The states must agree with the index and the root.
fn agree(record: &mut Record, answer: &Answer) {
    let hits: u64 = answer.states.iter().map(|(_, state)| state.hits()).sum();
    let seen = answer.states.iter().all(|((_, _, last_seen_ms), state)| {
        let caller = &state.caller;
        let (country, user_agents) = (caller.country.clone(), caller.user_agents.clone());
        let of_paths = Caller::of_paths(country, user_agents, &state.paths);
        *caller == of_paths && *last_seen_ms == caller.last_seen_ms
    });
    if hits + answer.drops.left()[1] != answer.hits
        || answer.traffic != answer.hits
        || answer.states.len() as u64 != answer.ips
        || !seen
    {
        record.blame("states and index differ");
    }
}

/// The sums over all IPs must hold each folded hit once, and each IP that is tracked, was evicted
/// or was erased.
fn sums(record: &mut Record, answer: &Answer) {
    let sums = &answer.sums;
    let by_path: u64 = sums.paths.iter().map(|path| path.tally.count).sum();
    let by_country: u64 = sums.countries.iter().map(|of| of.tally.count).sum();
    let all = [sums.tally.count, by_path, by_country];
    if all != [answer.hits; 3] || sums.paths.iter().any(|path| path.tally.count != 1) {
        record.blame("the sums are not those of a plain count");
    }
    let ips = answer.ips + answer.drops.left()[0];
    let by_country: u64 = sums.countries.iter().map(|of| of.ips).sum();
    if [sums.ips, sums.new_ips, by_country] != [ips; 3] {
        record.blame("the sums have other IPs than there were");
    }
    let states = answer.states.iter();
    let mut others = states.filter(|((ip, ..), _)| !answer.listed.contains(ip));
    if others.any(|(_, state)| state.hits() > answer.others_at_most) {
        record.blame("an IP that is not listed called more than the bound says");
    }
    // The sums count an IP for the last country that its hits named.
    let mut countries: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, state) in &answer.states {
        *countries
            .entry(state.caller.country().unwrap_or_default())
            .or_default() += 1;
    }
    let has = |country: &str| {
        let mut told = sums.countries.iter();
        told.find(|of| of.country == country).map_or(0, |of| of.ips)
    };
    if countries.iter().any(|(country, ips)| has(country) < *ips) {
        record.blame("the sums have an IP in another country than it told last");
    }
}

/// Judges the store after everything has healed.
pub fn settled(world: &World, record: &mut Record, last: Option<&Answer>, tight: Tight) {
    let Some(last) = last else {
        record.blame("no answer after all has healed");
        return;
    };
    let counted = counted(last);
    if counted.values().any(|count| *count > 1) {
        record.blame("a hit is counted twice");
    }
    agree(record, last);
    sums(record, last);
    receipts(record, last);
    let acknowledged: Vec<&String> = record
        .hits
        .iter()
        .filter(|(_, fate)| fate.acknowledged_us.is_some())
        .map(|(path, _)| path)
        .collect();
    let missing = acknowledged
        .iter()
        .filter(|path| !counted.contains_key(**path))
        .count() as u64;
    let summed = summed(last);
    // If an IP was evicted or erased, its hits are counted as dropped. Only their number is known,
    // not their paths.
    let lost = missing > last.drops.left()[1]
        || acknowledged
            .iter()
            .any(|path| !summed.contains(path.as_str()));
    let too_many = last.hits > record.hits.len() as u64;
    if lost {
        record.blame("an acknowledged hit is lost");
    }
    if too_many {
        record.blame("more hits are counted than were sent");
    }
    let top = world.counters.get("log:next").copied().unwrap_or(0) as u64;
    if last.log < top || last.open > 0 || last.is_behind {
        record.blame("it is stuck: segments are still pending");
    }
    left_behind(world, record, last, tight);
    erased(record, last, u64::MAX);
    documents(record, last, u64::MAX);
    if tight.ips > record.hits.len() {
        erased_left_behind(world, record, last);
    }
}

/// No value may have the address of an IP that was erased and did not call again. Roots may: they
/// remember the erasure.
fn erased_left_behind(world: &World, record: &mut Record, last: &Answer) {
    let tracked: BTreeSet<IpAddr> = last.states.iter().map(|((ip, ..), _)| *ip).collect();
    let erasures = record.erasures.iter().map(|erasure| erasure.ip);
    let gone: BTreeSet<IpAddr> = erasures.filter(|ip| !tracked.contains(ip)).collect();
    let has = |value: &[u8], ip: &IpAddr| match ip {
        IpAddr::V4(v4) => value.windows(4).any(|bytes| bytes == v4.octets()),
        IpAddr::V6(v6) => value.windows(16).any(|bytes| bytes == v6.octets()),
    };
    let kept = world.values.iter();
    let mut kept = kept.filter(|(key, _)| !key.starts_with("root:") && !key.starts_with("log:"));
    if kept.any(|(_, value)| gone.iter().any(|ip| has(value, ip))) {
        record.blame("a value has an erased address");
    }
}

/// No key may be left that nothing needs.
fn left_behind(world: &World, record: &mut Record, last: &Answer, tight: Tight) {
    let states: Vec<String> = last
        .states
        .iter()
        .map(|((ip, version, _), _)| format!("ip:{version}:{ip}"))
        .collect();
    let shards = last.shards.iter().enumerate();
    let shards: Vec<String> = shards.map(|(p, k)| format!("shard:{p}:{k}")).collect();
    let ids = last.ids.iter();
    let ids: Vec<String> = ids.map(|(chunk, k)| format!("ids:{chunk}:{k}")).collect();
    // The node whose clock is farthest ahead may give up a number while the segment is still in
    // flight. Such a segment stays in the store.
    let given_up_early = tight.skip_after_ms - tight.skew_ms <= IN_FLIGHT_MS_MAX;
    for key in world.values.keys() {
        // A note or a piece belongs to its value.
        let whole = key
            .rsplit_once('-')
            .map_or(key.as_str(), |(whole, _)| whole);
        let may_lack_its_head = given_up_early && whole.starts_with("log:");
        if !may_lack_its_head && !world.values.contains_key(whole) {
            record.blame("a piece is left behind");
        }
        let key = &whole.to_owned();
        let head = key.split(':').next().unwrap_or_default();
        let version = key
            .rsplit(':')
            .next()
            .and_then(|version| version.parse::<u64>().ok());
        let fine = match head {
            "log" => given_up_early,
            // One mutant writes names without versions. Its harm shows in the counts, not in the
            // keys left behind.
            "ip" => states.contains(key) || key.split(':').count() < 3,
            "root" => version == Some(last.k),
            "shard" => shards.contains(key),
            "ids" => ids.contains(key),
            "totals" | "paths" | "known" | "heaviest" | "documents" => {
                last.rollup_keys.contains(key)
            }
            "head" | "lease" | "meta" | "cleaned" | "cleaner" => true,
            _ => false,
        };
        if !fine {
            record.blame(&format!("a key is left behind: {head}"));
        }
    }
}
