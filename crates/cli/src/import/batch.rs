//! Cuts the file into batches. The key of a batch is the same in every run.

use std::iter::Peekable;

use rollcall_formats::Format;
use sha2::{Digest, Sha256};

use super::error::ImportError;
use super::lines::{BATCH_BYTES_MAX, Line, Lines};
use super::refused::Refused;

/// The hex digits of a key: 128 bits, so that no two batches ever have the same key.
const KEY_DIGITS: usize = 32;

pub struct Batch {
    /// Counted from 1.
    pub number: u64,
    pub lines: Vec<Line>,
    /// The bytes of the lines with their ends.
    pub bytes: usize,
}

impl Batch {
    /// The `Idempotency-Key`: SHA-256 over the batch's number and its lines as they are in the
    /// file, 32 hex digits.
    ///
    /// Nothing in the key differs between runs. So if a file is cut into batches of the same size
    /// again, the keys are the same. The number is in the key because a file may hold the same
    /// lines twice, and both count.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.number.to_be_bytes());
        for line in &self.lines {
            hash.update(&line.text);
            hash.update(b"\n");
        }
        let digest = hex::encode(hash.finalize());
        format!("{digest:.KEY_DIGITS$}")
    }
}

pub struct Batches {
    lines: Peekable<Lines>,
    /// The most lines in a batch.
    size: usize,
    number: u64,
}

impl Batches {
    pub fn new(lines: Peekable<Lines>, size: usize) -> Self {
        Self {
            lines,
            size,
            number: 0,
        }
    }

    fn next_line(&mut self, batch: &Batch) -> Option<Result<Line, ImportError>> {
        if batch.lines.len() == self.size {
            return None;
        }
        self.lines.next_if(|line| match line {
            Ok(line) => batch.bytes + line.text.len() < BATCH_BYTES_MAX,
            // The lines before the error are sent first.
            Err(_) => batch.lines.is_empty(),
        })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Batch {
            number: self.number + 1,
            lines: Vec::new(),
            bytes: 0,
        };
        while let Some(line) = self.next_line(&batch) {
            match line {
                Ok(line) => {
                    batch.bytes += line.text.len() + 1;
                    batch.lines.push(line);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        self.number += 1;
        (!batch.lines.is_empty()).then_some(Ok(batch))
    }
}

/// The request for a batch.
pub struct Shipment {
    pub key: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// For each line of the body, its number in the file.
    pub line_numbers: Vec<u64>,
    /// Lines of the batch that are not in the body.
    pub refused: Vec<Refused>,
}

impl Shipment {
    /// Sends the lines as they are.
    pub fn verbatim(batch: &Batch, format: Format) -> Self {
        let mut body = Vec::with_capacity(batch.bytes);
        for line in &batch.lines {
            body.extend_from_slice(&line.text);
            body.push(b'\n');
        }
        Self {
            key: batch.key(),
            content_type: content_type(format),
            body,
            line_numbers: batch.lines.iter().map(|line| line.number).collect(),
            refused: Vec::new(),
        }
    }
}

pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Ndjson => "application/x-ndjson",
        Format::AccessLog | Format::Line(_) | Format::Auto => "text/plain",
    }
}
