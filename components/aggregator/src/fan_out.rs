//! The fan-out: a bounded number of batches of IPs is asked at once, and their answers are added
//! up.

use std::cell::Cell;

use futures::stream::{self, Stream, StreamExt};
use rollcall_tally::accumulator::Accumulator;
use rollcall_tally::question::Query;
use rollcall_tally::report::FanOut;
use rollcall_tally::{Batch, Failure, Summary, warning};
use rollcall_web::{call, log};

use crate::collector::Collector;
use crate::counters;
use crate::retry::ask_twice;
use crate::settings::Settings;
use crate::targets::Targets;

/// The sum of the IPs' answers, and the share of the IPs that answered.
pub struct Answers {
    pub summary: Summary,
    pub coverage: f64,
    pub warnings: Vec<String>,
}

impl Targets {
    /// Asks every IP, and adds up the answers. If a batch fails, it is asked once more. The
    /// aggregator stops waiting before the deadline. Batches that have not answered by then count
    /// as failed.
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
        let mut accumulator = Accumulator::new(query.details.clone());
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
        let summary = accumulator.finish_ips();
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
            warnings.push(warning::say(warning::UNANSWERED, &[&failed, &count]));
        }
        if summary.unreadable > 0 {
            let unreadable = summary.unreadable;
            warnings.push(warning::say(warning::UNREADABLE, &[&unreadable]));
        }
        Ok(Answers {
            summary,
            coverage,
            warnings,
        })
    }
}

/// Runs a function over batches, a bounded number at once. Results come as they are ready.
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

/// `part / whole`. 1 if `whole` is 0.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}
