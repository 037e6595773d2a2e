//! The answers: each asks the IPs that can matter, and shapes what they say.

use std::time::{SystemTime, UNIX_EPOCH};

use rollcall_tally::report::{
    self, CostMetrics, GlobalStats, PathOrder, Provenance, TopIps, TopPaths,
};
use rollcall_tally::{Detail, Drops, Failure, Window};
use serde::Serialize;

use crate::collector;
use crate::fan_out::{Answers, Audience};
use crate::settings::Settings;

pub async fn global_stats(
    settings: &Settings,
    window: Window,
    include_metrics: bool,
    include_costs: bool,
) -> Result<GlobalStats, Failure> {
    let audience = Audience::gather(settings, window).await?;
    let answers = audience.ask(settings, window, Detail::Paths).await?;
    let as_of_ms = audience.snapshot.as_of_ms;
    let first_seen_ms = answers.summary.first_seen_ms.unwrap_or(as_of_ms);
    let days = report::days(window, as_of_ms, first_seen_ms);
    let costs = CostMetrics::new(&answers.summary.tally, days, settings.prices);
    let provenance = provenance(&audience, &answers, window);
    let mut stats = GlobalStats::new(answers.summary, audience.active, provenance);
    stats.cost_metrics = include_costs.then_some(costs);
    stats.metrics = stats.metrics.filter(|_| include_metrics);
    Ok(stats)
}

pub async fn top_paths(
    settings: &Settings,
    window: Window,
    limit: u32,
    order: PathOrder,
) -> Result<TopPaths, Failure> {
    let audience = Audience::gather(settings, window).await?;
    let answers = audience.ask(settings, window, Detail::Paths).await?;
    Ok(TopPaths {
        provenance: provenance(&audience, &answers, window),
        paths: report::top_paths(answers.summary.paths, order, limit as usize),
    })
}

pub async fn top_ips(settings: &Settings, window: Window, limit: u32) -> Result<TopIps, Failure> {
    let audience = Audience::gather(settings, window).await?;
    let answers = audience.ask(settings, window, Detail::Callers).await?;
    Ok(TopIps {
        provenance: provenance(&audience, &answers, window),
        ips: report::top_ips(answers.summary.callers, limit as usize),
    })
}

/// How the system does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    version: &'static str,
    /// Fold number of the newest confirmed root.
    root: u64,
    folded_at: String,
    #[serde(rename = "trackedIPs")]
    tracked_ips: u64,
    recorded_hits: u64,
    pages: u32,
    /// Numbers of the log that the root does not hold yet: batches, or places that were taken and never written.
    pending_segments: u64,
    open_segments: u64,
    dropped: Drops,
    batch_size: usize,
    fanout_limit: usize,
    batch_deadline_ms: u128,
    min_success_rate: f64,
    generated_at: String,
}

pub async fn status(settings: &Settings) -> Result<Status, Failure> {
    let ledger = collector::status().await?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        root: ledger.snapshot.root,
        folded_at: report::rfc3339_text(ledger.folded_at_ms),
        tracked_ips: ledger.snapshot.ips,
        recorded_hits: ledger.snapshot.hits,
        pages: ledger.snapshot.pages,
        pending_segments: ledger.log_next.saturating_sub(ledger.log_folded),
        open_segments: ledger.log_open,
        dropped: ledger.snapshot.drops,
        batch_size: settings.batch_size,
        fanout_limit: settings.fanout_limit,
        batch_deadline_ms: settings.batch_deadline.as_millis(),
        min_success_rate: settings.min_success_rate,
        generated_at: report::rfc3339_text(now_ms()),
    })
}

fn provenance(audience: &Audience, answers: &Answers, window: Window) -> Provenance {
    Provenance {
        time_range: window,
        as_of_ms: audience.snapshot.as_of_ms,
        generated_at_ms: now_ms(),
        coverage: answers.coverage,
        warnings: answers.warnings.clone(),
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
