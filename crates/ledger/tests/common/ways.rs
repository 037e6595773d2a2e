//! Both ways to an answer: the sums over all IPs, and the IPs themselves.

use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::bucket::BucketId;
use rollcall_tally::window::DAY_MS;
use rollcall_tally::{Batch, CountryDetail, Details, Filter, PathOrder, Slice, Summary, Window};

use super::*;

pub fn of_sums(
    store: &MemoryStore,
    limits: &Limits,
    window: Window,
    filter: &Filter,
    details: Details,
    count: u32,
) -> Summary {
    let root = snapshot(store, limits).unwrap();
    let mut accumulator = Accumulator::new(details.clone());
    for number in 0..count {
        let slice = Slice {
            root: root.k,
            as_of_ms: store.clock.wall_ms.get(),
            window,
            filter: filter.clone(),
            details: details.clone(),
            number,
            count,
        };
        let active_from_ms = slice.as_of_ms.saturating_sub(7 * DAY_MS);
        accumulator.add(block_on(ledger(store, limits).sums(&slice, active_from_ms)).unwrap());
    }
    accumulator.finish_slices()
}

pub fn of_ips(
    store: &MemoryStore,
    limits: &Limits,
    window: Window,
    filter: &Filter,
    details: Details,
) -> Summary {
    let batch = Batch {
        as_of_ms: store.clock.wall_ms.get(),
        window,
        filter: filter.clone(),
        details: details.clone(),
        ips: Vec::new(),
    };
    let ranges = ledger(store, limits).ranges(batch.as_of_ms);
    let mut accumulator = Accumulator::new(details);
    for (ip, state) in all(store, limits) {
        accumulator.add_state(&ip.to_string(), state, &StateQuery::new(&batch, &ranges));
    }
    let mut summary = accumulator.finish_ips();
    summary.active = all(store, limits)
        .values()
        .filter(|state| {
            let last = BucketId::of(state.caller.last_seen_ms, &ranges);
            last.starts_within(batch.as_of_ms - 7 * DAY_MS)
        })
        .count() as u64;
    summary
}

pub fn all_details() -> Details {
    Details {
        paths: 100,
        path_order: PathOrder::Requests,
        path_keys: true,
        countries: CountryDetail::All,
        timeline: true,
        buckets: true,
        ..Details::default()
    }
}
