//! The result of an import: how many lines were accepted and refused, and why.

use std::fmt::{self, Write as _};
use std::time::Instant;

use indexmap::IndexMap;
use indicatif::HumanCount;
use rollcall_tally::Receipt;

use super::batch::{Batch, Line, Shipment};
use super::refused::Refused;

/// How many reasons are told apart. Reasons may hold a part of the line.
const REASONS_MAX: usize = 50;

/// The lines that were refused for one reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    /// The log and the line of the first one.
    pub first: (String, u64),
}

#[derive(Debug)]
pub struct Report {
    started: Instant,
    /// The lines of the batches that were acknowledged. Blank lines, comments and brackets do not count.
    pub lines: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Accepted hits of which something is unknown or was cut.
    pub repaired: u64,
    /// Hits that do not count by the server's rules.
    pub excluded: u64,
    pub batches: u64,
    /// The refused lines that are described: by field and reason.
    pub reasons: IndexMap<(Option<String>, String), Tally>,
    /// Lines that were left for the next import, because they have no end yet.
    pub unfinished: Vec<String>,
    /// Whether a log begins as a JSON array.
    has_array: bool,
    /// The logs that were read, and those of them whose beginning an earlier import sent.
    pub logs: u64,
    pub known_logs: u64,
}

impl Report {
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            lines: 0,
            accepted: 0,
            refused: 0,
            repaired: 0,
            excluded: 0,
            batches: 0,
            reasons: IndexMap::new(),
            unfinished: Vec::new(),
            has_array: false,
            logs: 0,
            known_logs: 0,
        }
    }

    /// Adds an acknowledged batch.
    pub fn add(&mut self, log: &str, batch: &Batch, shipment: Shipment, receipt: Receipt) {
        self.lines += batch.hit_lines() + batch.damaged.len() as u64;
        self.accepted += receipt.accepted;
        self.refused += receipt.rejected + shipment.refused.len() as u64;
        self.repaired += receipt.repaired.hits;
        self.excluded += receipt.excluded;
        self.batches += 1;
        self.has_array |= batch.start.bytes == 0 && batch.lines.first().is_some_and(is_array);
        let mut refused = shipment.refused;
        refused.extend(receipt.rejections.into_iter().map(|rejection| Refused {
            line: line_number(&shipment.line_numbers, rejection.number),
            field: rejection.field,
            reason: rejection.reason,
        }));
        refused.sort_by_key(|refused| refused.line);
        for refused in refused {
            self.describe(log, refused);
        }
    }

    fn describe(&mut self, log: &str, refused: Refused) {
        let key = (refused.field, refused.reason);
        if self.reasons.len() == REASONS_MAX && !self.reasons.contains_key(&key) {
            return;
        }
        let first = || Tally {
            count: 0,
            first: (log.to_owned(), refused.line),
        };
        self.reasons.entry(key).or_insert_with(first).count += 1;
    }

    /// Whether the import did what it was for: something was accepted, or there was nothing new.
    pub fn is_success(&self) -> bool {
        let had_nothing = self.known_logs > 0 || self.unfinished.is_empty();
        self.accepted + self.excluded > 0 || (self.refused == 0 && had_nothing)
    }

    /// Prints the counts, and on the standard error the reasons why lines were refused.
    pub fn print(&self) {
        eprint!("{}", self.refusals());
        for log in &self.unfinished {
            eprintln!(
                "{log}: the last line has no end yet, and was left for the next import. If the file \
                 is complete, add --last-line"
            );
        }
        if self.has_array && self.accepted == 0 {
            eprintln!(
                "A JSON array has not one hit a line. Try: jq -c '.[]' FILE | rollcall import -"
            );
        }
        if self.repaired > 0 {
            eprintln!(
                "{} accepted hits have something that is unknown or was cut: `repaired` in the status",
                HumanCount(self.repaired)
            );
        }
        if self.excluded > 0 {
            eprintln!(
                "{} hits do not count by the server's rules",
                HumanCount(self.excluded)
            );
        }
        println!("{self}");
    }

    /// A table of the refused lines: the most frequent reason first.
    pub fn refusals(&self) -> String {
        let mut rows: Vec<_> = self.reasons.iter().collect();
        rows.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.count));
        let mut table = String::new();
        if !rows.is_empty() {
            table += "   refused  field            reason, and the first such line\n";
        }
        for ((field, reason), tally) in &rows {
            let (log, line) = &tally.first;
            let count = HumanCount(tally.count).to_string();
            let field = field.as_deref().unwrap_or("-");
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "{count:>10}  {field:<15}  {reason} ({log}, line {line})"
            );
        }
        let described: u64 = rows.iter().map(|(_, tally)| tally.count).sum();
        let more = self.refused.saturating_sub(described);
        if more > 0 {
            let count = HumanCount(more).to_string();
            let _ = writeln!(
                table,
                "{count:>10}  {:<15}  not described: the server describes the first 10 of a batch",
                "-"
            );
        }
        table
    }
}

/// Whether the first line of a log has several objects of a JSON array.
fn is_array(line: &Line) -> bool {
    line.text.trim_ascii().starts_with(b"[{")
}

/// The number of a line in the file. `number` is its number in the body.
fn line_number(line_numbers: &[u64], number: u64) -> u64 {
    let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    // If a server names a line that was not sent, its number is shown as it is.
    line_numbers.get(index).copied().unwrap_or(number)
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lines == 0 && self.known_logs > 0 {
            return formatter.write_str(
                "nothing new since the last import. --from-start sends all lines again",
            );
        }
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
