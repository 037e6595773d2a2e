//! The faults that can occur at a store call, and how often they occur in one history.

use fastrand::Rng;

/// The longest time that a call may be in flight, or that its caller may stall.
pub const IN_FLIGHT_MS_MAX: u64 = 40_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller ends. The call takes effect now, later or never.
    Crash,
    /// All actors on the caller's node end, except clients.
    NodeCrash,
    /// The caller gets an error. The call does not take effect.
    ErrorBefore,
    /// The call takes effect, but the caller gets an error.
    ErrorAfter,
    /// The caller gets an error. The call takes effect later.
    ErrorLate,
    /// The call takes effect late. The caller waits for it.
    SlowCall,
    /// The call takes effect now. The caller gets the reply late.
    SlowReturn,
}

/// Each fault, the share of histories in which it can occur, and its highest probability at a call.
const FAULTS: [(Fault, f64, f64); 7] = [
    (Fault::Crash, 0.5, 0.02),
    (Fault::NodeCrash, 0.15, 0.003),
    (Fault::ErrorBefore, 0.4, 0.03),
    (Fault::ErrorAfter, 0.4, 0.03),
    (Fault::ErrorLate, 0.4, 0.02),
    (Fault::SlowCall, 0.5, 0.03),
    (Fault::SlowReturn, 0.5, 0.03),
];

/// The classes of calls. A class is a kind of call and a kind of key.
pub const CALLS: [&str; 25] = [
    "increment log:next 1",
    "increment log:next 0",
    "set log",
    "get log",
    "exists log",
    "delete log",
    "get cleaned",
    "set cleaned",
    "get head",
    "set head",
    "get lease",
    "set lease",
    "delete lease",
    "increment fold 1",
    "increment fold 0",
    "get root",
    "set plan",
    "set root",
    "get ip",
    "set ip",
    "get shard",
    "set shard",
    "set ids",
    "get plan",
    "delete ip",
];

/// The kind of trouble that a history aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Anything,
    /// Writers are slow, but fast enough to acknowledge. So the order of number, stamp and clock
    /// matters.
    SlowWriters,
    /// Writers are too slow to acknowledge.
    LateWriters,
    /// The write of a head takes effect after the write of its successor.
    LateMarks,
    /// The store stays slow. Folds take longer than any lease, and folders are ended while they
    /// fold.
    SlowStore,
}

/// A store that stays slow, even after the faults have ended, and folders with a limited life.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// The time that the store needs to read, write or delete the state of an IP. It is as long as
    /// for a state of megabytes.
    pub state_us: u64,
    /// A folder is ended after this time, as if its process were restarted.
    pub life_us: u64,
}

/// The faults of one history.
pub struct Mix {
    pub theme: Theme,
    pub slow: Option<Slow>,
    often: Vec<(Fault, f64)>,
    /// Classes of calls, each with a fault and its probability. These calls fail far more often
    /// than the others.
    focus: Vec<(&'static str, Fault, f64)>,
    /// The shortest and the longest stall, in milliseconds.
    stall_ms: (u64, u64),
}

impl Mix {
    /// Draws the faults of a history. Most histories aim at a few classes of calls.
    pub fn draw(rng: &mut Rng) -> Self {
        let theme = match rng.u8(0..24) {
            0..=3 => Theme::SlowWriters,
            4..=6 => Theme::LateWriters,
            7..=9 => Theme::LateMarks,
            10 => Theme::SlowStore,
            _ => Theme::Anything,
        };
        let mut often: Vec<(Fault, f64)> = FAULTS
            .iter()
            .filter(|(_, share, _)| rng.f64() < *share)
            .map(|(fault, _, most)| (*fault, *most))
            .collect();
        for (_, p) in &mut often {
            *p *= 0.2 + 0.8 * rng.f64();
        }
        let aimed = theme != Theme::Anything || rng.f64() < 0.75;
        if aimed {
            let scale = [0.0, 0.3, 1.0][rng.usize(0..3)];
            often.iter_mut().for_each(|(_, p)| *p *= scale);
        }
        let focus = match theme {
            Theme::SlowWriters => vec![
                ("increment log:next 1", Fault::SlowCall, 0.5),
                ("set log", Fault::SlowCall, 0.5),
                ("get log", Fault::SlowReturn, 0.4),
            ],
            Theme::LateWriters => vec![("set log", Fault::SlowCall, 0.5)],
            Theme::LateMarks => vec![("set head", Fault::SlowCall, 0.5)],
            Theme::Anything | Theme::SlowStore if aimed => (0..rng.usize(1..=3))
                .map(|_| {
                    let fault = FAULTS[rng.usize(0..FAULTS.len())].0;
                    let often = [0.15, 0.5][rng.usize(0..2)];
                    (CALLS[rng.usize(0..CALLS.len())], fault, often)
                })
                .collect(),
            Theme::Anything | Theme::SlowStore => Vec::new(),
        };
        let stall_ms = match theme {
            Theme::SlowWriters => (2_500, 3_950),
            _ => (20, IN_FLIGHT_MS_MAX),
        };
        let slow = (theme == Theme::SlowStore).then(|| Slow {
            state_us: [300_000, 1_000_000][rng.usize(0..2)],
            life_us: rng.u64(140_000_000..180_000_000),
        });
        Self {
            theme,
            slow,
            often,
            focus,
            stall_ms,
        }
    }

    /// Draws the length of a stall. Most stalls are in the lower part of the range.
    pub fn stall_us(&self, rng: &mut Rng) -> u64 {
        let (low, high) = (self.stall_ms.0 as f64, self.stall_ms.1 as f64);
        ((low.ln() + (high.ln() - low.ln()) * rng.f64()).exp() * 1_000.0) as u64
    }

    /// Draws the fault of this call. `None`: the call has no fault.
    pub fn strike(&self, rng: &mut Rng, class: &str) -> Option<Fault> {
        for (_, fault, p) in self.focus.iter().filter(|(call, ..)| *call == class) {
            if rng.f64() < *p {
                return Some(*fault);
            }
        }
        let mut draw = rng.f64();
        self.often.iter().find_map(|(fault, p)| {
            draw -= p;
            (draw < 0.0).then_some(*fault)
        })
    }
}
