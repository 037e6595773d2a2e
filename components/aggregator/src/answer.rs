//! Answers as they are sent.

use rollcall_tally::question::Question;
use rollcall_tally::{Failure, freshness};
use serde::Serialize;

use crate::reports::{self, Told};
use crate::settings::Settings;
use crate::status;

/// An answer, and what it may be kept by.
pub struct Answer {
    /// JSON.
    pub body: Vec<u8>,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    /// Something recorded is not in it yet.
    pub is_behind: bool,
    /// Hits in the window.
    pub hits: u64,
    /// ... of which within the last hour.
    pub last_hour: u64,
}

impl Answer {
    /// How long it is fresh. One that misses something is given no longer than it must.
    pub fn ttl_ms(&self, question: &Question) -> u64 {
        if self.is_behind {
            return freshness::TTL_BEHIND_MS;
        }
        if self.coverage < 1.0 {
            return freshness::TTL_MIN_MS;
        }
        let volatility = freshness::volatility(self.hits, self.last_hour);
        freshness::ttl_ms(question.ttl_ms(), volatility)
    }
}

/// Answers any question but an export, which is never whole in memory.
pub async fn compute(settings: &Settings, question: &Question) -> Result<Answer, Failure> {
    match question {
        Question::GlobalStats {
            window,
            filter,
            include_metrics,
            include_costs,
        } => written(
            reports::global_stats(settings, *window, filter, *include_metrics, *include_costs)
                .await?,
        ),
        Question::Overview { window, filter } => {
            written(reports::overview(settings, *window, filter).await?)
        }
        Question::TopPaths {
            window,
            filter,
            limit,
            order,
        } => written(reports::top_paths(settings, *window, filter, *limit, *order).await?),
        Question::TopIps {
            window,
            filter,
            limit,
            order,
        } => written(reports::top_ips(settings, *window, filter, *limit, *order).await?),
        Question::Timeseries { window, filter } => {
            written(reports::timeseries(settings, *window, filter).await?)
        }
        Question::Ip {
            ip,
            window,
            filter,
            offset,
            limit,
        } => written(reports::ip(settings, *ip, *window, filter, *offset, *limit).await?),
        Question::Path {
            key,
            window,
            filter,
            limit,
        } => written(reports::path(settings, key, *window, filter, *limit).await?),
        Question::Status => written(Told {
            report: status::status(settings).await?,
            coverage: 1.0,
            is_behind: false,
            hits: 0,
            last_hour: 0,
        }),
        Question::Export { .. } => Err(Failure::Invalid("an export is streamed".to_owned())),
    }
}

fn written(told: Told<impl Serialize>) -> Result<Answer, Failure> {
    let body = serde_json::to_vec(&told.report);
    Ok(Answer {
        body: body.map_err(|error| Failure::Unavailable(format!("an answer as JSON: {error}")))?,
        coverage: told.coverage,
        is_behind: told.is_behind,
        hits: told.hits,
        last_hour: told.last_hour,
    })
}
