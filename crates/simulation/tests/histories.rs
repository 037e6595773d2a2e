//! The ledger survives every history. A ledger that lacks one of its safeguards does not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use rollcall_simulation::Subject;
use rollcall_simulation::mutations::MUTATIONS;

const HISTORIES: u64 = 2_000;
/// If a mutant does no harm in this many histories, the tests do not catch it.
const MUTANT_HISTORIES: u64 = 20_000;

/// Runs seeds on all cores, and returns the wrong outcomes. If `up_to` is given, ends at the first
/// outcome with this error.
fn wrong(
    subject: Subject,
    seeds: std::ops::Range<u64>,
    up_to: Option<&str>,
) -> Vec<(u64, Vec<String>)> {
    let next = AtomicU64::new(seeds.start);
    let is_found = AtomicBool::new(false);
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end || is_found.load(Relaxed) {
                        return;
                    }
                    let bad = subject.run(seed, false).bad;
                    if up_to.is_some_and(|wanted| bad.iter().any(|what| what == wanted)) {
                        is_found.store(true, Relaxed);
                    }
                    if !bad.is_empty() {
                        found.lock().unwrap().push((seed, bad));
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn every_acknowledged_hit_counts_once_in_every_history() {
    let wrong = wrong(Subject::Real, 0..HISTORIES, None);
    assert!(
        wrong.is_empty(),
        "{wrong:?}: `cargo xtask simulate --seed {} --trace` shows how",
        wrong.first().map_or(0, |(seed, _)| *seed)
    );
}

#[test]
fn a_history_is_the_same_whenever_it_is_run() {
    for seed in [1, 7, 42] {
        let (once, again) = (Subject::Real.run(seed, true), Subject::Real.run(seed, true));
        assert_eq!(once.trace, again.trace);
        assert!(once.trace.len() > 100, "a trace shows every call");
    }
}

#[test]
fn the_copy_is_the_ledger_unless_a_mutant_runs() {
    for seed in [1, 7, 42] {
        let (real, copy) = (Subject::Real.run(seed, true), Subject::Copy.run(seed, true));
        assert_eq!(real.trace, copy.trace);
        assert_eq!(real.bad, copy.bad);
    }
}

/// The most important safeguards. Each must have a mutant.
const SAFEGUARDS: [&str; 16] = [
    "no_fold_number_in_names",
    "number_taken_after_the_base_is_read",
    "no_second_look_at_the_counter",
    "a_slow_writer_acknowledges",
    "a_hole_is_dropped_too_early",
    "the_stamp_is_taken_before_the_number",
    "batch_ids_are_forgotten_by_the_folders_clock",
    "no_plan",
    "a_store_error_is_read_as_a_missing_key",
    "a_slow_folder_gives_up",
    "a_lost_fold_is_tried_again_as_large",
    "everything_is_cleaned_at_once_and_before_the_head",
    "no_fold_number_in_the_names_of_rollups",
    "a_number_is_given_to_two_ips",
    "a_list_forgets_the_bound_of_the_others",
    "a_bucket_is_dropped_and_not_poured",
];

#[test]
fn each_safeguard_is_needed() {
    for safeguard in SAFEGUARDS {
        assert!(MUTATIONS.iter().any(|mutation| mutation.name == safeguard));
    }
    for (mutant, mutation) in Subject::mutants().zip(MUTATIONS) {
        let wrong = wrong(mutant, 0..MUTANT_HISTORIES, Some(mutation.harm));
        let harmed = |(_, bad): &&(u64, Vec<String>)| bad.iter().any(|what| what == mutation.harm);
        let first = wrong.iter().find(harmed);
        let (name, harm) = (mutation.name, mutation.harm);
        assert!(
            first.is_some(),
            "{name}: never in {MUTANT_HISTORIES} histories: {harm}"
        );
        println!("{name}: {harm}, at seed {}", first.unwrap().0);
    }
}
