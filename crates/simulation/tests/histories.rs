//! The ledger survives every history; without any one of its safeguards it does not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use rollcall_simulation::history::Outcome;
use rollcall_simulation::{REAL, mutants};

const HISTORIES: u64 = 2_000;
/// A mutant that survives so many is not caught at all.
const MUTANT_HISTORIES: u64 = 20_000;

/// Runs seeds on all cores, and gives those outcomes that are wrong.
fn wrong(
    run: fn(u64, bool) -> Outcome,
    seeds: std::ops::Range<u64>,
    stop_at_first: bool,
) -> Vec<(u64, Vec<String>)> {
    let next = std::sync::atomic::AtomicU64::new(seeds.start);
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= seeds.end || (stop_at_first && !found.lock().unwrap().is_empty()) {
                        return;
                    }
                    let bad = run(seed, false).bad;
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
    let wrong = wrong(REAL.run, 0..HISTORIES, false);
    assert!(
        wrong.is_empty(),
        "{wrong:?}: `cargo xtask simulate --seed {} --trace` shows how",
        wrong.first().map_or(0, |(seed, _)| *seed)
    );
}

#[test]
fn a_history_is_the_same_whenever_it_is_run() {
    for seed in [1, 7, 42] {
        let (once, again) = ((REAL.run)(seed, true), (REAL.run)(seed, true));
        assert_eq!(once.trace, again.trace);
        assert!(once.trace.len() > 100, "a trace shows every call");
    }
}

#[test]
fn each_safeguard_is_needed() {
    assert!(mutants::EVERY.len() >= 9);
    for mutant in mutants::EVERY {
        let wrong = wrong(mutant.run, 0..MUTANT_HISTORIES, true);
        assert!(
            !wrong.is_empty(),
            "{} survived {MUTANT_HISTORIES} histories",
            mutant.name
        );
        println!("{}: {:?}", mutant.name, wrong[0]);
    }
}
