//! Cuts a log into batches. The key of a batch is made of its place.

use std::io;

use rollcall_formats::Format;

use super::directives::Directives;
use super::lines::{BATCH_BYTES_MAX, Damage, Mark, Piece};
use super::open::Log;
use super::reader::Next;
use super::record::id;
use super::refused::Refused;

/// A line that is not blank.
#[derive(Debug)]
pub struct Line {
    /// The number in the log, counted from 1.
    pub number: u64,
    /// The line without its end.
    pub text: Vec<u8>,
}

impl Line {
    /// Whether the line holds no hit, and is not refused: a comment, or a bracket or comma of an
    /// array that is written one object a line.
    pub fn is_frame(&self) -> bool {
        let text = self.text.trim_ascii();
        text.starts_with(b"#") || matches!(text, b"[" | b"]" | b"," | b"],")
    }
}

#[derive(Debug)]
pub struct Batch {
    /// The `Idempotency-Key`.
    pub key: String,
    pub start: Mark,
    pub end: Mark,
    pub lines: Vec<Line>,
    /// Stretches that are no lines.
    pub damaged: Vec<(u64, Damage)>,
    /// Those before the batch.
    pub directives: Directives,
    pub is_full: bool,
    /// Whether the log has nothing after the batch.
    pub is_at_end: bool,
}

impl Batch {
    /// An empty batch at the place of the log.
    pub fn after(log: &Log) -> Self {
        let start = log.record.mark;
        Self {
            key: String::new(),
            start,
            end: start,
            lines: Vec::new(),
            damaged: Vec::new(),
            directives: log.record.directives.clone(),
            is_full: false,
            is_at_end: false,
        }
    }

    /// Takes the next lines of a log: until the batch is full, until the place at which an earlier
    /// import ended the same batch, or until there is nothing more now.
    ///
    /// # Errors
    /// The log cannot be read. The lines before the error are in a batch of their own, before it.
    pub fn cut(log: &mut Log, size: usize) -> io::Result<Self> {
        let mut batch = Self::after(log);
        let start = batch.start;
        let pending = log.record.pending.filter(|&end| end > start.bytes);
        let mut text_bytes = 0;
        while !batch.is_full {
            let piece = match log.reader.next() {
                Ok(Next::Piece(piece)) => piece,
                Ok(Next::Nothing) => break,
                Ok(Next::End) => {
                    batch.is_at_end = true;
                    break;
                }
                Err(error) if batch.end == start => return Err(error),
                Err(error) => {
                    log.reader.put_back(Err(error));
                    batch.is_full = true;
                    break;
                }
            };
            if text_bytes + piece.text.len() >= BATCH_BYTES_MAX && !batch.lines.is_empty() {
                log.reader.put_back(Ok(piece));
                batch.is_full = true;
                break;
            }
            text_bytes += piece.text.len() + 1;
            batch.take(piece);
            batch.is_full = match pending {
                Some(end) => batch.end.bytes >= end,
                None => batch.lines.len() + batch.damaged.len() >= size,
            };
        }
        Ok(batch)
    }

    /// Whether the batch has not even a blank line.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub fn take(&mut self, piece: Piece) {
        self.end = piece.end;
        let number = piece.number;
        self.damaged
            .extend(piece.damage.map(|damage| (number, damage)));
        if !piece.text.is_empty() {
            let text = piece.text;
            self.lines.push(Line { number, text });
        }
    }

    /// Makes the key of the log's id, the range of the batch, and its lines as they are in the log.
    ///
    /// The range is in the key because a log may hold the same lines twice, and both count. The
    /// lines are in it for the case that the record of a log is lost, and other lines stand there.
    pub fn seal(&mut self, log: &str) {
        let (start, end) = (self.start.bytes.to_be_bytes(), self.end.bytes.to_be_bytes());
        let mut parts = vec![log.as_bytes(), &start, &end];
        parts.extend(self.lines.iter().map(|line| line.text.as_slice()));
        self.key = id(&parts);
    }

    /// The directives up to the end of the batch.
    pub fn directives_after(&self) -> Directives {
        let mut directives = self.directives.clone();
        self.lines
            .iter()
            .for_each(|line| directives.note(&line.text));
        directives
    }

    /// The lines that may be hits.
    pub fn hit_lines(&self) -> u64 {
        self.lines.iter().filter(|line| !line.is_frame()).count() as u64
    }

    pub fn refused(&self) -> Vec<Refused> {
        let refused = self.damaged.iter().map(|&(line, damage)| Refused {
            line,
            field: None,
            reason: damage.reason().to_owned(),
        });
        refused.collect()
    }
}

/// The request for a batch.
pub struct Shipment {
    pub key: String,
    /// The value of `?format=`.
    pub format: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// For each line of the body, its number in the log.
    pub line_numbers: Vec<u64>,
    /// How many lines of the body may be hits.
    pub hits: u64,
    /// Lines of the batch that are not in the body.
    pub refused: Vec<Refused>,
}

impl Shipment {
    /// Sends the lines as they are, behind the directives that they need.
    pub fn verbatim(batch: &Batch, format: &str) -> Self {
        let mut shipment = Self::new(batch, format);
        let first = batch.lines.first().map_or(0, |line| line.number);
        for line in batch.directives.lines() {
            shipment.push(line.as_bytes(), first);
        }
        for line in &batch.lines {
            shipment.push(&line.text, line.number);
        }
        shipment.hits = batch.hit_lines();
        shipment
    }

    /// A request without lines.
    pub fn new(batch: &Batch, format: &str) -> Self {
        Self {
            key: batch.key.clone(),
            format: format.to_owned(),
            content_type: content_type(format),
            body: Vec::new(),
            line_numbers: Vec::with_capacity(batch.lines.len()),
            hits: 0,
            refused: batch.refused(),
        }
    }

    fn push(&mut self, line: &[u8], number: u64) {
        self.body.extend_from_slice(line);
        self.body.push(b'\n');
        self.line_numbers.push(number);
    }
}

/// The server takes the format from `?format=`. The media type is for others who see the request.
fn content_type(format: &str) -> &'static str {
    match Format::from_name(format) {
        Some(Format::Ndjson) => "application/x-ndjson",
        _ => "text/plain",
    }
}
