//! Moves all times by the same amount, so that the newest hit is now, and the gaps between the hits
//! stay.
//!
//! A first pass finds the newest hit. The hits are read here, by the same code as on the server,
//! and are sent as NDJSON. If a line cannot be read, it is refused here.

use std::iter::Peekable;
use std::time::{SystemTime, UNIX_EPOCH};

use rollcall_formats::{self as formats, Format};
use rollcall_tally::Hit;

use super::batch::{Batch, Shipment, content_type};
use super::error::ImportError;
use super::lines::{Line, Lines};
use super::refused::Refused;

/// The reader takes this time as now. So no time in the file is in the future. If a hit has this
/// time, its line has no time.
const NO_TIME_MS: u64 = u64::MAX;

pub struct Rebase {
    format: Format,
    newest_ms: u64,
    /// The time at which the import began. All batches use it.
    now_ms: u64,
}

impl Rebase {
    /// Finds the newest hit.
    pub fn measure(lines: Peekable<Lines>, format: Format) -> Result<Self, ImportError> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = since_1970.unwrap_or_default().as_millis() as u64;
        let mut newest_ms = None;
        for line in lines {
            let hit = read(&line?, format).ok();
            let time_ms = hit.map(|hit| hit.timestamp_ms);
            newest_ms = newest_ms.max(time_ms.filter(|&ms| ms != NO_TIME_MS));
        }
        Ok(Self {
            format,
            newest_ms: newest_ms.unwrap_or(now_ms),
            now_ms,
        })
    }

    /// The batch with its times moved, under the key of its original lines.
    pub fn apply(&self, batch: &Batch) -> Result<Shipment, ImportError> {
        let mut shipment = Shipment {
            key: batch.key(),
            content_type: content_type(Format::Ndjson),
            body: Vec::with_capacity(batch.bytes * 2),
            line_numbers: Vec::with_capacity(batch.lines.len()),
            refused: Vec::new(),
        };
        for line in &batch.lines {
            match read(line, self.format) {
                Ok(mut hit) => {
                    hit.timestamp_ms = self.moved(hit.timestamp_ms);
                    formats::write_json(&hit, &mut shipment.body)?;
                    shipment.body.push(b'\n');
                    shipment.line_numbers.push(line.number);
                }
                Err(refused) => shipment.refused.push(refused),
            }
        }
        Ok(shipment)
    }

    /// Moves a time. A hit without a time is newer than all others, and is moved to now.
    fn moved(&self, time_ms: u64) -> u64 {
        let age_ms = self.newest_ms.saturating_sub(time_ms);
        self.now_ms.saturating_sub(age_ms)
    }
}

fn read(line: &Line, format: Format) -> Result<Hit, Refused> {
    let refused = |field, reason| Refused {
        line: line.number,
        field,
        reason,
    };
    let mut intake = formats::read(&line.text, format, NO_TIME_MS)
        .map_err(|error| refused(None, error.to_string()))?;
    match (intake.hits.pop(), intake.rejections.pop()) {
        (Some(hit), _) => Ok(hit),
        (None, Some(rejection)) => Err(refused(rejection.field, rejection.reason)),
        (None, None) => Err(refused(None, "not a hit".to_owned())),
    }
}
