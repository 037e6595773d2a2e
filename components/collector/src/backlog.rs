//! Refuses hits while too many recorded batches wait for a fold.
//!
//! An instance learns the newest number of the log from its own appends, and asks the store only if
//! it cannot tell otherwise that there is room. So a healthy system asks once in the life of an
//! instance. A refused request has a fold begun, and somebody asks again a moment later. So the
//! refusing ends when the fold has caught up, without a restart.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rollcall_ledger::{Ledger, LedgerError};
use rollcall_tally::Failure;
use rollcall_web::{log, variable};

use crate::background;
use crate::clock::SpinClock;
use crate::refused::{Refused, Why};
use crate::store::SpinStore;

/// Batches that may wait for a fold, unless `max_pending_segments` says otherwise. Each fold takes
/// up to 4,000, so this is more than a system has that keeps up. At the limit, `/collect` answers
/// 429. Requests under way at the same moment may go beyond it by one batch each.
const PENDING_MAX: u64 = 200_000;
/// While an instance refuses, it asks the store this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause that a refused client is asked for. One fold of a large backlog takes seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

thread_local! {
    /// Scope: instance. None: it has not looked yet.
    static KNOWN: Cell<Option<Known>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Known {
    /// The newest number of the log.
    top: u64,
    /// The newest number that is folded.
    folded: u64,
    looked: Instant,
}

impl Known {
    fn has_room(self, pending_max: u64) -> bool {
        self.top.saturating_sub(self.folded) < pending_max
    }
}

/// Call this after segment `n` was appended.
pub fn after_append(n: u64) {
    if let Some(known) = KNOWN.get() {
        let top = known.top.max(n);
        KNOWN.set(Some(Known { top, ..known }));
    }
}

/// Whether there is room for a batch. If the store does not tell, the request goes on: the append
/// will fail, too, or nothing is wrong with it.
pub async fn let_in(ledger: Ledger<'_, SpinStore, SpinClock>) -> Result<(), Refused> {
    let pending_max =
        variable::number("max_pending_segments", PENDING_MAX, 1..=1_000_000_000).await;
    let known = KNOWN.get();
    if known.is_some_and(|known| known.has_room(pending_max)) {
        return Ok(());
    }
    if known.is_none_or(|known| known.looked.elapsed() >= LOOK_EVERY) {
        match look(&ledger).await {
            Ok(known) if known.has_room(pending_max) => return Ok(()),
            Ok(_) => background::fold_pending(),
            Err(error) => {
                log!(Warn, "backlog-not-known", failure = Failure::from(error));
                return Ok(());
            }
        }
    }
    Err(Refused::new(Why::Backlog, RETRY_AFTER))
}

async fn look(ledger: &Ledger<'_, SpinStore, SpinClock>) -> Result<Known, LedgerError> {
    let (top, folded) = ledger.log_and_folded().await?;
    let known = Known {
        top,
        folded,
        looked: Instant::now(),
    };
    KNOWN.set(Some(known));
    Ok(known)
}
