//! The backtest of a limit is that of a plain count, and stays small with any number of callers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Range;

use common::*;
use proptest::prelude::*;
use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::backtest::Backtest;
use rollcall_tally::calendar::Calendar;
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS, Ranges};
use rollcall_tally::{
    BacktestDetail, BacktestSummary, Details, Filter, Grouping, Hit, Per, Summary, Window,
};

fn unit_ms(per: Per) -> u64 {
    match per {
        Per::FiveMinutes => FINE_MS,
        Per::Hour => HOUR_MS,
        Per::Day => DAY_MS,
    }
}

/// The finest buckets that the documentation says are kept at a time. None: there are none.
fn kept_at(at_ms: u64, now_ms: u64) -> Option<Per> {
    let since = |kept_ms: u64, unit_ms: u64| (now_ms - kept_ms) / unit_ms * unit_ms;
    [
        (Per::FiveMinutes, since(2 * HOUR_MS, HOUR_MS)),
        (Per::Hour, since(48 * HOUR_MS, DAY_MS)),
        (Per::Day, since(90 * DAY_MS, DAY_MS)),
    ]
    .into_iter()
    .find_map(|(per, from_ms)| (at_ms >= from_ms).then_some(per))
}

/// The length of the limit's buckets, and the stretch of time that counts, by the documentation.
/// None: the question is refused.
fn counted(window: Window, per: Option<Per>, now_ms: u64) -> Option<(Per, Range<u64>)> {
    let up = |at_ms: u64, per| at_ms.next_multiple_of(unit_ms(per));
    let down = |at_ms: u64, per| at_ms / unit_ms(per) * unit_ms(per);
    let (begin_ms, finest, end_ms) = match (window, window.length_ms()) {
        (Window::Between(interval), _) => {
            let (from_ms, to_ms) = interval.moments(&Calendar::default());
            let finest = kept_at(from_ms, now_ms)?;
            (down(from_ms, finest), finest, to_ms)
        }
        (_, Some(length_ms)) => {
            let finest = kept_at(now_ms - length_ms, now_ms)?;
            (up(now_ms - length_ms, finest), finest, None)
        }
        _ => return None,
    };
    let per = per.unwrap_or(finest);
    if per < finest {
        return None;
    }
    let end_ms = end_ms.map_or(u64::MAX, |to_ms| {
        let last = kept_at(to_ms - 1, now_ms).unwrap();
        up(up(to_ms, last), per)
    });
    Some((per, down(begin_ms, per)..end_ms))
}

/// Refused callers, hits and refused hits by bucket, and callers by their highest bucket.
type Plain = (Vec<Refused>, BTreeMap<u64, (u64, u64)>, BTreeMap<u64, u64>);
/// A name, all hits, refused hits, buckets with one, the first, the last and the worst bucket, and
/// the hits in it.
type Refused = (String, u64, u64, u64, u64, u64, u64, u64);

/// Counts hits one by one, each given by its caller and time.
fn plain(hits: impl Iterator<Item = (String, u64)>, per: Per, asked: &BacktestDetail) -> Plain {
    let max = u64::from(asked.max);
    let mut counts: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for (caller, at_ms) in hits {
        *counts
            .entry((caller, at_ms / unit_ms(per) * unit_ms(per)))
            .or_default() += 1;
    }
    let mut slots: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for ((_, start_ms), count) in &counts {
        let slot = slots.entry(*start_ms).or_default();
        slot.0 += count;
        slot.1 += count.saturating_sub(max);
    }
    let mut refused = Vec::new();
    let mut peaks: BTreeMap<u64, u64> = BTreeMap::new();
    let callers: BTreeSet<&String> = counts.keys().map(|(caller, _)| caller).collect();
    for caller in callers {
        let own = || counts.iter().filter(|((of, _), _)| of == caller);
        let worst = own().map(|(_, count)| *count).max().unwrap();
        *peaks.entry(worst).or_default() += 1;
        let over: Vec<u64> = own()
            .filter(|(_, count)| **count > max)
            .map(|((_, at), _)| *at)
            .collect();
        if let (Some(first), Some(last)) = (over.first(), over.last()) {
            let total: u64 = own().map(|(_, count)| count).sum();
            let too_many = own().map(|(_, count)| count.saturating_sub(max)).sum();
            let (worst_at, _) = own().find(|(_, count)| **count == worst).unwrap();
            let buckets = over.len() as u64;
            refused.push((
                caller.clone(),
                total,
                too_many,
                buckets,
                *first,
                *last,
                worst_at.1,
                worst,
            ));
        }
    }
    refused.sort_by_key(|of| (Reverse(of.2), of.0.clone()));
    refused.truncate(asked.limit as usize);
    (refused, slots, peaks)
}

