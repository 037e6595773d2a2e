//! Finds the record of a log by its content.

use super::record::{HEAD_BYTES_MAX, Record};

/// Compares the content of a log, as it comes, with all that earlier imports read.
pub struct Probe<'a> {
    /// The records that the log may still be, the one that was read furthest last.
    candidates: Vec<&'a Record>,
    head: Vec<u8>,
    bytes: u64,
    crc: u32,
    found: Option<&'a Record>,
}

impl<'a> Probe<'a> {
    /// A record without content is no candidate: every log begins with nothing.
    pub fn new(candidates: impl Iterator<Item = &'a Record>) -> Self {
        let mut candidates: Vec<_> = candidates.filter(|record| record.mark.bytes > 0).collect();
        candidates.sort_by_key(|record| record.mark.bytes);
        Self {
            candidates,
            head: Vec::new(),
            bytes: 0,
            crc: 0,
            found: None,
        }
    }

    /// Whether more content is needed.
    pub fn is_open(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// The record of which the log has all content. Of several, the one that was read furthest.
    pub fn found(&self) -> Option<&'a Record> {
        self.found
    }

    pub fn feed(&mut self, mut content: &[u8]) {
        while let Some(&next) = self.candidates.first() {
            let wanted = next.mark.bytes - self.bytes;
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            let (taken, rest) = content.split_at(wanted.min(content.len()));
            self.take(taken);
            if self.bytes < next.mark.bytes {
                return;
            }
            content = rest;
            if self.crc == next.mark.crc && next.has_head(&self.head) {
                self.found = Some(next);
            }
            let bytes = self.bytes;
            self.candidates
                .retain(|record| !std::ptr::eq(*record, next) && record.mark.bytes >= bytes);
        }
    }

    fn take(&mut self, content: &[u8]) {
        self.bytes += content.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, content);
        let room = HEAD_BYTES_MAX - self.head.len();
        if room > 0 {
            self.head.extend(content.iter().take(room));
            if self.head.len() == HEAD_BYTES_MAX {
                // Most logs are told apart here, and need not be read twice.
                let head = &self.head;
                self.candidates.retain(|record| record.has_head(head));
            }
        }
    }
}
