//! Work behind the responses: folding the recorded hits, and cleaning.
//!
//! One task of an instance does both. It works in steps, and requests go first between the steps.
//! It begins after the response has left. It ends when there is nothing to do, or another instance
//! does the work.
//!
//! One task of the whole app sleeps until the next key is due for deletion. So keys are deleted
//! even if nobody calls.
//!
//! The hits are durable, even if a task fails or is ended.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use rollcall_ledger::{Cleaned, Folded, LedgerError, Opened, Upgraded};
use rollcall_store::LAYOUT;
use rollcall_tally::Failure;
use rollcall_web::log;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::random::random;

use crate::app_store::AppStore;
use crate::gate;
use crate::places::Files;

/// A fold begins when the log has grown by this many segments since an append of this instance last
/// began the task.
const FOLD_EVERY: u64 = 64;
/// A fold also begins when this instance has appended this many hits since then.
const FOLD_EVERY_HITS: u64 = 10_000;
/// A question begins the task, to look for work, at most this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// If more folds than this were lost in a row, the task ends. Another instance may try.
const LOST_MAX: u32 = 20;
/// The pause before the next try is at least this long for each lost fold, and at most twice that.
const LOST_PAUSE_MS: u64 = 50;
/// The aggregator's own deadline for an answer is at most a minute. This is longer.
const UNDER_WAY: Duration = Duration::from_secs(75);
/// How often a waiting question looks whether the fold of its instance has ended.
const FOLLOW_EVERY: Duration = Duration::from_millis(2);
/// A waiting question returns after this time, because another instance may have folded.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

thread_local! {
    /// Scope: instance, as for all of these. The task is running.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    /// Somebody asked for a fold, even if nothing seems to be pending.
    static IS_FORCED: Cell<bool> = const { Cell::new(false) };
    /// How many folds were tried, and the error of the last one.
    static TRIED: Cell<u64> = const { Cell::new(0) };
    static FAILED: RefCell<Option<Failure>> = const { RefCell::new(None) };
    /// The log's newest number when an append last began the task.
    static BEGUN_FOR: Cell<u64> = const { Cell::new(0) };
    /// Hits that this instance appended since then.
    static HITS: Cell<u64> = const { Cell::new(0) };
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The root at which the last question gave up waiting for a fold.
    static GAVE_UP: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Call this after segment `n` was appended with this many hits.
pub fn after_append(n: u64, hits: u64) {
    HITS.set(HITS.get() + hits);
    let is_much = n >= BEGUN_FOR.get().saturating_add(FOLD_EVERY) || HITS.get() >= FOLD_EVERY_HITS;
    if is_much {
        BEGUN_FOR.set(n);
        HITS.set(0);
        begin();
    }
}

/// Call this after a question was answered. There may be something to clean, even if nobody
/// records. `behind_at`: the root of the answer, if the answer lacks something.
pub fn after_question(behind_at: Option<u64>) {
    GAVE_UP.set(behind_at);
    let is_over = |looked: Instant| looked.elapsed() >= LOOK_EVERY;
    if behind_at.is_some() || LOOKED.get().is_none_or(is_over) {
        LOOKED.set(Some(Instant::now()));
        begin();
    }
}

/// The root at which the last question of this instance gave up waiting for a fold.
pub fn gave_up() -> Option<u64> {
    GAVE_UP.get()
}

/// Begins the task, because a request was refused: too many batches wait for a fold.
pub fn fold_pending() {
    begin();
}

/// Begins the task, because the store must be upgraded from an older layout.
pub fn upgrade() {
    begin();
}

/// For a question that lacks something. Has a fold tried. Returns when the fold has ended, or when
/// another instance may have folded.
pub async fn have_folded(even_if_idle: bool) -> Result<(), Failure> {
    let tried = TRIED.get();
    IS_FORCED.set(IS_FORCED.get() || even_if_idle);
    begin();
    let since = Instant::now();
    while TRIED.get() == tried && since.elapsed() < LOOK_AGAIN {
        sleep(FOLLOW_EVERY).await;
    }
    match FAILED.with_borrow(Clone::clone) {
        Some(failure) if TRIED.get() != tried => Err(failure),
        _ => Ok(()),
    }
}

/// Deletes the kept answers once more when every answer is made that is under way now. If the
/// instance ends before, such an answer is kept as long as any other.
pub fn forget_answers() {
    spin_sdk::wasip3::spawn(async {
        sleep(UNDER_WAY).await;
        let forgotten = async {
            let (app, _) = AppStore::open(true).await?;
            Ok::<_, Failure>(app.shared().forget().await?)
        };
        if let Err(failure) = forgotten.await {
            log!(Error, "answers-not-forgotten", failure = failure);
        }
    });
}

/// While this lives, the task is running.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
    }
}

