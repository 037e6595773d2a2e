//! How many values one call reads.

use crate::limits::Limits;

/// As many values as fit into the bytes of one call, if they are as large as the last ones.
pub(crate) struct Portion {
    count: usize,
}

impl Portion {
    /// The first portion, while nothing is known of the values.
    pub fn of(count: usize) -> Self {
        Self { count }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Learns from a call: it asked for `values` values, and got `bytes` bytes. The next portion is
    /// at most twice as large, because the next values may be larger.
    pub fn learn(&mut self, values: usize, bytes: usize, limits: &Limits) {
        let each = bytes.checked_div(values).unwrap_or(0);
        let fit = limits.chunk_bytes.checked_div(each).unwrap_or(limits.chunk);
        self.count = fit.min(self.count * 2).clamp(1, limits.chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_doubles_up_to_what_one_call_may_get() {
        let limits = Limits {
            chunk: 20,
            chunk_bytes: 1_000,
            ..Limits::default()
        };
        let mut portion = Portion::of(2);
        let mut counts = Vec::new();
        for each in [1, 1, 1, 1, 100, 0, 5_000, 1] {
            let count = portion.count();
            portion.learn(count, count * each, &limits);
            counts.push(portion.count());
        }
        assert_eq!(counts, [4, 8, 16, 20, 10, 20, 1, 2]);
    }
}