fn told(summary: &BacktestSummary) -> Plain {
    let refused = summary.refused.iter().map(|of| {
        (
            of.name.clone(),
            of.total_requests,
            of.refused_requests,
            of.refused_buckets,
            of.first_bucket_ms,
            of.last_bucket_ms,
            of.worst_bucket_ms,
            of.worst_requests,
        )
    });
    let slots = summary
        .slots
        .iter()
        .map(|slot| (slot.start_ms, (slot.requests, slot.refused)));
    let peaks = summary
        .peaks
        .iter()
        .map(|peak| (peak.requests, peak.callers));
    (refused.collect(), slots.collect(), peaks.collect())
}

fn details(backtest: BacktestDetail) -> Details {
    Details {
        backtest: Some(backtest),
        ..Details::default()
    }
}

proptest! {
    #[test]
    fn a_limit_refuses_the_hits_that_a_plain_count_refuses(
        of_ips in proptest::collection::vec(proptest::collection::vec(any_hit(), 0..60), 1..6),
        window in any_window(),
        filter in prop_oneof![Just(Filter::default()), any_filter()],
        backtest in any_backtest(),
        later_ms in prop_oneof![Just(0), 0..3 * HOUR_MS, 0..40 * DAY_MS],
    ) {
        // Hits are added at one moment and asked for at a later one: buckets are merged meanwhile.
        let now_ms = NOW_MS + later_ms;
        let ranges = Ranges::utc(now_ms);
        let Some((per, within)) = counted(window, backtest.per, now_ms) else {
            prop_assert!(backtest.refusal(window, &ranges).is_some());
            return Ok(());
        };
        prop_assert_eq!(backtest.refusal(window, &ranges), None);
        let batch = batch(now_ms, window, &filter, details(backtest.clone()));
        let parts: Vec<Summary> = of_ips.iter().enumerate().map(|(ip, hits)| summary(ip, hits, &batch)).collect();
        let summary = merged(&batch.details, parts);
        let hits = of_ips.iter().enumerate().flat_map(|(ip, hits)| {
            let_through(hits, &filter).into_iter().map(move |hit| (format!("192.0.2.{ip}"), hit.timestamp_ms))
        });
        let hits = hits.filter(|(_, at_ms)| within.contains(at_ms));
        let expect = plain(hits, per, &backtest);
        let sum: u64 = expect.1.values().map(|(requests, _)| requests).sum();
        prop_assert_eq!(summary.tally.count, sum);
        prop_assert_eq!(told(&summary.backtest.unwrap()), expect);
    }
}

#[test]
fn a_hit_from_the_future_counts_in_the_newest_bucket() {
    let now_ms = NOW_MS / FINE_MS * FINE_MS + FINE_MS - 1;
    let hits: Vec<Hit> = [0, 60_000]
        .map(|ms| plain_hit([192, 0, 2, 1].into(), now_ms + ms))
        .into();
    let asked = BacktestDetail {
        by: Grouping::Ip,
        per: None,
        max: 1,
        limit: 10,
    };
    let batch = batch(now_ms, Window::Hour, &Filter::default(), details(asked));
    let told = summary(1, &hits, &batch).backtest.unwrap();
    let newest = now_ms / FINE_MS * FINE_MS;
    assert_eq!((told.slots[0].start_ms, told.slots[0].refused), (newest, 1));
    assert_eq!(told.refused[0].worst_requests, 2);
}

