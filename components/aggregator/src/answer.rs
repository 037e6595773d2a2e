//! The answers: each asks the IPs that can matter, and shapes what they say.

use std::time::{SystemTime, UNIX_EPOCH};

use rollcall_tally::question::Question;
use rollcall_tally::report::{
    self, CostMetrics, GlobalStats, PathOrder, Provenance, TopIps, TopPaths,
};
use rollcall_tally::{Detail, Failure, Window, freshness};
use serde::Serialize;

use crate::fan_out::{Answers, Audience};
use crate::settings::Settings;
use crate::status;

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

/// An answer as it is sent, and what tells how long it is fresh.
pub struct Answer {
    pub body: Vec<u8>,
    pub coverage: f64,
    /// Hits in the window, and those of the last hour among them.
    pub hits: u64,
    pub last_hour: u64,
}

impl Answer {
    /// How long it is fresh. One that misses something is given no longer than it must.
    pub fn ttl_ms(&self, question: &Question) -> u64 {
        if self.coverage < 1.0 {
            return freshness::TTL_MIN_MS;
        }
        let volatility = freshness::volatility(self.hits, self.last_hour);
        freshness::ttl_ms(question.ttl_ms(), volatility)
    }
}

/// Answers a question, whatever it costs. An export has no answer of this kind.
pub async fn compute(settings: &Settings, question: &Question) -> Result<Answer, Failure> {
    match question {
        Question::GlobalStats {
            window,
            include_metrics,
            include_costs,
        } => {
            let stats = global_stats(settings, *window, *include_metrics, *include_costs).await?;
            of(&stats, stats.provenance.coverage, stats.total_requests)
        }
        Question::TopPaths {
            window,
            limit,
            order,
        } => {
            let top = top_paths(settings, *window, *limit, *order).await?;
            of(&top, top.provenance.coverage, 0)
        }
        Question::TopIps { window, limit } => {
            let top = top_ips(settings, *window, *limit).await?;
            of(&top, top.provenance.coverage, 0)
        }
        Question::Status => of(&status::status(settings).await?, 1.0, 0),
        Question::Export { .. } => Err(Failure::Invalid("an export is streamed".to_owned())),
    }
}

fn of(answer: &impl Serialize, coverage: f64, hits: u64) -> Result<Answer, Failure> {
    Ok(Answer {
        body: serde_json::to_vec(answer).map_err(|e| Failure::Corrupt(e.to_string()))?,
        coverage,
        hits,
        last_hour: 0,
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
