//! Finds the answer to a question: in memory, in the store, in a computation that is under way, or
//! in a new computation. If none of these gives an answer, it takes an old one.
//!
//! - If the answer is fresh, which means younger than its time, it is given.
//! - If it is older than that, but not twice as old, it is given, marked stale. A new one is
//!   computed after the response.
//! - If it is older, a new one is computed, by one instance for all.
//! - If no new one is possible, because too few IPs answer or the store is down, the last one is
//!   given, marked stale, if it is less than half an hour old.
//!
//! If a client asks with `Cache-Control: no-cache`, it gets an answer whose computation began after
//! the question.

use std::rc::Rc;
use std::time::Instant;

use rollcall_tally::question::Question;
use rollcall_tally::{Failure, Place};
use rollcall_web::{call, log};
use spin_sdk::time::sleep;

use crate::answer;
use crate::claim;
use crate::clock::now_ms;
use crate::collector;
use crate::counters::{self, Counter};
use crate::documents::{self, Current};
use crate::flight::{self, Flight};
use crate::memory::{self, Entry};
use crate::settings::Settings;

/// For this long, an answer in memory is given without asking the store whether another instance
/// has a newer one.
const TRUSTED_MS: u64 = 2_000;
/// An older answer is never given. The store keeps no older answer.
const STALE_MS_MAX: u64 = 30 * 60_000;

/// A question as it is answered.
struct Asked {
    question: Question,
    /// The name of its answer.
    name: String,
    documents: Rc<Current>,
}

/// An answer, and its source.
#[derive(Debug)]
pub struct Served {
    pub entry: Rc<Entry>,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Memory,
    Store,
    /// Computed for this question.
    Computed,
    /// Computed for a question that was asked at the same time.
    Collapsed,
    /// The answer is too old, and given nevertheless.
    Stale,
}

/// Answers a question. `forced`: an answer that was there before is not given.
pub async fn serve(
    settings: &Settings,
    question: &Question,
    forced: bool,
) -> Result<Served, Failure> {
    let documents = documents::current().await?;
    let asked = Rc::new(Asked {
        question: question.clone(),
        name: documents.name_of(question),
        documents,
    });
    let (name, answered) = (&asked.name, answer(settings, &asked, forced));
    let served = match call::within(settings.answer_deadline, answered).await {
        Some(Ok(served)) => Ok(served),
        Some(Err(failure)) => last_good(name, failure).await,
        None => last_good(name, too_slow(settings)).await,
    };
    let source = served.as_ref().map(|served| served.source);
    counters::count(match source {
        Ok(Source::Memory) => Counter::HitsMemory,
        Ok(Source::Store) => Counter::HitsStore,
        Ok(Source::Collapsed) => Counter::Collapsed,
        Ok(Source::Computed) | Err(Failure::NotFound(_)) => Counter::Misses,
        Ok(Source::Stale) => Counter::Stale,
        Err(_) => Counter::Failures,
    });
    served
}

async fn answer(settings: &Settings, asked: &Rc<Asked>, forced: bool) -> Result<Served, Failure> {
    let name = asked.name.as_str();
    let arrived = flight::now();
    let mut waited = false;
    loop {
        if let Some(served) = in_memory(name, arrived, forced, waited) {
            return Ok(served);
        }
        if let Some(failure) = flight::failure_since(name, arrived, forced) {
            return Err(failure);
        }
        if let Some(flight) = Flight::lead(name) {
            return lead(settings, asked, flight, forced).await;
        }
        if !forced && let Some(entry) = memory::get(name).filter(is_bearable) {
            return Ok(meanwhile(entry));
        }
        waited = true;
        sleep(flight::LOOK_AGAIN).await;
    }
}

/// An answer in memory that is good enough.
fn in_memory(name: &str, arrived: u64, forced: bool, waited: bool) -> Option<Served> {
    let entry = memory::get(name)?;
    let now_ms = now_ms();
    let is_trusted = now_ms.saturating_sub(entry.confirmed_at_ms) <= TRUSTED_MS;
    let will_do = match forced {
        true => entry.began > arrived,
        false => entry.is_fresh(now_ms) && is_trusted,
    };
    let source = match waited {
        true => Source::Collapsed,
        false => Source::Memory,
    };
    will_do.then_some(Served { entry, source })
}

/// Finds or computes the answer, for all requests in this instance with the same question.
async fn lead(
    settings: &Settings,
    asked: &Rc<Asked>,
    flight: Flight,
    forced: bool,
) -> Result<Served, Failure> {
    if forced {
        return compute_shared(settings, asked, flight, None).await;
    }
    let name = asked.name.as_str();
    let known = read_from_store(name).await;
    if let Some(entry) = memory::get(name) {
        if entry.is_fresh(now_ms()) {
            let source = known.map_or(Source::Memory, |known| known.source);
            return Ok(Served { entry, source });
        }
        if is_bearable(&entry) {
            refresh(*settings, asked.clone(), flight, known);
            return Ok(stale(&entry));
        }
    }
    compute_shared(settings, asked, flight, known).await
}

/// Computes a new answer after the response.
fn refresh(settings: Settings, asked: Rc<Asked>, flight: Flight, known: Option<Known>) {
    spin_sdk::wasip3::spawn(async move {
        let computed = compute_shared(&settings, &asked, flight, known);
        // The failure is in the log. The next request finds out by itself.
        _ = call::within(settings.answer_deadline, computed).await;
    });
}

