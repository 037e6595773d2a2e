//! The state of the system, from every place that knows a part of it.

use rollcall_tally::report::{CacheStatus, FanOutStatus, FoldStatus, RefusedRequests, Status};
use rollcall_tally::{Failure, Traffic};

use crate::clock::now_ms;
use crate::counters::{self, Counter};
use crate::settings::Settings;
use crate::{collector, flight, memory, retry};

pub async fn status(settings: &Settings) -> Result<Status, Failure> {
    Ok(status_and_traffic(settings).await?.0)
}

/// The status, and all hits that were ever recorded.
pub async fn status_and_traffic(settings: &Settings) -> Result<(Status, Traffic), Failure> {
    let ledger = collector::MANY.status().await?;
    let totals = counters::totals().await?;
    let total = |counter: Counter| totals.get(counter as usize).copied().unwrap_or_default();
    let status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        layout_version: ledger.layout_version,
        time_zone: ledger.snapshot.time_zone,
        root: ledger.snapshot.root,
        folded_at_ms: ledger.folded_at_ms,
        tracked_ips: ledger.snapshot.ips,
        recorded_hits: ledger.snapshot.hits,
        shards: ledger.snapshot.shards,
        appended_segments: ledger.log_next,
        pending_segments: ledger.log_next.saturating_sub(ledger.log_folded),
        open_segments: ledger.log_open,
        lag_ms: ledger.lag_ms,
        folds: FoldStatus {
            lost: ledger.folds_lost,
            last_duration_ms: ledger.last_fold_ms,
            last_batches: ledger.last_fold_batches,
            uncleaned: ledger.folds_uncleaned,
        },
        dropped: ledger.snapshot.drops,
        repaired: ledger.snapshot.repaired,
        cache: CacheStatus {
            hits_memory: total(Counter::HitsMemory),
            hits_store: total(Counter::HitsStore),
            misses: total(Counter::Misses),
            collapsed: total(Counter::Collapsed),
            stale: total(Counter::Stale),
            failures: total(Counter::Failures),
            memory_bytes: memory::bytes() as u64,
        },
        fan_out: FanOutStatus {
            total: total(Counter::FanOuts),
            batches: total(Counter::Batches),
            batches_retried: total(Counter::BatchesRetried),
            batches_failed: total(Counter::BatchesFailed),
            in_flight: retry::in_flight(),
            questions_in_flight: flight::under_way() as u64,
            last: counters::last_fan_out().await?,
        },
        access_denied: total(Counter::AccessDenied),
        refused_requests: RefusedRequests {
            backlog: total(Counter::RefusedBacklog),
            rate: total(Counter::RefusedRate),
        },
        batch_size: settings.batch_size as u64,
        fanout_limit: settings.fanout_limit as u64,
        batch_deadline_ms: settings.batch_deadline.as_millis() as u64,
        answer_deadline_ms: settings.answer_deadline.as_millis() as u64,
        min_success_rate: settings.min_success_rate,
        generated_at_ms: now_ms(),
    };
    Ok((status, ledger.traffic))
}
