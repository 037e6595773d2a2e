//! Work behind the responses: folding what was recorded, and cleaning.
//!
//! One task of an instance does both, in steps between which requests go first. It begins after the response has left, and ends when
//! there is nothing to do or somebody else does it. One task of the whole app sleeps until the next thing is to be cleaned, so that it is,
//! though nobody may call. Whatever becomes of them, the hits are durable.

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

/// A fold is begun when so many segments were appended since the last one that this instance knows of ...
const FOLD_EVERY: u64 = 64;
/// ... or so many hits by this instance.
const FOLD_EVERY_HITS: u64 = 10_000;
/// Questions have it looked whether there is anything to do so often.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Folds that were lost in a row, after which somebody else may try.
const LOST_MAX: u32 = 20;
/// Before the next try, at least so long for each fold that was lost, or up to twice that.
const LOST_PAUSE_MS: u64 = 50;
/// How often a question that waits looks whether the fold of its instance is over.
const FOLLOW_EVERY: Duration = Duration::from_millis(2);
/// ... and after so long, whether another instance has folded.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

thread_local! {
    /// Scope: instance, as all of these. The task is under way.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    /// Somebody asked for a fold, even if nothing seems to be pending.
    static IS_FORCED: Cell<bool> = const { Cell::new(false) };
    /// Folds that were tried, and how the last one failed.
    static TRIED: Cell<u64> = const { Cell::new(0) };
    static FAILED: RefCell<Option<Failure>> = const { RefCell::new(None) };
    /// The newest number of the log when the task was last begun for one.
    static BEGUN_FOR: Cell<u64> = const { Cell::new(0) };
    /// Hits appended by this instance since then.
    static HITS: Cell<u64> = const { Cell::new(0) };
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Segment `n` was appended, with so many hits.
pub fn after_append(n: u64, hits: u64) {
    HITS.set(HITS.get() + hits);
    let is_much = n >= BEGUN_FOR.get().saturating_add(FOLD_EVERY) || HITS.get() >= FOLD_EVERY_HITS;
    if is_much {
        BEGUN_FOR.set(n);
        HITS.set(0);
        begin();
    }
}

/// A question was answered: there may be something to clean, though nobody records anything.
pub fn after_question() {
    let is_over = |looked: Instant| looked.elapsed() >= LOOK_EVERY;
    if LOOKED.get().is_none_or(is_over) {
        LOOKED.set(Some(Instant::now()));
        begin();
    }
}

/// The store has to be brought up from an older layout.
pub fn upgrade() {
    begin();
}

/// For a question that lacks something: has a fold tried, and comes back when that is over, or when another instance may have folded.
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

/// Is under way for as long as it lives.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
    }
}

impl Running {
    /// `None`: it is under way already.
    fn begin() -> Option<Self> {
        (!IS_RUNNING.replace(true)).then_some(Self)
    }
}

fn begin() {
    if let Some(running) = Running::begin() {
        spin_sdk::wasip3::spawn(work(running));
    }
}

/// Works until nothing is to be done, then sleeps until more is, unless another instance undertook that.
async fn work(mut running: Running) {
    loop {
        // The response leaves first: while a store call runs, it could not.
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

/// Gives when something is to be cleaned that is not due yet.
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
                // As long as that took, so that what is to be deleted does not grow for ever where folds never cease.
                let until = began.elapsed() * 2;
                // A failure ends no folding: it is told when there is nothing to fold.
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

/// Brings the store up, if that is to be done. False: another instance is at it.
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
    let folded = match IS_FORCED.take() {
        true => app.ledger().fold_even_if_idle().await,
        false => app.ledger().fold().await,
    };
    match folded {
        // An older version was still at work after the store had been brought up.
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

/// Gives how long to sleep until `due_ms`. `None`: another instance sleeps already. So one does at most, in the whole app.
async fn undertake_cleaning(due_ms: u64) -> Result<Option<Duration>, Failure> {
    let (app, _) = AppStore::open(true).await?;
    let is_ours = app.ledger().undertake_cleaning(due_ms).await?;
    let left_ms = due_ms.saturating_sub(app.now_ms());
    Ok(is_ours.then(|| Duration::from_millis(left_ms)))
}
