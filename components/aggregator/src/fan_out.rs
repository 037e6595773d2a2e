//! The fan-out: a bounded number of batches of IPs is asked at once, and what they answer added up.

use std::cell::Cell;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use rollcall_tally::accumulator::Accumulator;
use rollcall_tally::question::Query;
use rollcall_tally::report::FanOut;
use rollcall_tally::{Batch, Failure, Summary};
use rollcall_web::{call, log};
use spin_sdk::time::sleep;
use spin_sdk::wasip3::random::random;

use crate::collector::Collector;
use crate::counters;
use crate::settings::Settings;
use crate::targets::Targets;

/// A batch that failed is asked again after so long, or up to twice that.
const RETRY_AFTER_MS: u64 = 50;

/// What the IPs answered, and how many of them did.
pub struct Answers {
    pub summary: Summary,
    pub coverage: f64,
    pub warnings: Vec<String>,
}

impl Targets {
    /// Asks every IP, and adds up what they answer. A batch that fails is asked once more; one that has not answered when most of
    /// the time is over counts as failed.
    pub async fn ask(&self, settings: &Settings, query: &Query) -> Result<Answers, Failure> {
        let batches = self.batches(settings, query);
        let count = batches.len() as u64;
        let retried = Cell::new(0);
        let ask = async |batch: Batch| {
            let summarize = async || {
                Collector::within(settings.batch_deadline)
                    .summarize(&batch)
                    .await
            };
            ask_twice(summarize, || retried.set(retried.get() + 1)).await
        };
        let mut accumulator = Accumulator::new(query.details);
        let mut answered = 0;
        let adding = async {
            let mut answers = std::pin::pin!(at_most(settings.fanout_limit, batches, ask));
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(summary) => {
                        accumulator.add(summary);
                        answered += 1;
                    }
                    Err(failure) => log!(Warn, "batch-failed", failure = failure),
                }
            }
        };
        let left = (settings.answer_deadline * 9 / 10).saturating_sub(self.began.elapsed());
        if call::within(left, adding).await.is_none() {
            log!(Warn, "batches-timed-out");
        }
        let summary = accumulator.finish();
        let failed = count - answered;
        let coverage = share(summary.answered, self.ips.len() as u64);
        counters::fan_out(FanOut {
            batches: count,
            retried: retried.get(),
            failed,
            unreadable_states: summary.unreadable,
            coverage,
            duration_ms: self.began.elapsed().as_millis() as u64,
        });
        if coverage < settings.min_success_rate {
            return Err(Failure::Unavailable(format!(
                "only {coverage:.3} of the IPs answered"
            )));
        }
        let mut warnings = Vec::new();
        if failed > 0 {
            warnings.push(format!("{failed} of {count} batches of IPs did not answer"));
        }
        if summary.unreadable > 0 {
            let unreadable = summary.unreadable;
            warnings.push(format!(
                "{unreadable} IP states cannot be read; the log names them"
            ));
        }
        Ok(Answers {
            summary,
            coverage,
            warnings,
        })
    }
}

/// Makes a request of the collector, and once more if there was no answer.
pub async fn ask_twice<T>(
    ask: impl AsyncFn() -> Result<T, Failure>,
    retried: impl FnOnce(),
) -> Result<T, Failure> {
    let _in_flight = InFlight::new();
    match ask().await {
        Err(Failure::Unavailable(reason)) => {
            log!(Info, "batch-asked-again", reason = reason);
            retried();
            sleep(jitter()).await;
            ask().await
        }
        answer => answer,
    }
}

thread_local! {
    /// Scope: instance.
    static IN_FLIGHT: Cell<u64> = const { Cell::new(0) };
}

/// A request to the collector, as long as it is under way.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        IN_FLIGHT.set(IN_FLIGHT.get() + 1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.set(IN_FLIGHT.get() - 1);
    }
}

/// Requests to the collector that this instance waits for right now.
pub fn in_flight() -> u64 {
    IN_FLIGHT.get()
}

/// How long to wait before a batch is asked again: batches that failed together do not come again together.
fn jitter() -> Duration {
    Duration::from_millis(RETRY_AFTER_MS + random::get_random_u64() % RETRY_AFTER_MS)
}

/// Runs a function over batches, at most so many at once. Results come as they are ready.
fn at_most<T>(
    limit: usize,
    batches: Vec<Batch>,
    ask: impl AsyncFn(Batch) -> T,
) -> impl Stream<Item = T> {
    let ask = std::rc::Rc::new(ask);
    stream::iter(batches)
        .map(move |batch| {
            let ask = ask.clone();
            async move { ask(batch).await }
        })
        .buffer_unordered(limit)
}

/// `part / whole`; of nobody, everybody answered.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}
