//! The numbers of the log whose hits are not counted, as a root lists them.

use std::collections::BTreeMap;

use rollcall_tally::BatchState;
use serde::{Deserialize, Serialize};

/// The numbers that are folded or given up, and whose hits are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uncounted {
    /// Smaller numbers are not listed.
    pub listed_from: u64,
    pub numbers: BTreeMap<u64, Why>,
}

/// Why the hits under a number are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Why {
    Repeated,
    Dropped,
}

impl Uncounted {
    /// Lists a number. If there are then more than `most`, forgets the smallest numbers.
    pub fn note(&mut self, n: u64, why: Why, most: usize) {
        if n < self.listed_from {
            return;
        }
        self.numbers.insert(n, why);
        while self.numbers.len() > most {
            let Some((smallest, _)) = self.numbers.pop_first() else {
                return;
            };
            self.listed_from = smallest + 1;
        }
    }

    /// What became of a batch that is folded or given up.
    pub fn state(&self, n: u64) -> BatchState {
        match self.numbers.get(&n) {
            Some(Why::Repeated) => BatchState::Repeated,
            Some(Why::Dropped) => BatchState::Dropped,
            None if n < self.listed_from => BatchState::TooOld,
            None => BatchState::Counted,
        }
    }
}
