//! Counts of the aggregator's own work, over all its instances. They are collected here, and added
//! to the store's counters a moment later.
//!
//! If an instance dies, the counts that it had not added yet are lost. Nothing depends on them.

use std::cell::RefCell;
use std::time::Duration;

use rollcall_tally::report::FanOut;
use rollcall_tally::{Count, Failure, Kept, Place};
use rollcall_web::auth::DENIED_COUNTER;
use rollcall_web::later::Later;
use rollcall_web::log;
use rollcall_web::problem::{BACKLOG_COUNTER, RATE_COUNTER};

use crate::clock::now_ms;
use crate::collector;

/// Counts are collected for this long before they are added. So many counts cost one call.
const ADD_AFTER: Duration = Duration::from_millis(200);

/// The counters. The store knows each by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    HitsMemory,
    HitsStore,
    Misses,
    Collapsed,
    Stale,
    /// Questions without an answer.
    Failures,
    FanOuts,
    Batches,
    BatchesRetried,
    BatchesFailed,
    /// Requests with a wrong token. The router counts them. The aggregator only reports them.
    AccessDenied,
    /// Requests to record that were refused. The collector counts them.
    RefusedBacklog,
    RefusedRate,
}

impl Counter {
    pub const EVERY: [Self; 13] = [
        Self::HitsMemory,
        Self::HitsStore,
        Self::Misses,
        Self::Collapsed,
        Self::Stale,
        Self::Failures,
        Self::FanOuts,
        Self::Batches,
        Self::BatchesRetried,
        Self::BatchesFailed,
        Self::AccessDenied,
        Self::RefusedBacklog,
        Self::RefusedRate,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::HitsMemory => "answers-from-memory",
            Self::HitsStore => "answers-from-store",
            Self::Misses => "answers-computed",
            Self::Collapsed => "answers-collapsed",
            Self::Stale => "answers-stale",
            Self::Failures => "answers-failed",
            Self::FanOuts => "fan-outs",
            Self::Batches => "batches",
            Self::BatchesRetried => "batches-retried",
            Self::BatchesFailed => "batches-failed",
            Self::AccessDenied => DENIED_COUNTER,
            Self::RefusedBacklog => BACKLOG_COUNTER,
            Self::RefusedRate => RATE_COUNTER,
        }
    }
}

#[derive(Default)]
struct Pending {
    times: [u64; Counter::EVERY.len()],
    last_fan_out: Option<FanOut>,
}

/// An older fan-out is not reported.
const LAST_FAN_OUT_MS_MAX: u64 = 30 * 60_000;

thread_local! {
    static PENDING: RefCell<Pending> = RefCell::default();
    static FLUSH: Later = const { Later::new() };
}

pub fn count(counter: Counter) {
    add(&[(counter, 1)]);
}

pub fn fan_out(fan_out: FanOut) {
    PENDING.with_borrow_mut(|pending| pending.last_fan_out = Some(fan_out));
    add(&[
        (Counter::FanOuts, 1),
        (Counter::Batches, fan_out.batches),
        (Counter::BatchesRetried, fan_out.retried),
        (Counter::BatchesFailed, fan_out.failed),
    ]);
}

fn add(counts: &[(Counter, u64)]) {
    PENDING.with_borrow_mut(|pending| {
        for (counter, times) in counts {
            if let Some(sum) = pending.times.get_mut(*counter as usize) {
                *sum += times;
            }
        }
    });
    Later::schedule(&FLUSH, ADD_AFTER, flush);
}

async fn flush() {
    let pending = PENDING.take();
    let counts = Counter::EVERY.into_iter().zip(pending.times);
    let counts: Vec<Count> = counts
        .filter(|(_, times)| *times > 0)
        .map(|(counter, times)| named(counter, times))
        .collect();
    if let Err(failure) = collector::SHARED.count_up(&counts).await {
        log!(Warn, "counts-not-added", failure = failure);
    }
    if let Some(fan_out) = pending.last_fan_out {
        let kept = Kept {
            place: Place::LastFanOut,
            body: serde_json::to_vec(&fan_out).unwrap_or_default(),
            computed_at_ms: now_ms(),
            ttl_ms: 0,
        };
        if let Err(failure) = collector::SHARED.put(&kept, &0).await {
            log!(Warn, "last-fan-out-not-kept", failure = failure);
        }
    }
}

/// Each counter, in the order of [`Counter::EVERY`].
pub async fn totals() -> Result<Vec<u64>, Failure> {
    let zeros: Vec<Count> = Counter::EVERY.map(|counter| named(counter, 0)).into();
    let totals = collector::SHARED.count_up(&zeros).await?;
    Ok(totals.into_iter().map(|count| count.times).collect())
}

/// The result of the last fan-out of any instance. None: there was none in the last half hour.
pub async fn last_fan_out() -> Result<Option<FanOut>, Failure> {
    let since_ms = now_ms().saturating_sub(LAST_FAN_OUT_MS_MAX);
    let found = collector::SHARED.get(&Place::LastFanOut, &since_ms).await?;
    let kept = found.kept.as_ref();
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept.body).ok()))
}

fn named(counter: Counter, times: u64) -> Count {
    let name = counter.name().to_owned();
    Count { name, times }
}
