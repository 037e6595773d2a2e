//! `cargo xtask simulate`: many histories of the ledger, or one of them step by step.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use clap::Parser;
use rollcall_simulation::Subject;

/// Run the ledger under faults. Each history is made from a seed
#[derive(Parser)]
#[command(name = "cargo xtask simulate", bin_name = "cargo xtask simulate")]
struct Args {
    /// The number of histories
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Run only the history of this seed
    #[arg(long)]
    seed: Option<u64>,
    /// Show every store call of this history
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Run the mutant that lacks this safeguard
    #[arg(long)]
    mutant: Option<String>,
    /// Run every mutant. The command fails if a mutant survives all histories
    #[arg(long, conflicts_with = "mutant")]
    mutants: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.mutants {
        let survived = Subject::mutants()
            .filter(|mutant| many(*mutant, args.start, args.seeds).is_empty())
            .count();
        return if survived == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let subject = match &args.mutant {
        None => Subject::Real,
        Some(name) => match Subject::mutants().find(|mutant| mutant.name() == name) {
            Some(mutant) => mutant,
            None => {
                let names: Vec<&str> = Subject::mutants().map(Subject::name).collect();
                eprintln!("There is no mutant {name}; there are {}.", names.join(", "));
                return ExitCode::from(2);
            }
        },
    };
    let failed = match args.seed {
        Some(seed) => !one(subject, seed, args.trace),
        None => !many(subject, args.start, args.seeds).is_empty(),
    };
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn one(subject: Subject, seed: u64, trace: bool) -> bool {
    let outcome = subject.run(seed, trace);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!(
        "seed {seed}: {} store calls, {} of {} hits acknowledged, {} answers: {}",
        outcome.calls,
        outcome.acknowledged,
        outcome.hits,
        outcome.answers,
        if outcome.bad.is_empty() {
            "right".to_owned()
        } else {
            outcome.bad.join("; ")
        }
    );
    outcome.bad.is_empty()
}

/// Runs the histories on all cores, and prints how they went. Returns the seeds that failed.
fn many(subject: Subject, start: u64, seeds: u64) -> Vec<u64> {
    let began = Instant::now();
    let next = AtomicU64::new(start);
    let calls = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= start + seeds {
                return;
            }
            let outcome = subject.run(seed, false);
            calls.fetch_add(outcome.calls, Relaxed);
            if let (false, Ok(mut failed)) = (outcome.bad.is_empty(), failed.lock()) {
                failed.push((seed, outcome.bad));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut failed = failed.into_inner().unwrap_or_default();
    failed.sort();
    println!(
        "{:<46} {:>7} of {seeds} histories right, {:.0} store calls each, {:.1} s",
        subject.name(),
        seeds - failed.len() as u64,
        calls.load(Relaxed) as f64 / seeds as f64,
        began.elapsed().as_secs_f64()
    );
    let mut shown: Vec<&String> = Vec::new();
    for (seed, bad) in &failed {
        for what in bad {
            if !shown.contains(&what) {
                let times = failed.iter().filter(|(_, bad)| bad.contains(what)).count();
                println!("    {times:>6} × {what}, first at seed {seed}");
                shown.push(what);
            }
        }
    }
    if let (Some((seed, _)), true) = (failed.first(), matches!(subject, Subject::Real)) {
        println!("`cargo xtask simulate --seed {seed} --trace` shows how");
    }
    failed.into_iter().map(|(seed, _)| seed).collect()
}
