//! Appends hits. Requests that come at the same time share an append, because an append makes two
//! store calls, however many batches it has.
//!
//! A request puts its batch into a queue and lets the other requests of the instance go on. When it
//! goes on itself, it appends all that is in the queue. If others are likely to come, it waits for
//! them: at most for as long as the last append took, and never longer than [`WAIT_MAX`].
//!
//! A batch stays a segment of its own, with its own id. A request is acknowledged after the append
//! that has its batch.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use rollcall_ledger::{Ledger, NewBatch};
use rollcall_tally::Failure;
use spin_sdk::time::sleep;
use spin_sdk::wit_bindgen::yield_async;

use crate::clock::SpinClock;
use crate::gate;
use crate::store::SpinStore;

/// The most hits of an append that has several batches. More would take the store so long that
/// sharing saves nothing.
const HITS_MAX: usize = 1_000;
/// How often a request looks whether another one has appended its batch. One request of an instance
/// cannot wake another.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The longest time that a request waits for others to come.
const WAIT_MAX: Duration = Duration::from_millis(4);

thread_local! {
    /// Scope: instance. Batches that no request has taken yet.
    static QUEUE: RefCell<VecDeque<Queued>> = const { RefCell::new(VecDeque::new()) };
    /// Scope: instance. How long the last append took, and whether it had several batches.
    static LAST_TOOK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static LAST_WAS_SHARED: Cell<bool> = const { Cell::new(false) };
}

struct Queued {
    batch: NewBatch,
    /// Gone if the request of the batch has ended.
    request: Weak<Waiting>,
}

/// A request that waits until its batch is appended.
#[derive(Default)]
struct Waiting {
    /// A request has taken the batch out of the queue.
    is_taken: Cell<bool>,
    outcome: RefCell<Option<Result<u64, Failure>>>,
}

/// Makes a batch durable. Gives its number in the log.
pub async fn append(
    ledger: Ledger<'_, SpinStore, SpinClock>,
    batch: NewBatch,
) -> Result<u64, Failure> {
    if batch.hits.len() > HITS_MAX {
        return ledger.append_all(&[batch]).await.map_err(Failure::from);
    }
    let me = Rc::new(Waiting::default());
    QUEUE.with_borrow_mut(|queue| {
        queue.push_back(Queued {
            batch,
            request: Rc::downgrade(&me),
        });
    });
    if LAST_WAS_SHARED.get() || gate::has_company() {
        sleep(LAST_TOOK.get().min(WAIT_MAX)).await;
    } else {
        yield_async().await;
    }
    loop {
        if let Some(outcome) = me.outcome.take() {
            return outcome;
        }
        if !me.is_taken.get() {
            append_some(&ledger).await;
        } else if Rc::weak_count(&me) == 0 {
            let reason = "the request that was to append this batch has ended";
            return Err(Failure::Unavailable(reason.to_owned()));
        } else {
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Appends the batches that came first, and tells their requests.
async fn append_some(ledger: &Ledger<'_, SpinStore, SpinClock>) {
    let taken = QUEUE.with_borrow_mut(|queue| {
        let mut hits = 0;
        let fits = |queued: &&Queued| {
            hits += queued.batch.hits.len();
            hits <= HITS_MAX
        };
        let count = queue.iter().take_while(fits).count();
        queue.drain(..count).collect::<Vec<_>>()
    });
    let (mut batches, mut requests) = (Vec::new(), Vec::new());
    for Queued { batch, request } in taken {
        if let Some(waiting) = request.upgrade() {
            waiting.is_taken.set(true);
            batches.push(batch);
            requests.push(request);
        }
    }
    if batches.is_empty() {
        return;
    }
    let began = Instant::now();
    let appended = ledger.append_all(&batches).await.map_err(Failure::from);
    LAST_TOOK.set(began.elapsed());
    LAST_WAS_SHARED.set(batches.len() > 1);
    // The batches have numbers that follow one another. The last batch has the newest.
    for (before, waiting) in (0..).zip(requests.iter().rev()) {
        if let Some(waiting) = waiting.upgrade() {
            let number = appended.clone().map(|newest| newest.saturating_sub(before));
            waiting.outcome.replace(Some(number));
        }
    }
}
