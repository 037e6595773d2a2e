//! What can go wrong at a store call, and how often in one history.

use fastrand::Rng;

/// The longest that a call may be in flight, or its caller stalled.
pub const IN_FLIGHT_MS_MAX: u64 = 40_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller ends; the call takes effect now, later or never.
    Crash,
    /// All of the caller's node does.
    NodeCrash,
    /// An error, and no effect.
    ErrorBefore,
    /// An error, though the call took effect.
    ErrorAfter,
    /// An error; the call takes effect later.
    ErrorLate,
    /// The call takes effect late, and its caller waits for it.
    SlowCall,
    /// The call takes effect now, and its caller hears of it late.
    SlowReturn,
}

/// Each fault, in how many histories it occurs, and how often at most then.
const FAULTS: [(Fault, f64, f64); 7] = [
    (Fault::Crash, 0.5, 0.02),
    (Fault::NodeCrash, 0.15, 0.003),
    (Fault::ErrorBefore, 0.4, 0.03),
    (Fault::ErrorAfter, 0.4, 0.03),
    (Fault::ErrorLate, 0.4, 0.02),
    (Fault::SlowCall, 0.5, 0.03),
    (Fault::SlowReturn, 0.5, 0.03),
];

/// Where in the protocol a call stands: the kind of call and the kind of key.
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

/// What a history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Anything,
    /// Slow, but not too slow to acknowledge: what the order of number, stamp and clock is for.
    SlowWriters,
    /// Too slow to acknowledge.
    LateWriters,
    /// A head that is written after its successor.
    LateMarks,
    /// Folds that take longer than any lease, in a store that stays slow, by folders that are ended on the way.
    SlowStore,
}

/// A store that stays slow, also when the faults are over, and folders that do not live for ever.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// What reading, writing or deleting the state of an IP takes of the store's time, as if it had megabytes.
    pub state_us: u64,
    /// A folder is ended after this, as where its process is started anew.
    pub life_us: u64,
}

/// The mix of one history.
pub struct Mix {
    pub theme: Theme,
    pub slow: Option<Slow>,
    often: Vec<(Fault, f64)>,
    /// Calls that are struck far more often than the rest.
    focus: Vec<(&'static str, Fault, f64)>,
    /// How long a stall takes, in milliseconds.
    stall_ms: (u64, u64),
}

impl Mix {
    /// Each history has its own; most aim at a few calls.
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

    /// How long a stall takes: most are short, for their range.
    pub fn stall_us(&self, rng: &mut Rng) -> u64 {
        let (low, high) = (self.stall_ms.0 as f64, self.stall_ms.1 as f64);
        ((low.ln() + (high.ln() - low.ln()) * rng.f64()).exp() * 1_000.0) as u64
    }

    /// What strikes this call, if anything.
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