/// Computes an answer. If another instance computes it already, waits for that answer. If the store
/// could not tell which answers it has, does not wait.
async fn compute_shared(
    settings: &Settings,
    asked: &Asked,
    flight: Flight,
    known: Option<Known>,
) -> Result<Served, Failure> {
    let name = asked.name.clone();
    let mut claimed = None;
    if let Some(known) = known {
        match claim(&name, known.generation).await {
            Claim::Answered(entry) => {
                let source = Source::Collapsed;
                return Ok(Served { entry, source });
            }
            Claim::Ours(generation) => claimed = Some(generation),
            Claim::Nobodys => {}
        }
    }
    match compute(settings, asked, claimed.is_some()).await {
        Ok(entry) => {
            let entry = entry.begun(flight.began).confirmed(now_ms());
            let entry = memory::put(&name, entry);
            put_into_store(name, entry.clone(), claimed);
            let source = Source::Computed;
            Ok(Served { entry, source })
        }
        Err(failure) => {
            log!(Warn, "no-answer", question = name, failure = failure);
            if let Some(generation) = claimed {
                claim::give_up(&place(&name), generation).await;
            }
            flight.fail(&failure);
            Err(failure)
        }
    }
}

/// Computes an answer, and renews the claim to it meanwhile.
async fn compute(settings: &Settings, asked: &Asked, is_claimed: bool) -> Result<Entry, Failure> {
    let began_ms = now_ms();
    let computing = answer::compute(settings, &asked.question, &asked.documents);
    let answer = match is_claimed {
        true => claim::holding(&place(&asked.name), computing).await?,
        false => computing.await?,
    };
    let ttl_ms = answer.ttl_ms(&asked.question);
    Ok(Entry::new(answer.body, began_ms, ttl_ms))
}

/// Puts an answer into the store for the other instances. This is after the response, but at once,
/// because they may be waiting for it.
fn put_into_store(name: String, entry: Rc<Entry>, claimed: Option<u64>) {
    spin_sdk::wasip3::spawn(async move {
        let kept = entry.kept(Place::Answer(name));
        if let Err(failure) = collector::SHARED
            .put(&kept, &claimed.unwrap_or_default())
            .await
        {
            log!(Warn, "answer-not-kept", failure = failure);
        }
    });
}

/// The place of an answer in the store.
fn place(name: &str) -> Place {
    Place::Answer(name.to_owned())
}

/// The instance that computes the answer.
enum Claim {
    /// This instance computes, and no other does.
    Ours(u64),
    /// Another instance has computed the answer.
    Answered(Rc<Entry>),
    /// The instance with the claim is dead, or the store does not answer. Computing twice is better
    /// than not at all.
    Nobodys,
}

async fn claim(name: &str, mut generation: u64) -> Claim {
    loop {
        match collector::SHARED.claim(&place(name), &generation).await {
            Ok(true) => return Claim::Ours(generation),
            Ok(false) => {}
            Err(failure) => {
                log!(
                    Warn,
                    "question-not-claimed",
                    question = name,
                    failure = failure
                );
                return Claim::Nobodys;
            }
        }
        let since = Instant::now();
        generation = loop {
            sleep(claim::LOOK_AGAIN).await;
            let Some(known) = read_from_store(name).await else {
                return Claim::Nobodys;
            };
            let entry = memory::get(name);
            if let Some(entry) = entry.filter(|entry| entry.is_fresh(now_ms())) {
                return Claim::Answered(entry);
            }
            if known.generation != generation {
                break known.generation;
            }
            if !known.is_claimed && since.elapsed() > claim::PATIENCE {
                return Claim::Nobodys;
            }
        };
    }
}

/// The store's knowledge of a question.
struct Known {
    generation: u64,
    is_claimed: bool,
    /// The source of the answer in memory.
    source: Source,
}

/// Updates memory from the store. None: the store could not be asked.
async fn read_from_store(name: &str) -> Option<Known> {
    let in_memory = memory::get(name);
    let known_ms = in_memory.as_ref().map_or(0, |entry| entry.computed_at_ms);
    let found = match collector::SHARED.get(&place(name), &known_ms).await {
        Ok(found) => found,
        Err(failure) => {
            log!(Warn, "answer-not-read", failure = failure);
            return None;
        }
    };
    let source = match (found.kept, in_memory) {
        (Some(newer), _) => {
            memory::put(name, Entry::from(newer).confirmed(now_ms()));
            Source::Store
        }
        (None, Some(entry)) => {
            memory::put(name, Entry::clone(&entry).confirmed(now_ms()));
            Source::Memory
        }
        (None, None) => Source::Store,
    };
    Some(Known {
        generation: found.generation,
        is_claimed: found.is_claimed,
        source,
    })
}

/// The last answer, if it is not too old. An invalid question has no last answer.
async fn last_good(name: &str, failure: Failure) -> Result<Served, Failure> {
    if matches!(failure, Failure::Invalid(_) | Failure::NotFound(_)) {
        return Err(failure);
    }
    read_from_store(name).await;
    let entry = memory::get(name).filter(|entry| entry.age_ms(now_ms()) <= STALE_MS_MAX);
    entry.map_or(Err(failure), |entry| Ok(stale(&entry)))
}

/// The answer that is given while a newer one is computed.
fn meanwhile(entry: Rc<Entry>) -> Served {
    if !entry.is_fresh(now_ms()) {
        return stale(&entry);
    }
    let source = Source::Memory;
    Served { entry, source }
}

/// Whether the answer is good enough until a new one is there.
fn is_bearable(entry: &Rc<Entry>) -> bool {
    entry.age_ms(now_ms()) < 2 * entry.ttl_ms
}

fn stale(entry: &Entry) -> Served {
    Served {
        entry: Rc::new(entry.marked_stale()),
        source: Source::Stale,
    }
}

fn too_slow(settings: &Settings) -> Failure {
    let waited_ms = settings.answer_deadline.as_millis();
    Failure::Unavailable(format!("there was no answer within {waited_ms} ms"))
}
