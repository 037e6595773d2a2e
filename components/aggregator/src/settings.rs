//! The aggregator's variables, as read for a request.

use std::time::Duration;

use rollcall_tally::hit::Spelling;
use rollcall_tally::report::Prices;
use rollcall_web::variable;

/// The operator's settings. `spin.toml` has the defaults, `docs/operations.md` the meaning.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The number of IPs in one request to the collector.
    pub batch_size: usize,
    /// The most requests to the collector in flight at once, for one question.
    pub fanout_limit: usize,
    /// If a batch takes longer, it counts as failed.
    pub batch_deadline: Duration,
    /// If an answer takes longer, there is none. Batches get 90 % of this time.
    pub answer_deadline: Duration,
    /// If a smaller share of the IPs answered, there is no answer.
    pub min_success_rate: f64,
    pub prices: Prices,
    /// Paths that are one. The collector refuses a value that is neither true nor false.
    pub spelling: Spelling,
}

impl Settings {
    pub async fn read() -> Self {
        let batch_deadline_ms = variable::number("batch_deadline_ms", 5_000, 10..=30_000).await;
        let answer_deadline_ms = variable::number("answer_deadline_ms", 25_000, 100..=60_000).await;
        Self {
            batch_size: variable::number("batch_size", 200, 1..=1_000).await,
            fanout_limit: variable::number("fanout_limit", 50, 1..=1_000).await,
            batch_deadline: Duration::from_millis(batch_deadline_ms),
            answer_deadline: Duration::from_millis(answer_deadline_ms),
            min_success_rate: variable::number("min_success_rate", 0.7, 0.0..=1.0).await,
            prices: Prices {
                per_million_requests: price("price_per_million_requests").await,
                per_million_key_value_reads: price("price_per_million_key_value_reads").await,
                per_million_key_value_writes: price("price_per_million_key_value_writes").await,
                per_compute_hour: price("price_per_compute_hour").await,
                key_value_reads_per_request: per_request("key_value_reads_per_request").await,
                key_value_writes_per_request: per_request("key_value_writes_per_request").await,
            },
            spelling: Spelling {
                no_trailing_slash: variable::text("path_ignore_trailing_slash").await == "true",
                lower_case: variable::text("path_ignore_case").await == "true",
            },
        }
    }
}

/// A price in any currency. 0 unless it is set.
async fn price(name: &str) -> f64 {
    variable::number(name, 0.0, 0.0..=1e9).await
}

/// The number of calls to a key-value store that a request makes. Fractions are allowed. 1 unless
/// it is set.
async fn per_request(name: &str) -> f64 {
    variable::number(name, 1.0, 0.0..=1e6).await
}
