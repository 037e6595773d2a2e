//! Questions that the sums over all IPs answer. The aggregator asks for a few slices of the sums,
//! and adds up the answers.

use std::cell::Cell;

use futures::stream::{self, StreamExt, TryStreamExt};
use rollcall_tally::accumulator::Accumulator;
use rollcall_tally::question::Query;
use rollcall_tally::{CountryDetail, Failure, Grouping, Slice, Snapshot, Summary};

use crate::collector::Collector;
use crate::retry::ask_twice;
use crate::settings::Settings;

/// The groups of all slices that are asked for at once. A group takes about 2 KiB.
const GROUPS_AT_ONCE: usize = 20_000;

/// The sum of the answers of all slices, and their cost.
pub struct Response {
    pub summary: Summary,
    pub slices: u64,
    pub retried: u64,
}

/// Asks for each slice, a bounded number at once. If a slice fails, it is asked for once more. If
/// it fails again, there is no answer, because no other slice has its paths.
pub async fn ask(
    settings: &Settings,
    query: &Query,
    snapshot: &Snapshot,
) -> Result<Response, Failure> {
    let retried = Cell::new(0);
    let slices = slices(query, snapshot);
    let count = slices.len() as u64;
    let ask = async |slice: Slice| {
        let sums = async || {
            Collector::within(settings.answer_deadline)
                .sums(&slice)
                .await
        };
        ask_twice(sums, || retried.set(retried.get() + 1)).await
    };
    let ask = &ask;
    let accumulator = stream::iter(slices)
        .map(|slice| async move { ask(slice).await })
        .buffer_unordered(settings.fanout_limit.min(at_once(query)))
        .try_fold(
            Accumulator::new(query.details.clone()),
            async |mut accumulator, summary| {
                accumulator.add(summary);
                Ok(accumulator)
            },
        )
        .await?;
    Ok(Response {
        summary: accumulator.finish_slices(),
        slices: count,
        retried: retried.get(),
    })
}

/// How many slices are asked for at once, so that all of their lists fit into memory.
fn at_once(query: &Query) -> usize {
    let groups = query.details.groups.as_ref();
    let limit = groups.map_or(0, |groups| groups.limit as usize);
    (GROUPS_AT_ONCE / limit.max(1)).max(1)
}

/// There is one slice if the paths are few, or if the callers of all paths must be counted
/// together.
pub fn slices(query: &Query, snapshot: &Snapshot) -> Vec<Slice> {
    let is_of_paths = match &query.details.groups {
        // The IPs seen before must be known where the groups are.
        Some(groups) => groups.by == Grouping::Path && !groups.new_ips,
        None => query.details.paths > 0,
    };
    let count = match is_of_paths && !query.filter.is_on_paths() {
        true => snapshot.slices.max(1),
        false => 1,
    };
    let slice = |number| Slice {
        root: snapshot.root,
        as_of_ms: snapshot.as_of_ms,
        window: query.window,
        filter: query.filter.clone(),
        details: match number {
            0 => query.details.clone(),
            // Only the first slice has the sums over all paths.
            _ => rollcall_tally::Details {
                countries: CountryDetail::Nothing,
                timeline: false,
                ..query.details.clone()
            },
        },
        number,
        count,
    };
    (0..count).map(slice).collect()
}