impl Running {
    /// `None`: the task is running already.
    fn begin() -> Option<Self> {
        (!IS_RUNNING.replace(true)).then_some(Self)
    }
}

fn begin() {
    if let Some(running) = Running::begin() {
        spin_sdk::wasip3::spawn(work(running));
    }
}

/// Works until there is nothing to do. Then sleeps until something is due, unless another instance
/// sleeps already.
async fn work(mut running: Running) {
    loop {
        // The response leaves first. It could not leave while a store call runs.
        gate::rest().await;
        let due = match run().await {
            Ok(Some(due_ms)) => undertake_cleaning(due_ms).await,
            Ok(None) => Ok(None),
            Err(failure) => Err(failure),
        };
        let sleep_for = match due {
            Ok(Some(sleep_for)) => sleep_for,
            Ok(None) => return,
            Err(failure) => {
                log!(Error, "background-stopped", failure = failure);
                return;
            }
        };
        drop(running);
        sleep(sleep_for).await;
        match Running::begin() {
            Some(again) => running = again,
            None => return,
        }
    }
}

/// Returns the time at which something will be due for cleaning.
async fn run() -> Result<Option<u64>, Failure> {
    if !bring_up().await? {
        return Ok(None);
    }
    let mut lost = 0;
    loop {
        let began = Instant::now();
        match fold().await? {
            Folded::Done => {
                lost = 0;
                // Cleaning may take as long as the fold took. So the number of keys to delete does
                // not grow for ever if folds never cease.
                let until = began.elapsed() * 2;
                // If cleaning fails, folding goes on. The error is reported when there is nothing
                // to fold.
                while matches!(clean().await, Ok(Cleaned::Some)) && began.elapsed() < until {}
            }
            Folded::Nothing => match clean().await? {
                Cleaned::Some => {}
                Cleaned::Nothing { due_ms } => return Ok(due_ms),
                Cleaned::Busy => return Ok(None),
            },
            Folded::Busy => return Ok(None),
            Folded::Lost => {
                lost += 1;
                log!(Warn, "fold-lost", times_in_a_row = lost);
                if lost > LOST_MAX {
                    return Ok(None);
                }
                let pause_ms = u64::from(lost) * LOST_PAUSE_MS;
                let jitter_ms = random::get_random_u64() % pause_ms;
                sleep(Duration::from_millis(pause_ms + jitter_ms)).await;
            }
        }
    }
}

/// Upgrades the store if necessary. False: another instance is at work.
async fn bring_up() -> Result<bool, Failure> {
    let (app, opened) = AppStore::open(true).await?;
    if opened == Opened::Ready {
        return Ok(true);
    }
    let began = Instant::now();
    let upgraded = app.ledger().upgrade().await?;
    if upgraded == Upgraded::Done {
        let took_ms = began.elapsed().as_millis();
        log!(Info, "store-brought-up", layout = LAYOUT, took_ms = took_ms);
    }
    Ok(upgraded == Upgraded::Done)
}

async fn fold() -> Result<Folded, Failure> {
    let folded = try_to_fold().await;
    FAILED.set(folded.as_ref().err().cloned());
    TRIED.set(TRIED.get() + 1);
    folded
}

async fn try_to_fold() -> Result<Folded, Failure> {
    let (app, _) = AppStore::open(true).await?;
    let ledger = app.ledger().with_atlas(&Files);
    let folded = match IS_FORCED.take() {
        true => ledger.fold_even_if_idle().await,
        false => ledger.fold().await,
    };
    match folded {
        // An older version still wrote to the store after the upgrade.
        Err(error @ LedgerError::OtherLayout { layout, .. }) if layout < LAYOUT => {
            log!(Warn, "older-version-at-work", failure = error);
            app.open_again().await?;
            bring_up().await?;
            Ok(Folded::Lost)
        }
        folded => folded.map_err(Failure::from),
    }
}

async fn clean() -> Result<Cleaned, Failure> {
    let (app, _) = AppStore::open(true).await?;
    app.ledger().clean().await.map_err(Failure::from)
}

/// Returns how long to sleep until `due_ms`. `None`: another instance sleeps already. So at most
/// one instance of the whole app sleeps.
async fn undertake_cleaning(due_ms: u64) -> Result<Option<Duration>, Failure> {
    let (app, _) = AppStore::open(true).await?;
    let is_ours = app.ledger().undertake_cleaning(due_ms).await?;
    let left_ms = due_ms.saturating_sub(app.now_ms());
    Ok(is_ours.then(|| Duration::from_millis(left_ms)))
}
