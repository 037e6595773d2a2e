//! What an answer would cost.

use std::time::Instant;

use rollcall_tally::question::{Ask, Breakdown, Survey};
use rollcall_tally::report::{Estimate, EstimateSource};
use rollcall_tally::{Batch, Failure};

use crate::answer;
use crate::collector;
use crate::documents;
use crate::settings::Settings;
use crate::sums;
use crate::targets::Targets;

/// Finds the IPs that a breakdown would read, and reads none of them. Returns the estimate as JSON.
pub async fn estimate(settings: &Settings, mut of: Breakdown) -> Result<Vec<u8>, Failure> {
    let began = Instant::now();
    let mut query = of.query();
    if of.takes_labels() {
        documents::current().await?.resolve(&mut query.filter)?;
    }
    let snapshot = collector::SNAPSHOT.take_snapshot().await?;
    answer::refuse_empty(query.window, &snapshot.ranges())?;
    let (source, slices) = match query.is_of_sums() {
        true => (EstimateSource::Sums, sums::slices(&query, &snapshot).len()),
        false => (EstimateSource::Ips, 0),
    };
    let batches: Vec<Batch> = match source {
        EstimateSource::Sums if query.details.callers == 0 => Vec::new(),
        EstimateSource::Sums => {
            let (targets, _) = Targets::heaviest(&query, &snapshot, began).await?;
            targets.batches(settings, &query)
        }
        EstimateSource::Ips => {
            let targets = Targets::gather(settings, &query, &snapshot, began).await?;
            targets.batches(settings, &query)
        }
    };
    let estimate = Estimate {
        source,
        ips_to_read: batches.iter().map(|batch| batch.ips.len() as u64).sum(),
        requests: (slices + batches.len()) as u64,
        as_of_ms: snapshot.as_of_ms,
    };
    let unwritable = |error| Failure::Unavailable(format!("an estimate as JSON: {error}"));
    serde_json::to_vec(&estimate).map_err(unwritable)
}
