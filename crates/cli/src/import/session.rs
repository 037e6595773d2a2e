//! Sends the batches of logs, and notes how far they are acknowledged.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rollcall_tally::Receipt;

use super::batch::{Batch, Shipment};
use super::client::{Client, Retry};
use super::error::{ImportError, SendError};
use super::open::{Log, Options};
use super::progress::Progress;
use super::rebase::Rebase;
use super::report::Report;
use super::state::State;

/// How an import is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The value of `?format=`.
    pub format: String,
    pub batch_size: usize,
    pub max_refused: Option<u64>,
    pub last_line: bool,
    pub from_start: bool,
}

pub struct Session<'a> {
    plan: Plan,
    client: Client,
    state: State,
    rebase: Option<Rebase>,
    progress: Progress,
    report: &'a mut Report,
    stop: Arc<AtomicBool>,
}

impl<'a> Session<'a> {
    pub fn new(
        plan: Plan,
        (token, retry): (&str, Retry),
        state: State,
        report: &'a mut Report,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            client: Client::new(state.server(), token, retry, Arc::clone(&stop)),
            plan,
            state,
            rebase: None,
            progress: Progress::new(None),
            report,
            stop,
        }
    }

    pub fn show(&mut self, progress: Progress) {
        self.progress = progress;
    }

    pub fn move_times(&mut self, rebase: Rebase) {
        self.rebase = Some(rebase);
    }

    /// Whether the import shall end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub fn note(&self, text: &str) {
        self.progress.note(text);
    }

    pub fn open(&mut self, path: &Path) -> Result<Log, ImportError> {
        let from_start = self.plan.from_start;
        let log = Log::open(path, &self.state, Options { from_start })?;
        self.report.logs += 1;
        self.report.known_logs += u64::from(log.record.mark.bytes > 0);
        Ok(log)
    }

    /// From now on, files are opened where the last import ended.
    pub fn go_on(&mut self) {
        self.plan.from_start = false;
    }

    /// Sends all that the log has.
    pub fn send_all(&mut self, log: &mut Log) -> Result<(), ImportError> {
        while self.send_some(log)?.is_full {}
        self.finish(log)
    }

    /// Sends one batch, if the log has any lines now. Returns it.
    pub fn send_some(&mut self, log: &mut Log) -> Result<Batch, ImportError> {
        let mut batch =
            Batch::cut(log, self.plan.batch_size).map_err(|source| rest(log, source))?;
        if !batch.is_empty() {
            self.send(log, &mut batch)?;
        }
        Ok(batch)
    }

    /// Sends the last line, if it has no end and will get none, and notes that the log is over.
    pub fn finish(&mut self, log: &mut Log) -> Result<(), ImportError> {
        if let Some(text) = log.reader.unfinished() {
            if !log.may_grow || self.plan.last_line || is_whole(text) {
                self.take_last_line(log)?;
            } else if !text.trim_ascii().is_empty() {
                self.report.unfinished.push(log.name.clone());
            }
        }
        log.record.done_bytes = log.is_packed.then_some(log.file_bytes);
        match log.record.log.is_empty() {
            // Nothing was sent of the log.
            true => Ok(()),
            // This also tells that the log was met.
            false => log.save(&self.state),
        }
    }

    /// Sends the last line, although it has no end.
    pub fn take_last_line(&mut self, log: &mut Log) -> Result<(), ImportError> {
        let Some(piece) = log.reader.finish() else {
            return Ok(());
        };
        let mut batch = Batch::after(log);
        batch.take(piece);
        self.send(log, &mut batch)
    }

    fn send(&mut self, log: &mut Log, batch: &mut Batch) -> Result<(), ImportError> {
        log.name_it(&self.state)?;
        batch.seal(&log.record.log);
        let shipment = match &self.rebase {
            Some(rebase) => rebase.apply(batch)?,
            None => Shipment::verbatim(batch, &self.plan.format),
        };
        let receipt = match shipment.hits {
            0 => Receipt::default(),
            _ => self.ship(log, batch, &shipment)?,
        };
        log.record.directives = batch.directives_after();
        log.record.mark = batch.end;
        log.record.has_lines |= batch.hit_lines() > 0 || !batch.damaged.is_empty();
        log.record.pending = None;
        log.save(&self.state)?;
        self.report.add(&log.name, batch, shipment, receipt);
        let bytes = batch.end.bytes - batch.start.bytes;
        self.progress.advance(bytes, self.report.accepted);
        let refused = self.report.refused;
        match self.plan.max_refused {
            Some(max) if refused > max => Err(ImportError::Refused { refused }),
            _ => Ok(()),
        }
    }

    /// Notes the end of the batch, and sends it. If the program is killed before it notes the
    /// answer, the next import sends the same batch, under the same key.
    fn ship(
        &self,
        log: &mut Log,
        batch: &Batch,
        shipment: &Shipment,
    ) -> Result<Receipt, ImportError> {
        log.record.pending = Some(batch.end.bytes);
        log.save(&self.state)?;
        let sent = self.client.send(shipment, |note| self.progress.note(note));
        if let Err(SendError::TooLarge) = sent {
            // It was never accepted. The next import may cut it differently.
            log.record.pending = None;
            log.save(&self.state)?;
        }
        Ok(sent?)
    }
}

fn rest(log: &Log, source: io::Error) -> ImportError {
    let file = log.name.clone();
    ImportError::Rest { file, source }
}

/// Whether the line is whole, although it has no end: a JSON object has nothing behind it.
fn is_whole(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}
