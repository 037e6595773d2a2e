//! Questions that the sums over all IPs answer: a few slices of them are asked, and what they tell is added up.

use std::cell::Cell;

use futures::stream::{self, StreamExt, TryStreamExt};
use rollcall_tally::accumulator::Accumulator;
use rollcall_tally::question::Query;
use rollcall_tally::{CountryDetail, Failure, Slice, Snapshot, Summary};

use crate::collector::Collector;
use crate::retry::ask_twice;
use crate::settings::Settings;

/// What the sums told, and what that took.
pub struct Told {
    pub summary: Summary,
    pub slices: u64,
    pub retried: u64,
}

/// Asks each slice, at most so many at once. One that fails is asked once more; without it there is no answer, as what it tells nobody
/// else knows.
pub async fn ask(settings: &Settings, query: &Query, snapshot: &Snapshot) -> Result<Told, Failure> {
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
        .buffer_unordered(settings.fanout_limit)
        .try_fold(
            Accumulator::new(query.details),
            async |mut accumulator, summary| {
                accumulator.add(summary);
                Ok(accumulator)
            },
        )
        .await?;
    Ok(Told {
        summary: accumulator.finish_slices(),
        slices: count,
        retried: retried.get(),
    })
}

/// One slice where the paths are few, or where it takes all of them to tell who called them.
fn slices(query: &Query, snapshot: &Snapshot) -> Vec<Slice> {
    let count = match query.details.paths {
        0 => 1,
        _ if query.filter.is_on_paths() => 1,
        _ => snapshot.slices.max(1),
    };
    let slice = |number| Slice {
        root: snapshot.root,
        as_of_ms: snapshot.as_of_ms,
        window: query.window,
        filter: query.filter.clone(),
        details: match number {
            0 => query.details,
            // All together is for the first to tell.
            _ => rollcall_tally::Details {
                countries: CountryDetail::Nothing,
                timeline: false,
                ..query.details
            },
        },
        number,
        count,
    };
    (0..count).map(slice).collect()
}