#[test]
fn of_a_hundred_thousand_ips_those_over_the_limit_are_found() {
    let asked = BacktestDetail {
        by: Grouping::Ip,
        per: Some(Per::Hour),
        max: 2,
        limit: 10,
    };
    let batch = batch(
        NOW_MS,
        Window::Day,
        &Filter::default(),
        details(asked.clone()),
    );
    let ranges = Ranges::utc(NOW_MS);
    let query = StateQuery::new(&batch, &ranges);
    let times = |ip: u32| (0..1 + ip % 5).map(move |at| NOW_MS - u64::from(at * ip % 3) * HOUR_MS);
    let of_batch = |number: u32| {
        let mut accumulator = Accumulator::new(batch.details.clone());
        for ip in number * 500..(number + 1) * 500 {
            let address = Ipv4Addr::from(ip);
            let hits: Vec<Hit> = times(ip)
                .map(|at_ms| plain_hit(address.into(), at_ms))
                .collect();
            accumulator.add_state(&address.to_string(), state(&hits), &query);
        }
        accumulator.finish()
    };
    let mut all = Accumulator::new(batch.details.clone());
    (0..200).for_each(|number| all.add(of_batch(number)));
    let hits = (0..100_000)
        .flat_map(|ip| times(ip).map(move |at_ms| (Ipv4Addr::from(ip).to_string(), at_ms)));
    let expect: BTreeMap<u64, u64> = {
        let mut of_ip: BTreeMap<(String, u64), u64> = BTreeMap::new();
        for (ip, at_ms) in hits {
            *of_ip.entry((ip, at_ms / HOUR_MS)).or_default() += 1;
        }
        let mut refused = BTreeMap::new();
        for ((_, hour), count) in of_ip {
            *refused.entry(hour * HOUR_MS).or_default() += count.saturating_sub(2);
        }
        refused
    };
    let told = all.finish_ips().backtest.unwrap();
    let slots = told.slots.iter().map(|slot| (slot.start_ms, slot.refused));
    assert_eq!(BTreeMap::from_iter(slots), expect);
    assert_eq!((told.callers(), told.refused.len()), (100_000, 10));
}

#[test]
fn a_million_callers_that_all_differ_are_merged_exactly_and_into_few_bytes() {
    const CALLERS: u64 = 1_000_000;
    let asked = BacktestDetail {
        by: Grouping::Ip,
        per: None,
        max: 900_000,
        limit: 100,
    };
    // The highest bucket of each caller is that of no other: there is no worse case.
    let of_batch = |number: u64| {
        let mut backtest = Backtest::new(&asked);
        for caller in number * 1_000..(number + 1) * 1_000 {
            let peak = 1 + caller * 7_919 % CALLERS;
            backtest.count(0, peak);
            backtest.judge(&format!("{caller:06}"), &BTreeMap::from([(0, peak)]));
        }
        backtest.finish()
    };
    let mut all = Backtest::new(&asked);
    for number in 0..CALLERS / 1_000 {
        let part = of_batch(number);
        assert!(part.peaks.len() <= 1_000 && part.refused.len() <= 100);
        all.add(part);
    }
    let told = all.finish();
    assert_eq!(
        (told.callers(), told.refused_by(900_000)),
        (CALLERS, 100_000)
    );
    assert_eq!(told.slots[0].requests, CALLERS * (CALLERS + 1) / 2);
    assert_eq!(told.slots[0].refused, 100_000 * 100_001 / 2);
    for (per_mille, max) in [(1, 999_000), (10, 990_000), (50, 950_000)] {
        assert_eq!(told.sparing(per_mille), Some(max));
    }
    let bytes = postcard::to_allocvec(&told).unwrap().len();
    assert!(bytes < 5 << 20, "{bytes}");
}
