//! What became of the numbers of the log, as a root tells it.

use std::collections::BTreeMap;

use rollcall_tally::BatchState;
use serde::{Deserialize, Serialize};

use super::root::Root;

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
}

impl Root {
    /// What became of the batch with this number.
    pub fn batch(&self, n: u64) -> BatchState {
        if n > self.log || self.open.contains_key(&n) {
            return BatchState::Pending;
        }
        match self.uncounted.numbers.get(&n) {
            Some(Why::Repeated) => BatchState::Repeated,
            Some(Why::Dropped) => BatchState::Dropped,
            None if n < self.uncounted.listed_from => BatchState::TooOld,
            None => BatchState::Counted,
        }
    }
}
