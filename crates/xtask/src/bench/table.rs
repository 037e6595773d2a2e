//! The table of the measurements, each beside its reference.

use std::fmt;

use super::goals::{Goal, Target, Unit};

/// Shown if there is no value.
const NOTHING: &str = "–";

pub struct Row {
    pub goal: &'static Goal,
    pub measured: f64,
    pub reference: Option<Reference>,
    /// A fact that a reader must know about this number.
    pub note: String,
}

pub struct Reference {
    pub name: String,
    pub value: f64,
}

pub struct Table {
    pub rows: Vec<Row>,
    /// Whether the run has many IPs. Such a run has other targets.
    pub is_wide: bool,
    /// Whether the run is large enough for the targets.
    pub is_judged: bool,
}

impl Table {
    /// Adds a measurement, and prints it at once.
    pub fn add(&mut self, goal: &'static Goal, measured: f64, note: impl Into<String>) {
        let note = note.into();
        eprintln!("  {}: {} {note}", goal.what, goal.unit.show(measured));
        self.rows.push(Row {
            goal,
            measured,
            reference: None,
            note,
        });
    }

    /// Sets the reference of a measurement. If it was not measured, does nothing.
    pub fn refer(&mut self, what: &str, name: impl Into<String>, value: f64) {
        let row = self.rows.iter_mut().find(|row| row.goal.what == what);
        if let Some(row) = row {
            let name = name.into();
            row.reference = Some(Reference { name, value });
        }
    }

    pub fn measured(&self, what: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.goal.what == what);
        row.map(|row| row.measured)
    }

    fn target(&self, row: &Row) -> String {
        let target = match self.is_wide {
            true => &row.goal.wide,
            false => &row.goal.target,
        };
        let unit = row.goal.unit;
        let (text, is_reached) = match *target {
            Target::None => return NOTHING.to_owned(),
            Target::AtLeast(least) => (
                format!("≥ {}", unit.show(least)),
                Some(row.measured >= least),
            ),
            Target::AtMost(most) => (format!("≤ {}", unit.show(most)), Some(row.measured <= most)),
            Target::Times(most, of) => {
                let ratio = row.ratio();
                (format!("≤ {most} × {of}"), ratio.map(|ratio| ratio <= most))
            }
            Target::AtLeastTimes(least, of) => {
                let ratio = row.ratio();
                (
                    format!("≥ {least} × {of}"),
                    ratio.map(|ratio| ratio >= least),
                )
            }
        };
        match (self.is_judged, is_reached) {
            (false, _) => text,
            (true, None) => format!("{text}: not known"),
            (true, Some(true)) => format!("{text}: reached"),
            (true, Some(false)) => format!("{text}: **missed**"),
        }
    }
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let reference = self.reference.as_ref()?;
        (reference.value > 0.0).then(|| self.measured / reference.value)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            out,
            "| what | measured | peer or reference | ratio | target |\n|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            let unit = row.goal.unit;
            let mut measured = unit.show(row.measured);
            if !row.note.is_empty() {
                measured += &format!(" ({})", row.note);
            }
            let reference = row.reference.as_ref().map_or_else(
                || NOTHING.to_owned(),
                |reference| format!("{}: {}", reference.name, unit.show(reference.value)),
            );
            let ratio = row
                .ratio()
                .map_or_else(|| NOTHING.to_owned(), |ratio| format!("{ratio:.2}"));
            let target = self.target(row);
            writeln!(
                out,
                "| {} | {measured} | {reference} | {ratio} | {target} |",
                row.goal.what
            )?;
        }
        Ok(())
    }
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds if value < 100.0 => format!("{value:.1} ms"),
            Self::Milliseconds => format!("{} ms", thousands(value)),
            Self::Seconds => format!("{value:.2} s"),
            Self::HitsPerSecond => format!("{} hits/s", thousands(value)),
            Self::RowsPerSecond => format!("{} rows/s", thousands(value)),
            Self::Bytes => format!("{value:.1} bytes"),
            Self::Mebibytes if value < 10.0 => format!("{value:.2} MiB"),
            Self::Mebibytes => format!("{} MiB", thousands(value)),
        }
    }
}

/// The number without a fraction, with a comma before each three digits.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Goal = Goal {
        what: "a question",
        unit: Unit::Milliseconds,
        target: Target::Times(1.0, "DuckDB"),
        wide: Target::Times(0.3, "DuckDB"),
    };
    const RATE: Goal = Goal {
        what: "a rate",
        unit: Unit::HitsPerSecond,
        target: Target::AtLeast(100_000.0),
        wide: Target::AtLeast(60_000.0),
    };

    fn shown(is_wide: bool, is_judged: bool, reference: Option<f64>) -> Vec<String> {
        let mut table = Table {
            rows: Vec::new(),
            is_wide,
            is_judged,
        };
        table.add(&QUESTION, 21.0, "7 times");
        table.add(&RATE, 81_234.5, "");
        if let Some(value) = reference {
            table.refer("a question", "DuckDB", value);
        }
        table.refer("nothing", "DuckDB", 1.0);
        table
            .to_string()
            .lines()
            .skip(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_row_has_its_ratio_and_says_whether_the_target_is_reached() {
        assert_eq!(
            shown(false, true, Some(42.0)),
            [
                "| a question | 21.0 ms (7 times) | DuckDB: 42.0 ms | 0.50 | ≤ 1 × DuckDB: reached |",
                "| a rate | 81,234 hits/s | – | – | ≥ 100,000 hits/s: **missed** |",
            ]
        );
    }

    #[test]
    fn many_ips_have_targets_of_their_own() {
        assert_eq!(
            shown(true, true, Some(42.0)),
            [
                "| a question | 21.0 ms (7 times) | DuckDB: 42.0 ms | 0.50 | ≤ 0.3 × DuckDB: **missed** |",
                "| a rate | 81,234 hits/s | – | – | ≥ 60,000 hits/s: reached |",
            ]
        );
    }

    #[test]
    fn what_was_not_compared_is_not_judged() {
        let row = |is_judged| shown(false, is_judged, None).remove(0);
        let expect = "| a question | 21.0 ms (7 times) | – | – | ≤ 1 × DuckDB";
        assert_eq!(row(true), format!("{expect}: not known |"));
        assert_eq!(row(false), format!("{expect} |"));
    }

    #[test]
    fn thousands_are_told_apart() {
        for (value, expect) in [
            (0.4, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1.5e6, "1,500,000"),
        ] {
            assert_eq!(thousands(value), expect);
        }
    }
}
