//! Requests that are refused with 429, because more comes than can be taken. Nothing of them is
//! recorded.

use std::cell::RefCell;
use std::time::Duration;

use rollcall_tally::{Count, Failure};
use rollcall_web::later::Later;
use rollcall_web::problem::{BACKLOG_COUNTER, RATE_COUNTER};
use rollcall_web::{Problem, log};

use crate::app_store::AppStore;

/// How long refused requests are collected before they are added to the store's counters. So a
/// flood of them costs few calls.
const ADD_AFTER: Duration = Duration::from_millis(500);

thread_local! {
    /// Scope: instance. Refused requests that are not counted in the store yet, by reason.
    static NOT_ADDED: RefCell<[u64; Why::EVERY.len()]> = RefCell::default();
    static FLUSH: Later = const { Later::new() };
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Too many recorded batches wait for a fold.
    Backlog,
    /// The token has had its share.
    Rate,
}

impl Why {
    const EVERY: [Self; 2] = [Self::Backlog, Self::Rate];

    fn counter(self) -> &'static str {
        match self {
            Self::Backlog => BACKLOG_COUNTER,
            Self::Rate => RATE_COUNTER,
        }
    }
}

/// A refused request. It was counted when this was made.
#[derive(Debug)]
pub struct Refused {
    why: Why,
    retry_after: Duration,
}

impl Refused {
    pub fn new(why: Why, retry_after: Duration) -> Self {
        NOT_ADDED.with_borrow_mut(|counts| {
            if let Some(count) = counts.get_mut(why as usize) {
                *count += 1;
            }
        });
        Later::schedule(&FLUSH, ADD_AFTER, flush);
        Self { why, retry_after }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused.why {
            Why::Backlog => Self::too_far_behind(refused.retry_after),
            Why::Rate => Self::rate_reached(refused.retry_after),
        }
    }
}

/// Over WIT, no failure says that nothing was recorded. The caller sends the hits again as after
/// any other failure.
impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Unavailable(format!("refused: {:?}", refused.why))
    }
}

/// If the instance dies, the requests that it did not add yet are not counted.
async fn flush() {
    let counts = Why::EVERY.into_iter().zip(NOT_ADDED.take());
    let counts = counts
        .filter(|(_, times)| *times > 0)
        .map(|(why, times)| Count {
            name: why.counter().to_owned(),
            times,
        });
    if let Err(failure) = add(&counts.collect::<Vec<_>>()).await {
        log!(Warn, "refusals-not-counted", failure = failure);
    }
}

async fn add(counts: &[Count]) -> Result<(), Failure> {
    let (app, _) = AppStore::open(true).await?;
    app.shared().count(counts).await?;
    Ok(())
}
