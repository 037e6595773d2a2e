//! Moves all times by the same amount, so that the newest hit is now, and the gaps between the hits
//! stay.
//!
//! A first pass finds the newest hit. The hits are read here, by the same code as on the server,
//! and are sent as NDJSON. If a line cannot be read, it is refused here.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rollcall_formats::{self as formats, Format};
use rollcall_tally::Hit;

use super::batch::{Batch, Line, Shipment};
use super::directives::Directives;
use super::open::Log;
use super::refused::Refused;

/// The reader takes this time as now. So no time in the file is in the future. If a hit has this
/// time, its line has no time.
const NO_TIME_MS: u64 = u64::MAX;

pub struct Rebase {
    format: Format,
    newest_ms: Option<u64>,
    /// The time at which the import began. All batches use it.
    now_ms: u64,
}

impl Rebase {
    pub fn new(format: Format) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            format,
            newest_ms: None,
            now_ms: since_1970.unwrap_or_default().as_millis() as u64,
        }
    }

    /// Looks for the newest hit in all that the log has not sent yet.
    pub fn measure(&mut self, mut log: Log) -> io::Result<Log> {
        let mut directives = log.record.directives.clone();
        let mark = log.record.mark;
        log.reader = log.reader.look_ahead(mark, |piece| {
            let (number, text) = (piece.number, piece.text);
            let line = Line { number, text };
            directives.note(&line.text);
            let hit = self.read(&line, &directives).ok();
            let time_ms = hit.map(|hit| hit.timestamp_ms);
            self.newest_ms = self.newest_ms.max(time_ms.filter(|&ms| ms != NO_TIME_MS));
        })?;
        Ok(log)
    }

    /// The batch with its times moved, under the key of its original lines.
    pub fn apply(&self, batch: &Batch) -> io::Result<Shipment> {
        let mut shipment = Shipment::new(batch, "ndjson");
        let mut directives = batch.directives.clone();
        for line in &batch.lines {
            if line.is_frame() {
                directives.note(&line.text);
                continue;
            }
            match self.read(line, &directives) {
                Ok(mut hit) => {
                    hit.timestamp_ms = self.moved(hit.timestamp_ms);
                    formats::write_json(&hit, &mut shipment.body)?;
                    shipment.body.push(b'\n');
                    shipment.line_numbers.push(line.number);
                }
                Err(refused) => shipment.refused.push(refused),
            }
        }
        shipment.hits = shipment.line_numbers.len() as u64;
        Ok(shipment)
    }

    /// Moves a time. A hit without a time is newer than all others, and is moved to now.
    fn moved(&self, time_ms: u64) -> u64 {
        let age_ms = self
            .newest_ms
            .unwrap_or(self.now_ms)
            .saturating_sub(time_ms);
        self.now_ms.saturating_sub(age_ms)
    }

    /// Reads a line, behind the directives that it needs.
    fn read(&self, line: &Line, directives: &Directives) -> Result<Hit, Refused> {
        let refused = |field, reason| Refused {
            line: line.number,
            field,
            reason,
        };
        let mut body: Vec<u8> = directives
            .lines()
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .into();
        body.extend_from_slice(&line.text);
        let mut intake = formats::read(&body, self.format, NO_TIME_MS)
            .map_err(|error| refused(None, error.to_string()))?;
        match (intake.hits.pop(), intake.rejections.pop()) {
            (Some(hit), _) => Ok(hit),
            (None, Some(rejection)) => Err(refused(rejection.field, rejection.reason)),
            (None, None) => Err(refused(None, "not a hit".to_owned())),
        }
    }
}
