//! The result of an import: how many lines were accepted and refused.

use std::fmt;
use std::time::Instant;

use indicatif::HumanCount;
use rollcall_tally::Receipt;

use super::batch::{Batch, Shipment};
use super::refused::Refused;

/// How many refused lines are shown. All are counted.
const REFUSED_SHOWN: usize = 10;

#[derive(Debug)]
pub struct Report {
    started: Instant,
    /// The lines of the batches that were acknowledged. Blank lines do not count.
    pub lines: u64,
    pub accepted: u64,
    pub refused: u64,
    pub batches: u64,
    /// The first [`REFUSED_SHOWN`], in the order of the file.
    pub shown: Vec<Refused>,
}

impl Report {
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            lines: 0,
            accepted: 0,
            refused: 0,
            batches: 0,
            shown: Vec::new(),
        }
    }

    /// Adds an acknowledged batch.
    pub fn add(&mut self, batch: &Batch, shipment: Shipment, receipt: Receipt) {
        self.lines += batch.lines.len() as u64;
        self.accepted += receipt.accepted;
        self.refused += receipt.rejected + shipment.refused.len() as u64;
        self.batches += 1;
        let mut refused = shipment.refused;
        refused.extend(receipt.rejections.into_iter().map(|rejection| Refused {
            line: line_number(&shipment.line_numbers, rejection.number),
            field: rejection.field,
            reason: rejection.reason,
        }));
        refused.sort_by_key(|refused| refused.line);
        let room = REFUSED_SHOWN - self.shown.len();
        self.shown.extend(refused.into_iter().take(room));
    }

    /// Prints the counts, and on the standard error the lines that were refused.
    pub fn print(&self) {
        for refused in &self.shown {
            eprintln!("{refused}");
        }
        let more = self.refused.saturating_sub(self.shown.len() as u64);
        if more > 0 {
            eprintln!("and {} more", HumanCount(more));
        }
        println!("{self}");
    }
}

/// The number of a line in the file. `number` is its number in the body.
fn line_number(line_numbers: &[u64], number: u64) -> u64 {
    let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    // If a server names a line that was not sent, its number is shown as it is.
    line_numbers.get(index).copied().unwrap_or(number)
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed_s = self.started.elapsed().as_secs_f64();
        let rate = (self.accepted as f64 / elapsed_s.max(0.001)) as u64;
        write!(
            formatter,
            "{} lines: {} hits accepted, {} refused, in {} batches and {elapsed_s:.1} s ({} hits/s)",
            HumanCount(self.lines),
            HumanCount(self.accepted),
            HumanCount(self.refused),
            HumanCount(self.batches),
            HumanCount(rate),
        )
    }
}
